"""The product as a user has it: `labelloop demo` started as a command, driven in real Chromium."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import sync_playwright

from core.workspace import Workspace
from tests.waiting import wait_for

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000  # milliseconds; machines that run tests are busy

# Where a cell of the matrix lies on the screen, asked of the matrix itself.
CELL = "(scroller, [row, column]) => scroller.labelloopPlace(row, column)"


class Product:
    """A running labelloop and its workspace."""

    def __init__(self, root):
        self.root = root
        self._process = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, *command):
        """Start it and wait until it says where it is."""
        log = self.root.with_suffix(".log")
        with log.open("ab") as output:
            arguments = ["--workspace", str(self.root), *command, "--no-browser", "--port", str(self.port)]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.cli", *arguments], stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + 600
        while not ((up := self.up()) and up["ready"] and up["launcher"]["pid"] == self._process.pid):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)

    def up(self):
        """What up.json says; None when nothing runs."""
        try:
            return json.loads((self.root / "up.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def pid(self, name):
        """The process id of "dashboard", "app", "launcher" or "mongod"."""
        if name == "mongod":
            return json.loads((self.root / "db" / "address.json").read_text())["pid"]
        up = self.up()
        return (up["launcher"] if name == "launcher" else up["processes"][name])["pid"]

    def kill(self, name):
        """End one of its processes with SIGKILL."""
        os.kill(self.pid(name), signal.SIGKILL)

    def stop(self):
        """Ctrl-C, then nothing may be left."""
        if self._process is None or self._process.poll() is not None:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
        _, alive = psutil.wait_procs(children, timeout=120)
        assert not alive, f"left behind: {alive}"

    def abandon(self):
        """Forget a process that the test has killed."""
        self._process.wait(timeout=120)


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    """labelloop with the demonstration: imported, embedded, a first model trained."""
    made = Product(tmp_path_factory.mktemp("journey") / "workspace")
    made.start("demo")
    yield made
    made.stop()


@pytest.fixture
def workspace(product):
    """The same workspace, seen by the test from another process."""
    with Workspace.open(product.root, user="test") as opened:
        yield opened


@pytest.fixture(scope="module")
def at_rest(product):
    """The workspace, for all tests of a module, once the demonstration's jobs have ended."""
    with Workspace.open(product.root, user="test") as opened:
        for job in opened.jobs("demo"):
            opened.wait(job.name, timeout=300)
        yield opened


@pytest.fixture
def browser(chromium):
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, product, request):
    """A browser tab; where the test fails, a screenshot of it stays."""
    tab = browser.new_page(viewport={"width": 1400, "height": 950})
    tab.set_default_timeout(PATIENCE)
    tab.broken = []
    tab.on("pageerror", lambda error: tab.broken.append(str(error)))
    yield tab
    folder = os.environ.get("LABELLOOP_SCREENSHOTS")
    if folder and not tab.is_closed():
        Path(folder).mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=Path(folder) / f"{request.node.name}.png")
    assert tab.broken == []


@pytest.fixture
def see(page, product):
    """``see("matrix?run=run-1")`` opens a page and waits until it stands."""

    def go(address=""):
        page.goto(f"{product.url}/{address}")
        page.get_by_role("button", name="Retrain").first.wait_for()

    return go


@pytest.fixture
def until(page):
    """``until(condition)`` waits for something to become true and returns it, the page going on meanwhile."""

    return lambda condition, seconds=PATIENCE / 1000: wait_for(page, condition, seconds)


@pytest.fixture
def click_cell(page):
    """``click_cell(classes, "food", "face")`` clicks that cell of the matrix with the mouse."""

    def click(classes, true, pred):
        matrix = page.locator("[role=application]").first
        matrix.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        place = matrix.evaluate(CELL, [classes.index(true), classes.index(pred)])
        page.mouse.move(place["x"] - 3, place["y"] - 3)
        page.mouse.click(place["x"], place["y"])

    return click
