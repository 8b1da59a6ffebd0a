"""``python -m core.jobs.supervisor FOLDER``: hold the lock, run the worker, write how it ended.

A worker that is killed (for memory, say) cannot write its own ending; its parent can. A supervisor that a spare has
started (core.jobs.spare) has its worker's imports behind it, and forks it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from core.cluster import place
from core.domain.models import INSTANT
from core.jobs import afterwards, attempts, devices, smaller
from core.jobs.asking import FORKS
from core.jobs.forking import forked
from core.runs import members
from core.runs.atomic import read_json, read_json_lines, sweep, write_json
from core.runs.layout import RunPaths
from core.runs.worker import AGAIN, CANCELLED, CRASHED, LOST_WORKER, PAUSED, SUCCEEDED
from core.tracking import alerts, settings

# Named as strings: the supervisor must stay small, and may not import its siblings.
WORKERS = {
    "train": "core.training",
    "embed": "core.embedding",
    "check": "core.checks",
    "import": "core.workspace.import_job",
    "search": "core.search",
    "map": "core.embedding.mapping",
    "watch": "core.workspace.watch_job",
}
TEAM = "core.cluster"  # has several workers, or a cluster, do what one worker would
CANCEL_GRACE = 20.0  # seconds between the cancel file and SIGTERM, and again before SIGKILL
POLL = 0.1
PR_SET_CHILD_SUBREAPER = 36
BACKGROUND = 5  # how much imports, embeddings and checks give way (nice)


def main(arguments: list[str]) -> int:
    """Run one job to its end. Returns the worker's return code, 0 when another supervisor has the job."""
    (folder,) = arguments
    return supervise(RunPaths(Path(folder)), warm=False)


def supervise(paths: RunPaths, *, warm: bool) -> int:
    """Hold ``run.lock``, wait for the device if need be, run the worker, write ``exit.json``.

    A worker that is killed is started again, where it goes on at its last checkpoint (the second time with half the
    batch: memory may have run out), until it has crashed too often.
    """
    try:
        with FileLock(paths.lock, timeout=5):
            if paths.exit.exists():
                return 0
            _adopt_orphans()
            attempts.end_orphan(paths)
            spec = read_json(paths.spec) or {}
            code = _to_its_end(paths, spec, warm=warm)
            signalled = -code if code < 0 else None
            write_json(paths.exit, {"returncode": code, "signal": signalled, "ended_at": time.time()})
            if code == SUCCEEDED:  # not before the end stands written: a kill in between would cost the whole training
                paths.last_checkpoint.unlink(missing_ok=True)
    except Timeout:
        return 0
    afterwards.follow_up(paths)
    if code == 0 and spec.get("kind") == "train" and "trial" not in spec:
        afterwards.judge(paths, warm=warm)
    return code


def _to_its_end(paths: RunPaths, spec: dict[str, Any], *, warm: bool) -> int:
    while True:
        crashed = attempts.crashes(paths)
        if len(crashed) >= attempts.MOST_CRASHES:
            write_json(paths.error, {"sentence": smaller.sentence(paths, crashed)})
            return CRASHED
        with _device(paths, spec) as device:
            if device is None:
                return CANCELLED if paths.cancel.exists() else PAUSED
            code = _run_worker(paths, spec, device=device, warm=warm)
        attempts.ended(paths, code)
        smaller.after(paths, code)
        of_a_team = code in (LOST_WORKER, AGAIN)
        if paths.cancel.exists():
            return CANCELLED if of_a_team else code
        if code >= 0 and not of_a_team:
            return code
        if paths.pause.exists():
            return PAUSED
        warm = False


@contextlib.contextmanager
def _device(paths: RunPaths, spec: dict[str, Any]) -> Iterator[str | None]:
    """Hold a device for a network; yields its name, "" for work that needs none, None where it is not to start."""
    options = spec.get("options")
    model = options.get("model") if isinstance(options, dict) else None
    where = place.of_run(paths)
    if model in (None, INSTANT) or where.ray:  # networks wait for the device: one trains at a time
        yield None if paths.cancel.exists() or paths.pause.exists() else ""
        return
    if paths.status.exists():  # it went before: what it says of itself is of then
        write_json(paths.status, {**(read_json(paths.status) or {}), "phase": "queued", "heartbeat": time.time()})
    wanted = str((options or {}).get("device", "auto"))
    with devices.turn(paths, wanted, workers=where.workers) as device:
        yield device


def _run_worker(paths: RunPaths, spec: dict[str, Any], *, device: str, warm: bool) -> int:
    for file in (paths.last_checkpoint, paths.best_checkpoint, paths.predictions, paths.model):
        sweep(file)
    module = WORKERS[str(spec["kind"])]
    if not place.of_run(paths).plain and spec["kind"] in ("train", "embed"):
        module, warm = TEAM, False
        paths.outcome.unlink(missing_ok=True)
    else:
        paths.fence.unlink(missing_ok=True)  # a team that lives on somewhere writes nothing any more
    environment, start = _environment(spec, device), _start_of(str(spec["kind"]))
    warm = warm and FORKS
    if warm:
        pid, poll, send = forked(module, paths.folder, start=start, environment=environment)
    else:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(paths.folder)],
            stdin=subprocess.DEVNULL,
            env=environment,
            preexec_fn=start if sys.platform == "linux" else None,  # noqa: PLW1509  (no threads here)
        )
        pid, poll, send = process.pid, process.poll, process.send_signal
    attempts.began(paths, pid, warm=warm)
    try:
        code = _wait(paths, poll, send)
        told = members.outcome(paths) if module == TEAM else None
        return code if told is None else told  # whatever became of who started them: Ray can end it at the very end
    finally:  # loaders that a killed worker leaves would keep its memory, and the GPU's
        attempts.end_all(_left_behind())


def _environment(spec: dict[str, Any], device: str) -> dict[str, str] | None:
    """Shows a worker that takes any GPU the one whose turn it has; a recipe that names one sees them all."""
    if not device.startswith("gpu-") or (spec.get("options") or {}).get("device", "auto") not in ("auto", "cuda"):
        return None
    numbers = [int(one.removeprefix("gpu-")) for one in device.split()]
    visible = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one.strip()]
    shown = [visible[number] if number < len(visible) else str(number) for number in numbers]
    return {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(shown)}


def _wait(paths: RunPaths, poll: Callable[[], int | None], send: Callable[[int], None]) -> int:
    """Wait for the worker; one that does not heed the cancel file is terminated, then killed."""
    cancelled_at: float | None = None
    told: list[int] = []
    watch = _Watch(paths)
    while True:
        code = poll()
        watch.look()
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


class _Watch:
    """Gives the alerts that are due before a run's end."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths, self._size = paths, 0
        self._settings = settings.read(paths.workspace)

    def look(self) -> None:
        """Judge the metrics when an epoch has come."""
        if not self._settings.loss_rising:
            return
        with contextlib.suppress(OSError, ValueError):
            size = self._paths.metrics.stat().st_size
            if size != self._size:
                self._size = size
                lines = read_json_lines(self._paths.metrics)
                dataset = str((read_json(self._paths.spec) or {}).get("dataset", ""))
                due = alerts.while_it_goes(self._settings, self._paths.name, dataset, lines)
                alerts.in_background(self._paths.workspace, self._settings, due)


def _adopt_orphans() -> None:
    """Processes that a worker leaves behind become ours, so that they can be ended. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _left_behind() -> list[psutil.Process]:
    """What a worker left in our session. Jobs that it started have sessions, and supervisors, of their own."""
    if os.name == "nt":
        return psutil.Process().children(recursive=True)
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(OSError):
            if os.getsid(process.pid) == os.getsid(0):
                found.append(process)
    return found


def _start_of(kind: str) -> Callable[[], None]:
    """What a worker does first. Imports, embeddings and checks give way to the pages. Training does not: a network's
    threads wait for one another at every layer, and where one of them gives way, beside a single busy process, all are
    many times slower (benchmarks/contention.py); the pages hardly notice either way. A search hands its own priority
    on to its trials.
    """

    def start() -> None:
        members.die_with_parent()
        if kind not in ("train", "search"):
            os.nice(BACKGROUND)

    return start


def write_to(log: Path) -> None:
    """Have what is printed from here on stand in ``log``."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
