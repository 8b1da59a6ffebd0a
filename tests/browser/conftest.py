"""A real server and Chromium, a dataset of 130 images for each test, and eyes for what the grid shows."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from core.domain.samples import NewSample
from core.services import public_address
from core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PUBLIC = "labels.test"  # the name under which a reverse proxy would show the server
FLAGS.append(f"--host-resolver-rules=MAP {PUBLIC} 127.0.0.1, MAP other.test 127.0.0.1")
HOSTILE = '<img src=x onerror="window.hacked=1"> \'q\' "r"\nأب'
COUNT = 130
# The grid's tiles and where it stands, read out of its shadow root.
LOOK = """() => {
  const root = [...document.querySelectorAll('*')].map((one) => one.shadowRoot)
    .find((one) => one?.querySelector('.labelloop'));
  const tiles = [...root.querySelectorAll('.tile')];
  return {
    labels: tiles.map((one) => one.dataset.label),
    marks: tiles.map((one) => one.dataset.mark),
    focus: tiles.findIndex((one) => one.classList.contains('focus')),
    picked: tiles.flatMap((one, at) => one.classList.contains('picked') ? [at] : []),
    problems: tiles.map((one) => one.querySelector('.problem').hidden ? '' : one.querySelector('.problem').textContent),
    range: root.querySelector('.range').textContent,
    open: window.labelloopSender.operations.length,
  };
}"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    with Workspace.open(folder / "ws", user="test") as opened:
        random = np.random.default_rng(3)
        path = folder / "one.png"
        Image.fromarray(random.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(path)
        opened.picture = str(path)
        yield opened


@pytest.fixture(scope="module")
def serve(workspace):
    """``serve(port)`` starts a server of its own on the workspace; ``serve()`` finds a port. Ended after the module."""
    started = []

    def start(port=None):
        if port is None:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        entry = str(ROOT / "dashboard" / "asgi.py")
        public = f"http://{PUBLIC}:{port}"
        flags = public_address.streamlit_flags(public_address.parse(public), ("localhost", "127.0.0.1"))
        command = [sys.executable, "-m", "streamlit", "run", entry, "--server.port", str(port), *flags]
        environment = {
            **os.environ,
            public_address.ADDRESS: public,
            "LABELLOOP_WORKSPACE": str(workspace.paths.root),
            "LABELLOOP_USER": "test",
            "LABELLOOP_USER_HEADER": "X-Person",
        }
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(server)
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/alive", timeout=2).close()
                return address, server
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)

    yield start
    for server in started:
        server.terminate()
    for server in started:
        server.wait(120)


@pytest.fixture(scope="module")
def url(serve):
    return serve()[0]


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def dataset(workspace, request):
    """A dataset of its own for each test: 130 images (or the module's ``COUNT``), all labelled "cat"."""
    name = request.node.name
    info = workspace.store.create(name, ["cat", "dog", HOSTILE])
    workspace.store.insert(
        info.id,
        [
            NewSample(workspace.picture, "cat", "train", f"{at:064x}", 1, 1, 40, 30, "image/png", "/")
            for at in range(getattr(request.module, "COUNT", COUNT))
        ],
    )
    return name


@pytest.fixture
def tab(browser):
    """An empty tab, in which no script may break and no name may run."""
    opened = browser.new_page(viewport={"width": 1300, "height": 900})
    opened.set_default_timeout(60_000)
    broken = []
    opened.on("pageerror", lambda error: broken.append(str(error)))
    yield opened
    hacked = opened.evaluate("window.hacked ?? null")
    opened.close()
    assert (hacked, broken) == (None, [])


@pytest.fixture
def page(tab, url, dataset):
    """The dataset in Review."""
    # From the first request on: interception that begins while the page is in use may miss the next request.
    tab.route("**/api/**", lambda route: route.continue_())
    tab.goto(f"{url}/review?dataset={dataset}")
    tab.locator(".tile.focus").wait_for()
    return tab


@pytest.fixture
def look(page):
    return lambda: page.evaluate(LOOK)


@pytest.fixture
def until(page, look):
    """``until(lambda seen: ...)`` waits for what the grid shows and returns it."""

    def wait(condition):
        deadline = time.monotonic() + 60
        while not condition(seen := look()):
            assert time.monotonic() < deadline, seen
            page.wait_for_timeout(50)
        return seen

    return wait


@pytest.fixture
def labels(workspace, dataset):
    """What the store holds, in the order of the grid."""
    return lambda: workspace.samples(dataset)["label"].tolist()
