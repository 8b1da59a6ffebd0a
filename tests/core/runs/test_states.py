"""The state of a run as a table, and with real locks and processes."""

import os
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from core.runs.atomic import write_json
from core.runs.layout import RunPaths
from core.runs.states import START_GRACE, state, state_of

DONE, BAD, KILLED, PAUSED = {"returncode": 0}, {"returncode": 1}, {"returncode": -9}, {"returncode": 4}


@pytest.mark.parametrize(
    ("held", "exited", "cancelled", "status", "expected"),
    [
        (True, None, False, None, "queued"),
        (True, None, False, {"phase": "queued"}, "queued"),
        (True, None, False, {"phase": "training"}, "running"),
        (True, None, True, {"phase": "training"}, "running"),
        (True, DONE, False, {"phase": "done"}, "succeeded"),
        (False, DONE, False, {"phase": "done"}, "succeeded"),
        (False, DONE, True, {"phase": "done"}, "succeeded"),
        (False, BAD, False, {"phase": "training"}, "failed"),
        (False, KILLED, False, {"phase": "training"}, "failed"),
        (False, BAD, True, {"phase": "training"}, "cancelled"),
        (False, None, False, {"phase": "training"}, "lost"),
        (False, None, True, {"phase": "training"}, "cancelled"),
        (False, PAUSED, False, {"phase": "training"}, "paused"),
        (False, PAUSED, True, {"phase": "training"}, "cancelled"),
    ],
)
def test_table(held, exited, cancelled, status, expected):
    assert state_of(held=held, exited=exited, cancelled=cancelled, status=status) == expected


@pytest.mark.parametrize(("held", "expected"), [(True, "running"), (False, "paused")])
def test_a_run_killed_on_its_way_to_a_pause_is_paused(held, expected):
    status = {"phase": "training"}
    assert state_of(held=held, exited=None, cancelled=False, status=status, paused=True) == expected


@pytest.fixture
def run(tmp_path):
    paths = RunPaths(tmp_path / "runs" / "run-1")
    write_json(paths.spec, {"kind": "train"})
    return paths


def test_a_young_folder_waits_for_its_supervisor_and_an_old_one_is_lost(run):
    assert state(run) == "queued"
    old = time.time() - START_GRACE - 1
    os.utime(run.spec, (old, old))
    assert state(run) == "lost"


def test_a_lock_file_that_is_not_locked_yet_is_no_lost_run(run):
    run.lock.touch()
    assert state(run) == "queued"
    old = time.time() - START_GRACE - 1
    os.utime(run.spec, (old, old))
    assert state(run) == "lost"


def test_the_lock_and_not_a_pid_tells_whether_it_lives(run):
    code = (
        "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(run.lock)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        write_json(run.status, {"phase": "training"})
        assert state(run) == "running"
        holder.kill()  # not reaped yet: its pid still answers, its lock is free
        deadline = time.monotonic() + 60
        while state(run) == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert state(run) == "lost"
    finally:
        holder.kill()
        holder.wait()


def test_asking_for_the_state_does_not_keep_a_supervisor_out(run):
    run.lock.touch()
    for _ in range(20):
        state(run)
        with FileLock(run.lock, timeout=60):
            assert state(run) == "queued"
