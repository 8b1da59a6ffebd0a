"""A worker that is killed with signal 9 again and again: memory ran out, and the batch is halved."""

import signal
import time

import pytest

from core.cluster import place
from core.cluster.place import Place
from core.jobs import smaller, supervisor
from core.runs.atomic import append_json_line, read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.worker import CRASHED, LOST_WORKER, SUCCEEDED

KILL = -signal.SIGKILL
HUNGRY = """
import os, pathlib, signal, sys
from core.training import trainer
from core.training.__main__ import main

real = trainer.Trainer.step

def step(self, part, *rest):
    if len(part) > {most}:
        self._progress.write()  # as the heartbeat does within a second
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, part, *rest)

trainer.Trainer.step = step
sys.exit(main(pathlib.Path(sys.argv[1])))
"""


@pytest.fixture
def run(tmp_path):
    paths = RunPaths(tmp_path / "runs" / "run-1")
    write_json(paths.spec, {"kind": "embed", "created_at": time.time()})
    write_json(paths.status, {"phase": "training", "batch_size": 32})
    return paths


def _killed(paths, times=1, code=KILL):
    for _ in range(times):
        append_json_line(paths.attempts, {"returncode": code})
        smaller.after(paths, code)


def test_one_kill_may_be_anybody_s(run):
    _killed(run)
    assert not run.smaller_batch.exists()
    _killed(run)
    assert read_json(run.smaller_batch) == {"size": 16, "killed": True}


@pytest.mark.parametrize(("where", "size"), [(Place(workers=2), 16), (Place("head:6379", workers=2), None)])
def test_a_team_that_loses_members_in_one_box_takes_half_the_batch_but_not_where_a_node_may_have_gone(run, where, size):
    place.move(run, where)
    _killed(run, 1, LOST_WORKER)
    assert not run.smaller_batch.exists()
    _killed(run, 1, LOST_WORKER)
    assert (read_json(run.smaller_batch) or {}).get("size") == size


@pytest.mark.parametrize(
    ("code", "status", "cancelled"),
    [
        (-signal.SIGSEGV, {}, False),
        (KILL, {}, True),
        (KILL, {"phase": "preparing"}, False),
        (KILL, {"batch_size": 2}, False),
        (KILL, {"batch_size": None}, False),
    ],
)
def test_what_a_smaller_batch_would_not_mend_changes_nothing(run, code, status, cancelled):
    write_json(run.status, {"phase": "training", "batch_size": 32, **status})
    if cancelled:
        run.cancel.touch()
    _killed(run, 3, code)
    assert not run.smaller_batch.exists()


def test_after_the_last_crash_it_says_what_a_retry_will_do(run, monkeypatch):
    def worker(paths, spec, **_):
        supervisor.attempts.began(paths, 1)
        return KILL

    monkeypatch.setattr(supervisor, "_run_worker", worker)
    assert supervisor.supervise(run, warm=False) == CRASHED
    sentence = read_json(run.error)["sentence"]
    assert "crashed 3 times" in sentence
    assert sentence.endswith("It will take batches of 16.")


@pytest.mark.slow
def test_a_network_that_does_not_fit_is_trained_with_half_the_batch(make_run, shapes, tmp_path, monkeypatch):
    (tmp_path / "hungry_worker.py").write_text(HUNGRY.format(most=9), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setitem(supervisor.WORKERS, "train", "hungry_worker")
    run = make_run(shapes(tmp_path / "images", 8), model="cnn", image_size=16, epochs=1, batch_size=16)
    write_json(run.spec, {**read_json(run.spec), "trial": 1})  # so that nobody judges it afterwards
    run.checkpoints.mkdir()
    (run.checkpoints / ".last.safetensors.12.ab34.part").touch()  # of a worker that was killed while it saved
    assert supervisor.supervise(run, warm=False) == SUCCEEDED
    assert [line["batch_size"] for line in read_json_lines(run.metrics)] == [8]
    assert "killed, most likely because memory ran out" in read_json(run.status)["message"]
    assert smaller.kills(run) == 2
    names = {path.name for path in run.checkpoints.iterdir()}
    assert names == {"best.safetensors", "best.json", "last.json", "batch.json"}
