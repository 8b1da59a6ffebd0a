"""What the server does as it starts: watches come back with labelloop, answers leave at once."""

import asyncio
import socket

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


def test_from_its_start_the_server_sends_without_delay(workspace, monkeypatch):
    monkeypatch.setattr(asgi.pauses, "keep_short", lambda: None)
    monkeypatch.setattr(workspace, "close", lambda: None)

    async def accepts(listening):
        async with asgi._lifespan(None):
            with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
                return accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert asyncio.run(accepts(listening))
