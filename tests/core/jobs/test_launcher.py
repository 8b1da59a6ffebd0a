"""Spares: processes that have their imports behind them, taken by the next run of their kind. Real processes."""

import psutil
import pytest

from core.jobs.launcher import Launcher, kind_of
from core.runs.atomic import read_json, read_json_lines
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
    launcher.start(run, warm="network")
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
    launcher.start(run, warm="network")
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
    launcher.start(run, warm="network")
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()
    assert launcher._spares == {}


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"options": {"model": "instant"}}, "light"),
        ({"options": {"model": "cnn"}, "place": {"ray": "", "workers": 1}}, "network"),
        ({"options": {"model": "cnn"}, "place": {"ray": "", "workers": 2}}, None),
        ({"options": {"model": "cnn"}, "place": {"ray": "a:1", "workers": 1}}, None),
    ],
)
def test_the_spare_that_a_run_can_use(spec, kind):
    assert kind_of(spec) == kind
