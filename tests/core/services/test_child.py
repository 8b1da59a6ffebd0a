"""A child process under supervision, and processes that are named by pid and creation time."""

import os
import signal
import sys
import time

import psutil
import pytest

from core.services import child as children
from core.services.child import Child
from core.services.processes import ProcessId, roll, tail
from tests import processes
from tests.waiting import until


@pytest.fixture
def make_child(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "_FIRST_PAUSE", 0.05)
    made = []

    def make(script, answers=lambda: True):
        child = Child("thing", lambda: [sys.executable, "-c", script], dict(os.environ), tmp_path / "log", answers)
        made.append(child)
        child.start()
        return child

    yield make
    for child in made:
        child.ask_to_end()
        child.end(patience=2)


SLEEP = "import time; print('hello', flush=True); time.sleep(60)"


def test_a_child_that_dies_is_started_again(make_child):
    child = make_child(SLEEP)
    child.look_after()
    assert child.ready
    first = child.identity
    psutil.Process(first.pid).kill()
    until(lambda: child.look_after(), seconds=30)
    assert child.identity != first
    assert not child.ready
    assert child.deaths == 1


def test_a_child_that_cannot_live_is_given_up_and_its_words_are_kept(make_child):
    child = make_child("import sys; sys.exit('no such thing')")
    until(lambda: (child.look_after() and False) or child.given_up, seconds=30)
    assert not child.look_after()
    assert tail(child.log, lines=1) == "no such thing"


def test_a_deaf_child_is_killed_after_the_deadline(make_child):
    child = make_child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    until(lambda: tail(child.log) == "1", seconds=30)
    began = time.monotonic()
    pid = child.identity.pid
    child.ask_to_end()
    child.end(patience=0.3)
    assert time.monotonic() - began < 5
    assert processes.ended(pid)


def test_a_ctrl_c_in_the_terminal_does_not_reach_a_child(make_child):
    child = make_child(SLEEP)
    assert os.getsid(child.identity.pid) != os.getsid(0)


def test_another_process_with_the_same_pid_is_not_ours(make_child):
    child = make_child(SLEEP)
    real = child.identity
    recycled = ProcessId(real.pid, real.created - 100)
    recycled.end()
    real.end(needles=("something else",))
    assert real.alive(needles=("-c", SLEEP))
    real.end(needles=("-c",))
    assert not real.alive()
    assert ProcessId.from_json({"pid": "x"}) is None
    assert ProcessId.from_json(real.to_json()) == real


def test_a_zombie_is_not_alive(make_child):
    child = make_child(SLEEP)
    os.kill(child.identity.pid, signal.SIGKILL)
    until(lambda: not child.identity.alive(), seconds=30)


def test_a_large_log_is_put_aside(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("y" * 100)
    roll(log, limit=200)
    assert log.exists()
    roll(log, limit=50)
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text() == "y" * 100
