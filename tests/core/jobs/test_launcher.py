"""Spares: processes that have their imports behind them, taken by the next run of their kind. Real processes."""

import psutil
import pytest

from core.cluster import place
from core.cluster.place import Place
from core.jobs.launcher import Launcher, kind_of
from core.jobs.restart import restart
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths
from core.runs.states import state
from tests.waiting import until


@pytest.fixture
def launcher():
    made = Launcher(spare="network", pause=0.2)
    yield made
    made.close()


@pytest.fixture
def network(make_run, shapes, tmp_path):
    """``network(seed)`` is the folder of a run of a small network."""
    samples = shapes(tmp_path / "images", 10)
    return lambda seed: make_run(samples, model="cnn", image_size=16, epochs=1, seed=seed)


def _worker(run):
    """The process that works on a run, while it lives."""
    line = next((line for line in read_json_lines(run.attempts) if "pid" in line), None)
    return psutil.Process(line["pid"]) if line else None


def test_a_networks_spare_is_taken_its_worker_imports_nothing_and_the_next_one_waits(launcher, network):
    spare = launcher._spares["network"]
    run = network(1)
    launcher.start(run)
    worker = until(lambda: _worker(run))
    assert worker.ppid() == spare.pid
    assert worker.cmdline()[-2:] == ["--spare", "network"]  # forked from the spare: no program was started, none loads
    fresh = until(lambda: launcher._spares.get("network"))
    assert fresh.pid != spare.pid
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()
    assert (read_json(run.status) or {})["phase"] == "done"
    assert spare.wait(timeout=60) == 0


def test_a_start_without_a_spare_asks_for_the_next_one(launcher, network):
    spare = launcher._spares["network"]
    spare.kill()
    spare.wait()
    run = network(2)
    launcher.start(run)
    launcher.warm_up()  # nothing more: the next one comes by itself
    fresh = until(lambda: (one := launcher._spares.get("network")) and one.poll() is None and one)
    launcher.warm_up()
    assert launcher._spares["network"] is fresh
    assert "light" not in launcher._spares
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()


def test_who_keeps_no_spares_makes_none(network):
    launcher = Launcher()
    launcher.warm_up()
    run = network(3)
    launcher.start(run)
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()
    assert launcher._spares == {}


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"kind": "train", "options": {"model": "instant"}}, "light"),
        ({"kind": "import"}, "light"),
        ({"kind": "check"}, None),
        ({"kind": "train", "options": {"model": "cnn"}, "place": {"ray": "", "workers": 1}}, "network"),
        ({"kind": "train", "options": {"model": "cnn"}, "place": {"ray": "", "workers": 2}}, None),
        ({"kind": "train", "options": {"model": "cnn"}, "place": {"ray": "a:1", "workers": 1}}, None),
    ],
)
def test_the_spare_that_a_run_can_use(tmp_path, spec, kind):
    run = RunPaths(tmp_path)
    write_json(run.spec, spec)
    assert kind_of(run) == kind


def test_a_run_that_came_home_from_a_cluster_can_use_one(tmp_path):
    run = RunPaths(tmp_path)
    write_json(run.spec, {"kind": "train", "options": {"model": "cnn"}, "place": {"ray": "a:1", "workers": 2}})
    place.move(run, Place())
    assert kind_of(run) == "network"


def test_a_run_that_paused_goes_on_in_a_spare(launcher, network):
    run = network(4)
    run.pause.touch()
    launcher.start(run)
    until(lambda: run.exit.exists())
    assert state(run) == "paused"
    spare = until(lambda: launcher._spares.get("network"))
    assert restart(run, launcher.start, by="person")
    assert until(lambda: _worker(run)).ppid() == spare.pid
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()
