"""What follows a run's end, in processes that nobody waits for: mirrors and alerts, and judging its labels."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from core.jobs.asking import FORKS
from core.jobs.forking import forked
from core.runs import members
from core.runs.atomic import read_json
from core.runs.layout import RunPaths
from core.runs.worker import SUCCEEDED

# Named as strings: the supervisor must stay small, and may not import its siblings.
FOLLOW_UP = "core.workspace.mirroring"
JUDGE = "core.training.judging"
LAST = 10  # how much judging gives way (nice)
_LOOK = 0.2  # seconds between looks for a newer run


def follow_up(paths: RunPaths) -> None:
    """Start mirrors and alerts, where there are any: they wait for networks, and the run has ended."""
    if not paths.workspace.tracking.exists():
        return
    with contextlib.suppress(OSError):
        subprocess.Popen(
            [sys.executable, "-m", FOLLOW_UP, str(paths.folder)], stdin=subprocess.DEVNULL, start_new_session=True
        )


def judge(paths: RunPaths, *, warm: bool = False) -> None:
    """Judge the labels of a run that has succeeded, on half of the processors and giving way to all else: the next
    retrain and the pages come first. Once a newer run has succeeded, its labels are judged and these no more.
    ``warm``: this process has the judge's imports behind it.
    """
    if superseded(paths):
        return
    threads = max(1, (os.cpu_count() or 2) // 2)
    if warm and FORKS:
        _, poll, send = forked(JUDGE, paths.folder, start=lambda: _come_last(threads))
    else:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        process = subprocess.Popen(
            [sys.executable, "-m", JUDGE, str(paths.folder)],
            stdin=subprocess.DEVNULL,
            env=environment,
            preexec_fn=_come_last if sys.platform == "linux" else None,  # noqa: PLW1509  (no threads here)
        )
        poll, send = process.poll, process.send_signal
    while poll() is None:
        if superseded(paths):
            send(signal.SIGTERM)
            while poll() is None:
                time.sleep(_LOOK / 10)
            return
        time.sleep(_LOOK)


def superseded(paths: RunPaths) -> bool:
    """Whether a newer run of the same dataset, no trial of a search, has succeeded."""
    dataset = (read_json(paths.spec) or {}).get("dataset")
    for run, spec in _newer(paths):
        same = spec.get("dataset") == dataset and "trial" not in spec
        if same and (read_json(run.exit) or {}).get("returncode") == SUCCEEDED:
            return True
    return False


def _newer(paths: RunPaths) -> Iterator[tuple[RunPaths, dict[str, Any]]]:
    for folder in paths.folder.parent.glob("run-*"):
        run = RunPaths(folder)
        if run.number > paths.number:
            yield run, read_json(run.spec) or {}


def _come_last(threads: int | None = None) -> None:
    members.die_with_parent()
    os.nice(LAST)
    if threads is not None:  # of a fork: the algebra is loaded, and asks no environment any more
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
