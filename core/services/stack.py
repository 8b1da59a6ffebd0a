"""``labelloop up``: mongod, the dashboard and the FiftyOne server, started in order, kept alive, stopped together.

Jobs that train or import are no part of it: they live in sessions of their own and go on without it.
"""

import http.client
import importlib.util
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.domain.errors import BadInput, LabelloopError, ServiceFailed
from core.runs.layout import WorkspacePaths
from core.services import mongod, processes, public_address, up_record
from core.services.app_client import AppClient
from core.services.child import Child
from core.services.processes import ProcessId
from core.services.up_record import UpInfo, running

__all__ = ["UpInfo", "run_stack", "running"]

PREFERRED_PORT = 8501
PREFERRED_APP_PORT = 5161

_PAGES_PATIENCE = 90.0  # seconds
_LOOK_EVERY = 0.4  # seconds
_PING_EVERY = 10.0  # seconds between questions to a mongod whose process lives
_NEEDLES = {"dashboard": ("streamlit", "run"), "app": ("core.services.app_server",)}
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]

logger = logging.getLogger(__name__)


def run_stack(paths: WorkspacePaths, *, port: int | None, open_browser: bool, announce: Callable[[str], None]) -> int:
    """Run until Ctrl-C or SIGTERM; the exit status. Where one runs already, say so, point to it and return 0.

    Raises:
        BadInput: the folder cannot be written, or ``port`` is taken.
        MissingProgram: there is no mongod.
        ServiceFailed: a service does not start.
    """
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(paths.root / "up.lock")
        lock.acquire(timeout=0)
    except Timeout:
        return _point_to_first(paths, open_browser=open_browser, announce=announce)
    except OSError as error:
        raise BadInput(f"The workspace folder {paths.root} cannot be written ({error.strerror or error}).") from error
    with lock, _signals() as stop:
        _clear_leftovers(paths)
        return _Stack(paths, port, announce, stop).run(open_browser=open_browser)


def is_free(port: int) -> bool:
    """Whether a program could listen on ``port`` of this machine."""
    with socket.socket() as probe:
        if os.name != "nt":  # there it would let two programs share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class _Stack:
    def __init__(
        self, paths: WorkspacePaths, port: int | None, announce: Callable[[str], None], stop: threading.Event
    ) -> None:
        self._paths = paths
        self._announce = announce
        self._stop = stop
        self._port = _wanted_port(port)
        self._port_is_wanted = port is not None
        self._reserved = _reserve(PREFERRED_APP_PORT)
        self._app = AppClient(self._reserved.getsockname()[1], secrets.token_urlsafe(24))
        self._children: list[Child] = []
        self._launcher = ProcessId.mine()
        self._ready = False

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def run(self, *, open_browser: bool) -> int:
        database = mongod.attach_or_start(self._paths, self._announce)
        try:
            self._open_pages()
            if not self._stop.is_set():
                self._announce(f"labelloop is at {self._url} (Ctrl-C stops it).")
                if open_browser:
                    _open(self._url)
            app = self._app_child()
            self._children.append(app)
            self._start(app)
            return self._supervise(database)
        finally:
            self._end(database)

    def _open_pages(self) -> None:
        pages = self._pages_child()
        self._children.append(pages)
        self._start(pages)
        deadline = time.monotonic() + _PAGES_PATIENCE
        while not pages.ready and not self._stop.is_set():
            if pages.given_up or time.monotonic() > deadline:
                last = (processes.tail(pages.log, lines=1) or "nothing").strip()
                raise ServiceFailed(f"The dashboard did not start; the end of {pages.log} says: {last}")
            if pages.dead and not self._port_is_wanted and not is_free(self._port):
                self._port = _free_port(self._port + 1)  # somebody took it since we looked
            if pages.look_after():
                self._record()
            self._stop.wait(0.05)
        self._ready = pages.ready
        self._record()

    def _supervise(self, database: mongod.Connection) -> int:
        pinged = time.monotonic()
        told: set[str] = set()
        while not self._stop.wait(_LOOK_EVERY):
            for child in self._children:
                if child.look_after():
                    self._record()
                if child.given_up and child.name not in told:
                    told.add(child.name)
                    self._announce(f"The {child.name} keeps ending; the reason is in {child.log}.")
                if child.given_up and child.name == "dashboard":
                    return 1
                if child.ready and child.name == "app" and child.name not in told:
                    told.add(child.name)
                    logger.info("The FiftyOne server answers")
            ask = time.monotonic() - pinged > _PING_EVERY
            pinged = time.monotonic() if ask else pinged
            if not database.process_alive() or (ask and not database.alive()):
                self._revive(database)
        return 0

    def _revive(self, database: mongod.Connection) -> None:
        logger.warning("mongod went away; starting it again")
        try:
            database.revive()
        except LabelloopError as error:
            self._announce(str(error))
            self._stop.wait(5.0)

    def _start(self, child: Child) -> None:
        child.start()
        self._record()

    def _record(self) -> None:
        children = {child.name: child.identity for child in self._children if child.identity is not None}
        up_record.write(
            self._paths,
            UpInfo(self._url, self._port, self._app.port, self._app.token, self._launcher, children, self._ready),
        )

    def _end(self, database: mongod.Connection) -> None:
        for child in self._children:
            child.ask_to_end()
        for child in self._children:
            child.end(patience=6.0)
        self._reserved.close()
        database.stop()
        up_record.remove(self._paths)

    def _pages_child(self) -> Child:
        asgi = _dashboard() / "asgi.py"

        def command() -> list[str]:
            options = {
                "server.port": str(self._port),
                "server.address": "127.0.0.1",
                "server.headless": "true",
                "browser.serverAddress": "127.0.0.1",
                "browser.gatherUsageStats": "false",
            }
            flags = [part for key, value in options.items() for part in (f"--{key}", value)]
            flags += public_address.streamlit_flags(public_address.known(), ("localhost", "127.0.0.1"))
            return [sys.executable, "-m", "streamlit", "run", str(asgi), *flags]

        return Child(
            name="dashboard",
            command=command,
            env={**self._env(), "PYTHONSAFEPATH": "1"},  # or the modules beside asgi.py would hide others' names
            cwd=asgi.parent,  # where Streamlit looks for .streamlit/config.toml
            log=self._paths.logs / "dashboard.log",
            answers=lambda: _pages_answer(self._port),
        )

    def _app_child(self) -> Child:
        origins = [f"http://{host}:{self._port}" for host in ("localhost", "127.0.0.1")]
        arguments = ["--workspace", str(self._paths.root), "--port", str(self._app.port)]
        arguments += [part for origin in origins for part in ("--pages-origin", origin)]
        inherits = os.name != "nt"
        if inherits:
            arguments += ["--socket", str(self._reserved.fileno())]
        else:
            self._reserved.close()
        return Child(
            name="app",
            command=lambda: [sys.executable, "-m", "core.services.app_server", *arguments],
            env=self._env(),
            log=self._paths.logs / "app-server.log",
            answers=lambda: self._app.alive(timeout=0.5),
            pass_fds=(self._reserved.fileno(),) if inherits else (),
        )

    def _env(self) -> dict[str, str]:
        return {
            **os.environ,
            "LABELLOOP_WORKSPACE": str(self._paths.root),
            "LABELLOOP_APP_PORT": str(self._app.port),
            "LABELLOOP_APP_TOKEN": self._app.token,
            "PYTHONUNBUFFERED": "1",
        }


def _point_to_first(paths: WorkspacePaths, *, open_browser: bool, announce: Callable[[str], None]) -> int:
    first = running(paths)
    if first is None:
        announce("labelloop is being started on this workspace by another process; wait for its address there.")
        return 0
    announce(f"labelloop runs on this workspace already: {first.url}")
    if open_browser:
        _open(first.url)
    return 0


def _clear_leftovers(paths: WorkspacePaths) -> None:
    """End what a killed launcher left behind; its lock is ours now, so nobody owns it any more."""
    left = up_record.read(paths)
    if left is None:
        return
    for name, child in left.processes.items():
        child.end(needles=_NEEDLES.get(name, ("never",)), patience=5.0)
    up_record.remove(paths)


def _dashboard() -> Path:
    found = importlib.util.find_spec("dashboard")  # found, not imported: it brings Streamlit along
    if found is None or found.origin is None:
        raise ServiceFailed("The dashboard is not installed; install labelloop again.")
    return Path(found.origin).parent


def _wanted_port(port: int | None) -> int:
    if port is None:
        return _free_port(PREFERRED_PORT)
    if not 1 <= port <= 65_535:
        raise BadInput(f"A port lies between 1 and 65535, not at {port}.")
    if not is_free(port):
        raise BadInput(f"Port {port} is taken by another program, or may not be used; choose another with --port.")
    return port


def _reserve(first: int) -> socket.socket:
    """A socket bound to a free port and handed to the FiftyOne server, whose start takes many seconds:
    meanwhile nobody else gets the port, and a server that is started again finds it where the tabs look for it.
    """
    for port in range(first, first + 100):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            held.close()
        else:
            return held
    raise ServiceFailed(f"None of the ports from {first} to {first + 99} is free.")


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        if is_free(port):
            return port
    raise ServiceFailed(f"None of the ports from {first} to {first + 99} is free.")


def _pages_answer(port: int) -> bool:
    try:
        if _get(port, "/_stcore/health")[0] != http.client.OK:
            return False
        status, body = _get(port, "/api/alive")
        return status == http.client.OK and json.loads(body).get("product") == "labelloop"
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _open(url: str) -> None:
    with suppress(webbrowser.Error, OSError):
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and the like set, for as long as the stack runs."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
