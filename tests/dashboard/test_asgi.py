"""What the server does as it starts: watches come back with labelloop."""

import pytest

from core.runs.atomic import write_json
from dashboard import asgi, state


@pytest.fixture(autouse=True)
def _not_serving_afterwards():
    yield
    state._serving.clear()


@pytest.fixture
def workspace(in_memory, monkeypatch):
    monkeypatch.setattr(state, "workspace", lambda: in_memory)
    return in_memory


def test_a_watch_comes_back_with_labelloop(workspace, tmp_path):
    folder = tmp_path / "outputs"
    folder.mkdir()
    watch = workspace.watches.start(folder, "arrived")
    workspace.cancel(watch.job.name)
    ended = workspace.wait(watch.job.name, timeout=60)
    assert not ended.active
    opened = []
    try:
        asgi._open(opened)
        assert opened == [workspace]
        (again,) = workspace.watches.all()
        assert again.active
        assert again.job.name != watch.job.name
        assert (again.folder, again.dataset) == (str(folder), "arrived")
    finally:
        for one in workspace.watches.all():
            workspace.watches.stop(one.id)
    assert workspace.watches.all() == []


def test_what_is_watched_by_a_command_alone_does_not_come_back(workspace, tmp_path):
    record = {"id": "abc", "folder": str(tmp_path), "dataset": "x", "run": "", "lasting": False, "job": "job-1"}
    write_json(workspace.paths.watches / "abc.json", record)
    asgi._open([])
    assert workspace.jobs() == []
