"""A whole import as the product does it, in a workspace of its own: from the click to samples that everybody sees."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.runs.atomic import read_json
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
    """A workspace whose database runs."""
    with Workspace.open(root, user="bench") as opened:
        yield opened


def bring_in(workspace: Workspace, folder: Path, dataset: str) -> Took:
    """Import ``folder``; what follows an import (embedding, checks) is stopped as it starts."""
    began = time.perf_counter()
    job = workspace.start_import(folder, dataset)
    busy: dict[int, float] = {}
    worker = readers = 0.0
    while workspace.run(job).active:
        mine = [one for one in _processes(str(workspace.run_paths(job).folder)) if one.is_running()]
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


def _processes(folder: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if folder in line:
            found.append(process)
            found += [one for one in process.children(recursive=True) if one not in found]
    return list({one.pid: one for one in found}.values())


def _of(process: psutil.Process) -> tuple[float, float, bool]:
    """MB, seconds of processor, whether it is a reader."""
    try:
        with process.oneshot():
            times, line = process.cpu_times(), process.cmdline()
            return process.memory_info().rss / 2**20, times.user + times.system, "core.ingest.reader" in line
    except psutil.Error:
        return 0.0, 0.0, False
