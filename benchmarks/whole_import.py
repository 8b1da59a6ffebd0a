"""A whole import as the product does it, in a workspace of its own: from the click to samples that everybody sees."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from first_metric import settled

from core.runs.atomic import read_json, read_json_lines
from core.runs.layout import RunPaths
from core.workspace import Workspace


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, of processor (all processes of the import), and MB that they held together at most."""

    seconds: float
    processor: float
    worker: float
    readers: float
    report: dict[str, int]


@contextmanager
def workspace_at(root: Path) -> Iterator[Workspace]:
    """A workspace whose database runs, with a spare process as the dashboard keeps one."""
    with Workspace.open(root, user="bench", keep_spare=True) as opened:
        yield opened


def bring_in(workspace: Workspace, folder: Path, dataset: str) -> Took:
    """Import ``folder``; what follows an import (embedding, checks) is stopped as it starts."""
    while not (spare := workspace._launcher._spares.get("light")):
        time.sleep(0.1)
    settled(spare.pid)
    began = time.perf_counter()
    job = workspace.start_import(folder, dataset)
    busy: dict[int, float] = {}
    worker = readers = 0.0
    while workspace.run(job).active:
        mine = [one for one in _processes(workspace.run_paths(job)) if one.is_running()]
        held = [(one, *_of(one)) for one in mine]
        busy.update({one.pid: seconds for one, _, seconds, _ in held})
        worker = max([worker, *(size for _, size, _, reader in held if not reader)])
        readers = max(readers, sum(size for _, size, _, reader in held if reader))
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    ended = workspace.run(job)
    for view in workspace.jobs(dataset):
        if view.active:
            workspace.cancel(view.name)
    for view in workspace.jobs(dataset):
        workspace.wait(view.name, timeout=60)
    if ended.state != "succeeded":
        sys.exit(f"the import ended as {ended.state}")
    report = read_json(workspace.run_paths(job).report) or {}
    assert len(workspace.samples(dataset)) == report["added"] + report["present"] + report["duplicate"]
    return Took(seconds, sum(busy.values()), worker, readers, report)


def _processes(job: RunPaths) -> list[psutil.Process]:
    """The import's supervisor, its worker and the readers; what follows has sessions of its own."""
    started = next((line for line in read_json_lines(job.attempts) if "pid" in line), None)
    if started is None:
        return []
    try:
        first = psutil.Process(started["pid"]).parent()
        return [first, *(one for one in first.children(recursive=True) if os.getsid(one.pid) == first.pid)]
    except (psutil.Error, OSError, AttributeError):
        return []


def _of(process: psutil.Process) -> tuple[float, float, bool]:
    """MB, seconds of processor, whether it is a reader."""
    try:
        with process.oneshot():
            times, line = process.cpu_times(), process.cmdline()
            return process.memory_info().rss / 2**20, times.user + times.system, "core.ingest.reader" in line
    except psutil.Error:
        return 0.0, 0.0, False
