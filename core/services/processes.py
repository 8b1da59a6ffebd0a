"""Other processes, named so that a recycled pid is never taken for one of ours: pid and creation time together."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import psutil

_CLOCK_TOLERANCE = 1.5  # seconds; psutil derives creation times from the boot time, which may be corrected


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process for as long as it lives. ``created`` is in unix seconds."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has ``pid`` now, or ``None``."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except (psutil.Error, ValueError):
            return None

    @classmethod
    def mine(cls) -> Self:
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time())

    @classmethod
    def from_json(cls, value: Any) -> Self | None:
        """What :meth:`to_json` gave; ``None`` for anything else."""
        try:
            return cls(int(value["pid"]), float(value["created"]))
        except (KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)

    def process(self, *, needles: Sequence[str] = ()) -> psutil.Process | None:
        """The living process, if every one of ``needles`` is an argument of its command line; a zombie is not alive."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > _CLOCK_TOLERANCE:
                return None
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            if needles:
                arguments = process.cmdline()
                if not all(needle in arguments for needle in needles):
                    return None
            return process
        except (psutil.Error, ValueError):
            return None

    def alive(self, *, needles: Sequence[str] = ()) -> bool:
        """Whether :meth:`process` finds it."""
        return self.process(needles=needles) is not None

    def end(self, *, needles: Sequence[str] = (), patience: float = 10.0) -> None:
        """SIGTERM, then SIGKILL after ``patience`` seconds; nothing where the process is gone or another one."""
        process = self.process(needles=needles)
        if process is None:
            return
        try:
            process.terminate()
            if not _gone_within(process, patience):
                process.kill()
                _gone_within(process, 5.0)
        except psutil.Error:
            return


def start(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (a terminal's Ctrl-C does not reach it), its output appended to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def tail(log: Path, *, lines: int = 20) -> str:
    """The last lines of a log, or nothing."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""


def roll(log: Path, *, limit: int = 10_000_000) -> None:
    """Put a log of more than ``limit`` bytes aside under ``.1``, so that logs do not grow for ever."""
    try:
        if log.stat().st_size > limit:
            os.replace(log, log.with_name(log.name + ".1"))
    except OSError:
        return


def _gone_within(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or not process.is_running():
                _reap(process.pid)
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def _reap(pid: int) -> None:
    if os.name == "nt":
        return
    try:
        os.waitpid(pid, os.WNOHANG)  # ours only; a stranger's child is its parent's to reap
    except ChildProcessError:
        return
