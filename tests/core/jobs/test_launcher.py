"""Spares: processes that have their imports behind them, taken by the next run of their kind. Real processes."""

import json
import os
import socket

import psutil
import pytest

from core.cluster import place
from core.cluster.place import Place
from core.jobs import asking
from core.jobs.asking import ask, question
from core.jobs.launcher import Launcher, kind_of
from core.jobs.restart import restart
from core.runs import members
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


def _spare_of(worker):
    """The process that forked the supervisor that forked this worker."""
    return psutil.Process(worker.ppid()).ppid()


def test_runs_are_forked_from_the_networks_spare_which_stays(launcher, network):
    spare = launcher._spares["network"]
    for run in (network(1), network(11)):
        launcher.start(run)
        worker = until(lambda run=run: _worker(run))
        assert _spare_of(worker) == spare.pid
        assert worker.cmdline()[-2:] == ["core.jobs.spare", "network"]  # no program was started, none loads
        until(run.exit.exists)
        assert state(run) == "succeeded", run.log.read_text()
        assert (read_json(run.status) or {})["phase"] == "done"
        until(lambda worker=worker: not worker.is_running(), seconds=20)
    assert launcher._spares["network"] is spare
    assert spare.poll() is None
    until(lambda: not psutil.Process(spare.pid).children(), seconds=20)  # neither a supervisor nor a zombie is left
    launcher.close()
    assert spare.wait(timeout=60) == 0


def test_a_run_goes_on_when_its_spare_ends(launcher, network):
    run = network(12)
    launcher.start(run)
    worker = until(lambda: _worker(run))
    launcher._spares["network"].kill()
    until(run.exit.exists)
    assert state(run) == "succeeded", run.log.read_text()
    until(lambda: not worker.is_running(), seconds=20)


def test_a_run_sees_the_environment_of_who_starts_it_not_that_of_the_spare(launcher, network, monkeypatch):
    monkeypatch.setenv(members.PLACE, "café")  # what status.json says of where it works
    run = network(13)
    launcher.start(run)
    until(run.exit.exists)
    assert (read_json(run.status) or {})["place"] == "café"


def test_an_environment_that_is_no_text_reaches_the_spare_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELLOOP_TOLD", "caf\udce9")  # the byte E9 alone
    asked = json.loads(question(tmp_path))
    assert asked == {"folder": str(tmp_path), "environment": dict(os.environ)}
    assert not ask(tmp_path)  # who descends from no spare cannot ask one


def test_a_descendant_asks_its_spare_unless_that_is_gone_or_the_question_too_long(tmp_path, monkeypatch):
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    monkeypatch.setattr(asking, "_spare", None)
    with inner, outer:
        asking.descend(outer)
        assert ask(tmp_path)
        assert json.loads(inner.recv(asking.LONGEST))["folder"] == str(tmp_path)
        monkeypatch.setenv("LABELLOOP_TOLD", "x" * asking.LONGEST)
        assert not ask(tmp_path)
        monkeypatch.delenv("LABELLOOP_TOLD")
        inner.close()
        assert not ask(tmp_path)


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
        ({"kind": "check"}, "light"),
        ({"kind": "embed"}, "light"),
        ({"kind": "embed", "place": {"ray": "a:1", "workers": 1}}, None),
        ({"kind": "watch"}, None),
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
    spare = launcher._spares["network"]
    assert restart(run, launcher.start, by="person")
    assert _spare_of(until(lambda: _worker(run))) == spare.pid
    until(lambda: run.exit.exists())
    assert state(run) == "succeeded", run.log.read_text()
