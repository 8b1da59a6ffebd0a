"""One run has one worker, whoever starts it and however often."""

import os
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from core.jobs import supervisor
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.worker import AGAIN, CANCELLED, LOST_WORKER, PAUSED, REFUSED, SUCCEEDED


@pytest.fixture
def run(tmp_path):
    """A run whose spec names a worker that there is."""
    paths = RunPaths(tmp_path / "runs" / "run-1")
    write_json(paths.spec, {"kind": "embed", "created_at": time.time()})
    return paths


def test_a_second_supervisor_of_a_run_starts_no_worker(run):
    command = [sys.executable, "-m", "core.jobs.supervisor", str(run.folder)]
    with FileLock(run.lock):
        assert subprocess.run(command, check=False, timeout=120).returncode == 0
    assert not run.attempts.exists()
    assert not run.exit.exists()


def test_a_supervisor_that_comes_late_leaves_what_has_ended(run):
    write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": 1.0})
    assert supervisor.supervise(run, warm=False) == 0
    assert read_json(run.exit)["ended_at"] == 1.0
    assert not run.attempts.exists()


@pytest.mark.parametrize(
    ("codes", "ends", "starts"),
    [
        ([LOST_WORKER, SUCCEEDED], SUCCEEDED, 2),
        ([AGAIN] * 6 + [SUCCEEDED], SUCCEEDED, 7),  # a smaller batch is no crash, however often
        ([LOST_WORKER] * 9, 1, 3),
    ],
)
def test_a_team_that_lost_a_member_starts_again_three_times(run, monkeypatch, codes, ends, starts):
    made = []

    def worker(paths, spec, **_):
        supervisor.attempts.began(paths, os.getpid())
        made.append(1)
        return codes[len(made) - 1]

    monkeypatch.setattr(supervisor, "_run_worker", worker)
    assert supervisor.supervise(run, warm=False) == ends
    assert len(made) == starts
    if ends:
        assert "crashed 3 times" in read_json(run.error)["sentence"]


@pytest.mark.parametrize(("code", "kept"), [(SUCCEEDED, False), (PAUSED, True), (REFUSED, True), (CANCELLED, True)])
def test_what_going_on_needs_is_kept_until_a_run_has_succeeded(run, monkeypatch, code, kept):
    run.checkpoints.mkdir()
    for file in (run.last_checkpoint, run.best_checkpoint):
        file.touch()
    monkeypatch.setattr(supervisor, "_run_worker", lambda *_, **__: code)
    assert supervisor.supervise(run, warm=False) == code
    assert (run.last_checkpoint.exists(), run.best_checkpoint.exists()) == (kept, True)


def test_a_team_that_lost_a_member_and_is_cancelled_is_not_started_again(run, monkeypatch):
    def worker(paths, spec, **_):
        paths.cancel.touch()
        return LOST_WORKER

    monkeypatch.setattr(supervisor, "_run_worker", worker)
    assert supervisor.supervise(run, warm=False) == CANCELLED
    assert len([line for line in read_json_lines(run.attempts) if "returncode" in line]) == 1


@pytest.mark.parametrize(("kind", "gives_way"), [("train", 0), ("search", 0), ("embed", supervisor.BACKGROUND)])
def test_training_and_a_search_which_hands_it_on_to_its_trials_keep_their_priority(monkeypatch, kind, gives_way):
    given = []
    monkeypatch.setattr(supervisor.os, "nice", given.append)
    monkeypatch.setattr(supervisor.members, "die_with_parent", lambda: None)
    supervisor._start_of(kind)()
    assert sum(given) == gives_way
