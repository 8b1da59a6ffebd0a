"""What counts as a crash of a run, and that only its own worker is ended."""

import subprocess
import sys

import psutil
import pytest

from core.jobs import attempts
from core.runs.atomic import append_json_line
from core.runs.layout import RunPaths
from tests import processes


@pytest.fixture
def run(tmp_path):
    return RunPaths(tmp_path)


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_deaths_by_signal_and_unseen_deaths_are_crashes(run, sleeper):
    assert attempts.crashes(run) == []
    attempts.began(run, sleeper.pid)
    attempts.ended(run, -9)
    attempts.began(run, sleeper.pid)
    attempts.ended(run, 4)  # paused
    attempts.began(run, sleeper.pid)  # its supervisor is killed with it
    attempts.asked(run, "recovery")
    attempts.began(run, sleeper.pid)
    attempts.ended(run, -11)
    assert attempts.crashes(run) == [9, None, 11]
    assert "crashed 3 times" in attempts.sentence(attempts.crashes(run))
    assert "SIGSEGV" in attempts.sentence(attempts.crashes(run))
    attempts.asked(run, "person")
    assert attempts.crashes(run) == []


def test_a_computer_that_went_down_is_no_crash(run):
    append_json_line(run.attempts, {"pid": 1, "created": 0.0, "boot": "of yesterday", "at": 0.0})
    assert attempts.crashes(run) == []


def test_an_orphan_is_ended_before_another_worker_starts(run, sleeper):
    attempts.began(run, sleeper.pid)
    attempts.end_orphan(run)
    assert processes.ended(sleeper.pid)


def test_another_process_that_has_its_number_now_is_left_alone(run, sleeper):
    created = psutil.Process(sleeper.pid).create_time()
    append_json_line(run.attempts, {"pid": sleeper.pid, "created": created - 5, "boot": attempts.boot(), "at": 0.0})
    attempts.end_orphan(run)
    append_json_line(run.attempts, {"pid": sleeper.pid, "created": created, "boot": "another", "at": 0.0})
    attempts.end_orphan(run)
    assert sleeper.poll() is None
