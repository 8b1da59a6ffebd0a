"""Several workers in one box, by torchrun: they learn what one would, and outlive one another."""

import os
import signal
import sys

import numpy as np
import pytest

from core.cluster import place
from core.cluster.place import Place
from core.runs import predictions
from core.runs.atomic import read_json, read_json_lines
from core.runs.states import state
from core.runs.worker import PAUSED, REFUSED, SUCCEEDED
from tests import processes
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_two_workers_learn_what_one_learns(make_run, shapes, tmp_path, teams):
    samples = shapes(tmp_path / "images", 11)  # 21 train images: a last batch that does not divide by two
    alone, both = make_run(samples, **teams.exact), make_run(samples, **teams.exact)
    place.move(both, Place(workers=2))
    assert teams.run_to_its_end(alone) == SUCCEEDED, alone.log
    assert teams.run_to_its_end(both) == SUCCEEDED, read_json(both.error)
    one, two = read_json_lines(alone.metrics), read_json_lines(both.metrics)
    for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "learning_rate"):
        assert [line[name] for line in two] == pytest.approx([line[name] for line in one], rel=1e-4), name
    found = [predictions.read(run.predictions).probabilities for run in (alone, both)]
    assert np.abs(found[0] - found[1]).max() < 1e-3
    assert read_json(both.status)["place"] == "2 workers on this machine"
    assert not teams.members(both)


@pytest.mark.skipif(sys.platform != "linux", reason="reads other processes' environment")
def test_a_killed_worker_costs_an_epoch_at_most_and_a_pause_goes_on_with_one(make_run, shapes, tmp_path, teams):
    run = make_run(shapes(tmp_path / "images", 15), **teams.usual)
    place.move(run, Place(workers=2))
    with teams.started(run) as supervisor:
        until(lambda: len(read_json_lines(run.metrics)) >= 2, seconds=600)
        before = teams.members(run)
        assert set(before) == {"0", "1"}
        epochs = len(read_json_lines(run.metrics))
        os.kill(before["1"].pid, signal.SIGKILL)
        until(lambda: processes.ended(before["0"]), seconds=600)
        kept = read_json_lines(run.metrics)
        assert len(kept) >= epochs
        until(lambda: len(read_json_lines(run.metrics)) > len(kept), seconds=600)
        assert read_json_lines(run.metrics)[: epochs - 1] == kept[: epochs - 1]  # whole epochs were not made again
        run.pause.touch()
        assert supervisor.wait(timeout=1000) == PAUSED
    assert state(run) == "paused"
    run.pause.unlink()
    run.exit.unlink()
    place.move(run, Place())  # goes on with one worker: the checkpoint is the same
    assert teams.run_to_its_end(run) == SUCCEEDED, read_json(run.error)
    lines = read_json_lines(run.metrics)
    assert [line["epoch"] for line in lines] == list(range(1, 26))
    assert max(line["val_accuracy"] for line in lines) > 0.6  # BatchNorm by shares learns as well
    assert not teams.members(run)


def test_no_cluster_at_the_address_is_one_sentence(make_run, shapes, tmp_path, free_port, teams):
    run = make_run(shapes(tmp_path / "images", 4), **teams.exact)
    place.move(run, Place(f"127.0.0.1:{free_port}"))
    assert teams.run_to_its_end(run) == REFUSED
    assert "does not answer" in read_json(run.error)["sentence"]
    assert "on this machine" in read_json(run.error)["sentence"]
