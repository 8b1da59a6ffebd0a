"""``python -m core.jobs.supervisor FOLDER``: hold the lock, run the worker, write how it ended.

A worker that is killed (for memory, say) cannot write its own ending; its parent can. With ``--spare`` the
imports of an instant retrain are done first and the folder is read from standard input; the worker is then
forked, with its imports behind it.
"""

import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths

# Named as strings: the supervisor must stay small, and may not import its siblings.
WORKERS = {"train": "core.training", "embed": "core.embedding", "import": "core.workspace.import_job"}
WARM = "core.training.warm"
WARM_MODEL = "instant"
CANCEL_GRACE = 20.0  # seconds between the cancel file and SIGTERM, and again before SIGKILL
POLL = 0.1
PR_SET_PDEATHSIG = 1
BACKGROUND = 5  # how much a worker gives way (nice)


def main(arguments: list[str]) -> int:
    """Run one job to its end. Returns the worker's return code, 0 when another supervisor has the job."""
    warm = arguments == ["--spare"]
    if warm:
        importlib.import_module(WARM).preload()
        folder = os.fsdecode(sys.stdin.buffer.readline().rstrip(b"\n"))
        if not folder:
            return 0
    else:
        (folder,) = arguments
    paths = RunPaths(Path(folder))
    if warm:
        _write_to(paths.log)
    return supervise(paths, warm=warm)


def supervise(paths: RunPaths, *, warm: bool) -> int:
    """Hold ``run.lock``, wait for the device if need be, run the worker, write ``exit.json``."""
    try:
        with FileLock(paths.lock, timeout=5):
            if paths.exit.exists():
                return 0
            spec = read_json(paths.spec) or {}
            with _device(paths, spec):
                code = 3 if paths.cancel.exists() else _run_worker(paths, spec, warm=warm)
            signalled = -code if code < 0 else None
            write_json(paths.exit, {"returncode": code, "signal": signalled, "ended_at": time.time()})
            return code
    except Timeout:
        return 0


@contextlib.contextmanager
def _device(paths: RunPaths, spec: dict[str, object]) -> Iterator[None]:
    options = spec.get("options")
    model = options.get("model") if isinstance(options, dict) else None
    if model in (None, WARM_MODEL):  # networks wait for the device: one trains at a time
        yield
        return
    lock = FileLock(paths.workspace.device_lock)
    while True:
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=POLL)
            break
        if paths.cancel.exists():
            yield
            return
    try:
        yield
    finally:
        lock.release()


def _run_worker(paths: RunPaths, spec: dict[str, object], *, warm: bool) -> int:
    module = WORKERS[str(spec["kind"])]
    if warm and hasattr(os, "fork"):
        return _wait(paths, *_forked(module, paths))
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(paths.folder)],
        stdin=subprocess.DEVNULL,
        preexec_fn=_go_to_the_background if sys.platform == "linux" else None,  # noqa: PLW1509  (no threads here)
    )
    return _wait(paths, process.poll, process.send_signal)


def _forked(module: str, paths: RunPaths) -> tuple[Callable[[], int | None], Callable[[int], None]]:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _die_with_parent()
            code = int(importlib.import_module(f"{module}.__main__").main(paths.folder))
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll() -> int | None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    return poll, lambda number: os.kill(pid, number)


def _wait(paths: RunPaths, poll: Callable[[], int | None], send: Callable[[int], None]) -> int:
    """Wait for the worker; one that does not heed the cancel file is terminated, then killed."""
    cancelled_at: float | None = None
    told: list[int] = []
    while True:
        code = poll()
        if code is not None:
            return code
        if cancelled_at is None and paths.cancel.exists():
            cancelled_at = time.monotonic()
        if cancelled_at is not None:
            waited = time.monotonic() - cancelled_at
            for number, after in ((signal.SIGTERM, CANCEL_GRACE), (signal.SIGKILL, 2 * CANCEL_GRACE)):
                if waited > after and number not in told:
                    told.append(number)
                    send(number)
        time.sleep(POLL if told else POLL / 4)


def _go_to_the_background() -> None:
    """Long work gives way to the pages: labelling stays quick while a network trains."""
    _die_with_parent()
    os.nice(BACKGROUND)


def _die_with_parent() -> None:
    """A worker whose supervisor is killed must not hold a GPU or write on. Linux only; elsewhere it ends by itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _write_to(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
