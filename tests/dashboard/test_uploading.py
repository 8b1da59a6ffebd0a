"""The upload route: files arrive whole, in our own pages' name only, and up to a size."""

import uuid

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.workspace import uploads
from dashboard import api, state

URL = "http://localhost:8501"
OURS = {"Origin": URL, "Content-Type": "application/octet-stream"}


@pytest.fixture
def workspace(in_memory, monkeypatch):
    monkeypatch.setattr(state, "workspace", lambda: in_memory)
    return in_memory


@pytest.fixture
def client(workspace):
    return TestClient(Starlette(routes=api.routes()), base_url=URL)


def kept(workspace):
    folder = workspace.paths.uploads
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def send(client, name, content, headers=None):
    return client.post(
        f"/api/upload/{uuid.uuid4().hex}", params={"name": name}, content=content, headers=headers or OURS
    )


def test_a_file_arrives_whole_in_its_folder(client, workspace):
    data = bytes(range(256)) * 9000  # more than one block
    answer = send(client, "cats/one.png", data)
    assert (answer.status_code, answer.json()) == (200, {"bytes": len(data)})
    (path,) = [path for path in workspace.paths.uploads.rglob("*") if path.is_file()]
    assert path.parts[-2:] == ("cats", "one.png")
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/octet-stream"},
        {**OURS, "Origin": "http://evil.example"},
        {**OURS, "Origin": "null"},
        {"Origin": URL, "Content-Type": "text/plain"},  # what a form of another site may send
    ],
)
def test_what_other_sites_send_is_turned_away(client, workspace, headers):
    assert send(client, "one.png", b"x", headers).status_code in (403, 415)
    assert kept(workspace) == []


@pytest.mark.parametrize("told", [True, False])
def test_a_file_beyond_the_limit_is_refused_whether_it_says_its_size_or_not(client, workspace, monkeypatch, told):
    monkeypatch.setattr(uploads, "MAX_BYTES", 2 * 2**20)
    part = b"x" * 2**20
    content = part * 3 if told else iter([part] * 3)  # in chunks: no length is sent
    answer = send(client, "big.png", content)
    assert answer.status_code == 400
    assert "larger than 2 MB" in answer.text
    assert kept(workspace) == []
    assert send(client, "fits.png", part * 2).status_code == 200


@pytest.mark.parametrize("name", ["../../up.png", "/etc/one.png", "run.exe", ""])
def test_names_that_lead_out_or_are_no_images_are_refused(client, workspace, tmp_path, name):
    assert send(client, name, b"x").status_code == 400
    assert kept(workspace) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
