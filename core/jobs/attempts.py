"""Each start of a run's worker is a line in ``attempts.jsonl``: who asked for it, which process, how it ended.

A worker that dies by a signal, or whose supervisor is killed with it, has crashed; three crashes since a person last
asked for the run, and it is not started again by itself. A computer that went down meanwhile is no crash of the run.
"""

import contextlib
import signal as signals
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from core.runs.atomic import append_json_line, read_json_lines
from core.runs.layout import RunPaths
from core.runs.worker import LOST_WORKER

MOST_CRASHES = 3


def asked(paths: RunPaths, by: str) -> None:
    """Note that a run is to go on; ``by`` is "person", which counts crashes anew, or "recovery"."""
    append_json_line(paths.attempts, {"asked": by, "at": time.time()})


def began(paths: RunPaths, pid: int, *, warm: bool = False) -> None:
    """Note a worker's start, with what tells its process from a later one of the same number; ``warm``: it was forked,
    with its imports behind it.
    """
    with contextlib.suppress(psutil.Error):
        created = psutil.Process(pid).create_time()
        append_json_line(
            paths.attempts, {"pid": pid, "created": created, "boot": boot(), "at": time.time(), "warm": warm}
        )


def ended(paths: RunPaths, code: int) -> None:
    """Note how the last worker ended."""
    append_json_line(paths.attempts, {"returncode": code, "at": time.time()})


def crashes(paths: RunPaths) -> list[int | None]:
    """The crashes since a person last asked for the run: the signal of each, None where nobody was left to see it."""
    found: list[int | None] = []
    started: dict[str, Any] | None = None
    for line in read_json_lines(paths.attempts):
        if line.get("asked") == "person":
            found, started = [], None
        elif "pid" in line:
            found += _unseen(started)
            started = line
        elif "returncode" in line:
            code, started = int(line["returncode"]), None
            found += [-code] if code < 0 else [None] if code == LOST_WORKER else []
    return found + _unseen(started)


def sentence(found: list[int | None]) -> str:
    """Why a run is not started again by itself."""
    number = next((one for one in reversed(found) if one is not None), None)
    if number is None:
        how = "its processes were killed, or could not go on without one that was"
    else:
        usual = " (usually: out of memory)" if number == 9 else ""
        name = signals.Signals(number).name if number in set(signals.Signals) else "no name"
        how = f"the last time its process was killed by signal {number}, {name}{usual}"
    return f"It crashed {len(found)} times, {how}; it is not started again by itself. Retry starts it once more."


def end_orphan(paths: RunPaths) -> None:
    """Kill the worker of an earlier supervisor, if it lives: two workers must never write into one run."""
    started = next((line for line in reversed(read_json_lines(paths.attempts)) if "pid" in line), None)
    if started is None or started.get("boot") != boot():
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(int(started["pid"]))
        if abs(process.create_time() - float(started["created"])) > 0.5:
            return  # the number is another process's by now
        end_all([process, *process.children(recursive=True)])


def end_all(processes: list[psutil.Process]) -> None:
    """Kill these processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def boot() -> str:
    """What is another after each start of the computer."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return str(round(psutil.boot_time() / 60))


def _unseen(started: dict[str, Any] | None) -> list[int | None]:
    return [None] if started is not None and started.get("boot") == boot() else []
