"""The workspace's own mongod: attached to where one runs, started where none does, stopped by the last who leaves.

Everything that needs the database (``labelloop up``, the pages, a job, the command line) registers in ``db/users``
while it does. Whoever leaves last stops mongod, so a job goes on when the dashboard stops, and a mongod whose
owner was killed is taken over by the next. Knows nothing of what is stored.
"""

import atexit
import hashlib
import logging
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pymongo
import pymongo.errors
from filelock import FileLock, Timeout

from core.domain.errors import BadInput, MissingProgram, ServiceFailed
from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths
from core.services import mongod_program, processes
from core.services.mongod_program import ensure_mongod, fetch_mongod, find_mongod
from core.services.processes import ProcessId

__all__ = ["DATABASE", "Connection", "attach_or_start", "ensure_mongod", "fetch_mongod", "find_mongod", "running_uri"]

DATABASE = "labelloop"  # the name of the database in mongod

_START_PATIENCE = 60.0  # seconds; a start takes one, recovery after a crash of a large database more
_LONGEST_SOCKET = 100  # bytes; the system's limit is 104 to 108
_POSIX = os.name != "nt"
_started: list[subprocess.Popen[bytes]] = []  # held, so that a mongod of this process is reaped when it ends

logger = logging.getLogger(__name__)


@dataclass
class Connection:
    """A way to the database, held until :meth:`stop` or the end of this process.

    ``started`` tells whether this call started mongod; ``ours`` is false for a database that the user named by URI.
    """

    uri: str
    started: bool
    ours: bool
    _paths: WorkspacePaths
    _ticket: Path | None = field(default=None, repr=False)
    _client: pymongo.MongoClient[dict[str, Any]] | None = field(default=None, repr=False)

    def alive(self) -> bool:
        """Whether the database answers."""
        if self._client is None:  # kept: each new one leaves lines in mongod's log
            self._client = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=1000, connectTimeoutMS=2000)
        try:
            self._client.admin.command("ping")
        except pymongo.errors.PyMongoError:
            return False
        return True

    def process_alive(self) -> bool:
        """Whether mongod's process lives: quick, and no proof that it answers."""
        return not self.ours or _recorded(self._paths, read_json(_address(self._paths))) is not None

    def revive(self) -> None:
        """Start mongod again at the same address if it died.

        Raises:
            ServiceFailed: it cannot be started.
        """
        if not self.ours:
            return
        with _owner_lock(self._paths):
            self.uri, started = _attach_or_start(self._paths, mongod_program.say_nothing)
            self.started = self.started or started

    def stop(self) -> None:
        """Leave; the last who leaves stops mongod. Harmless when called twice."""
        atexit.unregister(self.stop)
        if self._client is not None:
            self._client.close()
            self._client = None
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        with suppress(ServiceFailed), _owner_lock(self._paths):
            ticket.unlink(missing_ok=True)
            if not _living_users(self._paths):
                _stop_recorded(self._paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def attach_or_start(paths: WorkspacePaths, announce: Callable[[str], None] = mongod_program.say_nothing) -> Connection:
    """Attach to the workspace's mongod or start it; LABELLOOP_DATABASE_URI names the user's own MongoDB instead.

    Raises:
        BadInput: the workspace's folder cannot be written.
        MissingProgram: there is no mongod and none could be fetched.
        ServiceFailed: mongod does not start, or the user's MongoDB does not answer.
    """
    named = os.environ.get("LABELLOOP_DATABASE_URI")
    if named:
        if not _answers(named, patience=5.0):
            raise ServiceFailed("The MongoDB that LABELLOOP_DATABASE_URI names does not answer.")
        return Connection(named, started=False, ours=False, _paths=paths)
    _make_writable(paths)
    with _owner_lock(paths):
        uri, started = _attach_or_start(paths, announce)
        me = ProcessId.mine()
        ticket = _users(paths) / f"{me.pid}-{os.urandom(3).hex()}.json"
        write_json(ticket, me.to_json())
    connection = Connection(uri, started=started, ours=True, _paths=paths, _ticket=ticket)
    atexit.register(connection.stop)
    return connection


def running_uri(paths: WorkspacePaths) -> str | None:
    """The address of the workspace's mongod if it runs and answers; starts nothing."""
    named = os.environ.get("LABELLOOP_DATABASE_URI")
    if named:
        return named if _answers(named, patience=2.0) else None
    address = read_json(_address(paths))
    process = _recorded(paths, address)
    return address["uri"] if process is not None and _answers(address["uri"], patience=1.0) else None


def _attach_or_start(paths: WorkspacePaths, announce: Callable[[str], None]) -> tuple[str, bool]:
    address = read_json(_address(paths))
    process = _recorded(paths, address)
    deadline = time.monotonic() + 10.0
    while address and process is not None and process.alive() and time.monotonic() < deadline:
        if _answers(address["uri"], patience=1.0):
            return address["uri"], False
    _stop_recorded(paths)
    return _start(paths, ensure_mongod(announce)), True


def _start(paths: WorkspacePaths, program: Path) -> str:
    log = paths.logs / "mongod.log"
    processes.roll(log)
    where, uri = _listen_address(paths)
    began = log.stat().st_size if log.exists() else 0
    command = [str(program), "--dbpath", _data(paths), *where, "--wiredTigerCacheSizeGB", "0.5", "--quiet"]
    command += [
        "--noscripting",
        "--setParameter",
        "diagnosticDataCollectionEnabled=false",
    ]  # up to 200 MB that nobody reads
    try:
        child = processes.start(command, log=log)
    except OSError as error:
        raise MissingProgram(f"{program} cannot be run ({error.strerror}).") from error
    _started[:] = [one for one in _started if one.poll() is None] + [child]
    identity = ProcessId.of(child.pid)
    if identity is not None:  # before it answers: whoever comes after a crash of ours must find it
        write_json(_address(paths), {"uri": uri, **identity.to_json(), "program": str(program)})
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServiceFailed(_why_ended(child, log, began))
        if _accepts(uri) and _answers(uri, patience=5.0):
            return uri
        time.sleep(0.02)
    child.kill()
    child.wait()
    raise ServiceFailed(f"mongod did not answer within {_START_PATIENCE:.0f} seconds; see {log}.")


def _listen_address(paths: WorkspacePaths) -> tuple[list[str], str]:
    if _POSIX:  # the socket alone, no TCP: other users of this machine are out
        path = _socket_folder(paths) / "db.sock"
        uri = f"mongodb://{quote(str(path), safe='')}/?journal=true&directConnection=true"
        # Nor the usual socket in /tmp beside it: there stands the system's mongod, or another workspace's.
        return ["--bind_ip", str(path), "--nounixsocket"], uri
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"mongodb://127.0.0.1:{port}/?journal=true&directConnection=true"
    return ["--bind_ip", "127.0.0.1", "--port", str(port)], uri


def _socket_folder(paths: WorkspacePaths) -> Path:
    name = hashlib.sha256(os.fsencode(paths.root.resolve())).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    parents = [Path(runtime) / "labelloop"] if runtime and os.access(runtime, os.W_OK | os.X_OK) else []
    parents += [Path(folder) / f"labelloop-{os.getuid()}" for folder in (tempfile.gettempdir(), "/tmp")]
    for parent in parents:
        folder = parent / name
        if len(os.fsencode(folder / "db.sock")) > _LONGEST_SOCKET:
            continue
        for made in (parent, folder):
            _make_private(made)
        return folder
    raise ServiceFailed("There is no folder with a short enough path for mongod's socket; set TMPDIR to /tmp.")


def _make_private(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ServiceFailed(f"{folder} belongs to somebody else; labelloop does not put its database socket there.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _recorded(paths: WorkspacePaths, address: Any) -> ProcessId | None:
    """The living mongod that address.json or mongod's own lock file names, if it serves this very folder."""
    identity = ProcessId.from_json(address)
    needles = ("--dbpath", _data(paths))
    if identity is not None and identity.alive(needles=needles):
        return identity
    with suppress(OSError, ValueError):
        identity = ProcessId.of(int((paths.database / "mongod.lock").read_text()))
        if identity is not None and identity.alive(needles=needles):
            return identity
    return None


def _stop_recorded(paths: WorkspacePaths) -> None:
    address = read_json(_address(paths))
    identity = _recorded(paths, address)
    if identity is not None:
        identity.end(needles=("--dbpath", _data(paths)), patience=15.0)
    _address(paths).unlink(missing_ok=True)
    if _POSIX:
        with suppress(OSError, ServiceFailed):
            shutil.rmtree(_socket_folder(paths))


def _living_users(paths: WorkspacePaths) -> int:
    living = 0
    for ticket in _users(paths).glob("*.json"):
        identity = ProcessId.from_json(read_json(ticket))
        if identity is not None and identity.alive():
            living += 1
        else:
            ticket.unlink(missing_ok=True)
    return living


def _answers(uri: str, *, patience: float) -> bool:
    client: pymongo.MongoClient[dict[str, Any]] | None = None
    try:
        client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=int(patience * 1000), connectTimeoutMS=2000)
        client.admin.command("ping")
    except (pymongo.errors.PyMongoError, ValueError):
        return False
    finally:
        if client is not None:
            client.close()
    return True


def _accepts(uri: str) -> bool:
    """A bare connect, which costs nothing while mongod is not there yet; a client would wait half a second."""
    node = pymongo.uri_parser.parse_uri(uri)["nodelist"][0]
    with socket.socket(socket.AF_INET if node[1] else socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(node if node[1] else node[0])
        except OSError:
            return False
    return True


def _why_ended(child: subprocess.Popen[bytes], log: Path, began: int) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(began)
        output = file.read(1_000_000).decode("utf-8", "replace")
        sentence = mongod_program.why_not_loaded(child.returncode, output)
        if sentence:
            return sentence
        if child.returncode == 62:
            return f"The database in {log.parent.parent / 'db'} was written by another version of MongoDB than this."
        if "No space left" in output:
            return "mongod cannot start because the disk is full."
    return f"mongod ended at once (exit status {child.returncode}); the reason is at the end of {log}."


def _make_writable(paths: WorkspacePaths) -> None:
    try:
        for folder in (paths.database, _users(paths), paths.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=paths.database):
            pass
    except OSError as error:
        raise BadInput(f"The workspace folder {paths.root} cannot be written ({error.strerror or error}).") from error


def _owner_lock(paths: WorkspacePaths) -> "_Lock":
    return _Lock(paths.database / "owner.lock")


class _Lock:
    """A file lock whose timeout is a sentence."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=_START_PATIENCE + 30)

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ServiceFailed(
                "Another labelloop has been starting the database for over a minute; try again."
            ) from error
        except OSError as error:
            raise BadInput(f"{self._lock.lock_file} cannot be written ({error.strerror or error}).") from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _data(paths: WorkspacePaths) -> str:
    return str(paths.database.resolve())


def _address(paths: WorkspacePaths) -> Path:
    return paths.database / "address.json"


def _users(paths: WorkspacePaths) -> Path:
    return paths.database / "users"
