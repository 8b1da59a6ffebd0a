"""Where a run works: settings, the environment, what is said for one run, what is spoilt, and how workers are ended."""

from types import SimpleNamespace

import pytest

from core.cluster import on_ray, place
from core.cluster.place import Place
from core.domain.errors import BadInput
from core.runs.atomic import write_json
from core.runs.layout import RunPaths, WorkspacePaths


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    for name in (place.ADDRESS, place.WORKERS):
        monkeypatch.delenv(name, raising=False)
    return WorkspacePaths(tmp_path)


@pytest.mark.parametrize(
    "address", ["here", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:99999", "http://a:1", "a:1;id", "a b:1"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadInput, match="HOST:PORT"):
        Place(address)


@pytest.mark.parametrize("workers", [0, -1, 5000, "two"])
def test_what_is_no_number_of_workers_is_refused(workers):
    with pytest.raises(BadInput, match="workers"):
        Place(workers=workers)


def test_an_address_leads_to_host_and_port():
    assert Place("10.0.0.1:6379").target == ("10.0.0.1", 6379)
    assert Place("ray://head.lan:10001").target == ("head.lan", 10001)
    assert Place("[::1]:6379").target == ("::1", 6379)


def test_words_for_people():
    assert Place().words == "this machine"
    assert Place(workers=2).words == "2 workers on this machine"
    assert Place("a:1", 4).words == "4 workers on Ray at a:1"
    assert [Place().plain, Place(workers=2).plain, Place("a:1").plain] == [True, False, False]


def test_the_environment_goes_before_the_settings(workspace, monkeypatch):
    assert place.of_workspace(workspace) == Place()
    place.keep(workspace, Place("a:1", 3))
    assert place.of_workspace(workspace) == Place("a:1", 3)
    monkeypatch.setenv(place.ADDRESS, "b:2")
    monkeypatch.setenv(place.WORKERS, "5")
    assert place.of_workspace(workspace) == Place("b:2", 5)
    monkeypatch.setenv(place.WORKERS, "many")
    with pytest.raises(BadInput, match=place.WORKERS):
        place.of_workspace(workspace)


def test_a_run_works_where_its_spec_says_until_it_is_moved(tmp_path):
    run = RunPaths(tmp_path)
    assert place.of_run(run).plain
    write_json(run.spec, {"place": {"ray": "a:1", "workers": 2}})
    assert place.of_run(run) == Place("a:1", 2)
    place.move(run, Place())
    assert place.of_run(run).plain


@pytest.mark.parametrize("spoilt", [None, [], "a:1", {"ray": "nonsense"}, {"workers": "x"}, {"workers": 0}])
def test_what_is_spoilt_is_this_machine(spoilt):
    assert Place.read(spoilt) == Place()


def test_a_worker_that_cannot_be_told_to_stop_keeps_none_of_the_others_going():
    told = []

    def cancel(task, *, force):
        told.append(task)
        if task == "b":
            raise RuntimeError("its node is gone")

    ray = SimpleNamespace(cancel=cancel, wait=lambda tasks, *, num_returns, timeout: ([tasks[0]], tasks[1:]))
    on_ray.stop(ray, ["a", "b", "c"])
    assert told == ["b", "c"]
