"""The real FiftyOne server behind its fence, once a session, on a small dataset."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.domain.samples import NewSample
from core.runs.atomic import read_json
from core.runs.layout import WorkspacePaths
from core.services import mongod
from core.services.app_client import AppClient
from core.store.mongo import MongoStore
from tests.waiting import until

PAGES = "http://127.0.0.1:8599"


@dataclass
class Served:
    """A running server and what it serves."""

    client: AppClient
    store: MongoStore
    dataset_id: str
    ids: list[str]
    images: Path
    secret: Path  # a file beside the images' folder

    def request(self, method, path, body=None, *, cookie=True, host=None, **headers):
        """Status, headers and body, as a browser on the App's own page would ask."""
        own = f"127.0.0.1:{self.client.port}"
        connection = http.client.HTTPConnection("127.0.0.1", self.client.port, timeout=120)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or own)
        sent = {"Content-Type": "application/json", "Origin": f"http://{own}"} if body is not None else {}
        if cookie:
            sent["Cookie"] = f"labelloop_app_{self.client.port}={self.client.token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        payload = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if payload is not None:
            sent["Content-Length"] = str(len(payload))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(payload)
        response = connection.getresponse()
        answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        connection.close()
        return answer

    def operate(self, name, **more):
        """Run an operator as the App does; the answer's JSON."""
        body = {"operator_uri": name, "dataset_name": "pets", "params": {}, "view": [], **more}
        status, _, text = self.request("POST", "/operators/execute", body)
        assert status == 200, text
        return json.loads(text)

    def labels(self):
        """The labels as the database has them, by sample id."""
        return {one: state.label for one, state in self.store.label_states(self.dataset_id, self.ids).items()}


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    paths = WorkspacePaths(root / "ws")
    images = root / "my images"
    images.mkdir()
    secret = root / "secret.png"
    secret.write_bytes(b"not yours")
    database = mongod.attach_or_start(paths)
    store = MongoStore(database.uri, mongod.DATABASE)
    info = store.create("pets", ["cat", "dog", "bird"])
    store.add_root(info.id, str(images))
    names = [f"{number}.png" for number in range(6)] + ["<script>.png", "way out.png"]
    for name in names[:-1]:
        _png(images / name)
    (images / "way out.png").symlink_to(secret)
    _png(images / "not in the dataset.png")
    ids = store.insert(info.id, [_sample(images / name, number) for number, name in enumerate(names)])
    port = _free_port()
    token = secrets.token_urlsafe(24)
    command = [sys.executable, "-m", "core.services.app_server", "--workspace", str(paths.root), "--port", str(port)]
    log = (root / "server.log").open("wb")
    process = subprocess.Popen(
        [*command, "--pages-origin", PAGES], env={**os.environ, "LABELLOOP_APP_TOKEN": token}, stdout=log, stderr=log
    )
    client = AppClient(port, token)
    try:
        until(lambda: client.alive() or process.poll() is not None, seconds=120)
        assert process.poll() is None, (root / "server.log").read_text()
        yield Served(client, store, info.id, ids, images, secret)
    finally:
        process.terminate()
        process.wait(20)
        tickets = [read_json(ticket)["pid"] for ticket in (paths.database / "users").iterdir()]
        assert process.pid not in tickets, "the server has to leave the database when it is asked to end"
        store.close()
        database.stop()
        log.close()


def _png(path):
    from PIL import Image

    Image.new("RGB", (32, 24), (len(path.name) * 9, 80, 120)).save(path)


def _sample(path, number):
    return NewSample(
        filepath=str(path),
        label=("cat", "dog")[number % 2],
        split="train",
        content_hash=f"{number:064x}",
        size_bytes=1,
        mtime_ns=1,
        width=32,
        height=24,
        mime_type="image/png",
        source=str(path.parent),
    )


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
