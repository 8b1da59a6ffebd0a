"""``python -m core.jobs.spare KIND``: has the imports of runs and jobs behind it, and forks a supervisor for each that
it is asked for, which forks the worker in turn: nothing is imported again.

Standard input: a line a job (core.jobs.asking). When it closes, the spare ends; what it started goes on. Those that
descend from it, such as an import that wants its images embedded, ask over a socket that they inherit. One for networks
also ends when nobody asked for long: its imports take hundreds of megabytes.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from functools import partial
from pathlib import Path

from core.jobs.afterwards import JUDGE
from core.jobs.asking import FORKS, LONGEST, descend
from core.jobs.forking import end_with
from core.jobs.supervisor import WORKERS, supervise, write_to
from core.runs.layout import RunPaths

SECONDS = 900.0  # that a spare for networks waits
_WARM = "core.training.warm"
_LIGHT = ("import", "embed", "check")  # the jobs whose workers a light spare has behind it, beside an instant run's


def main(arguments: list[str]) -> int:
    """Wait for jobs and start them, until standard input ends."""
    (kind,) = arguments
    importlib.import_module(_WARM).preload(kind)
    importlib.import_module(JUDGE)
    if kind == "light":
        for name in _LIGHT:
            importlib.import_module(WORKERS[name])
            with contextlib.suppress(ModuleNotFoundError):  # a package's worker is its __main__
                importlib.import_module(f"{WORKERS[name]}.__main__")
    if not FORKS:
        line = sys.stdin.buffer.readline()
        return _work(line) if line else 0
    return _serve(None if kind == "light" else SECONDS)


def _serve(limit: float | None) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that it starts
    gc.collect()
    gc.freeze()  # so that what it shares with them stays shared
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with inner, outer, open(0, "rb", buffering=0, closefd=False) as owner:
        while found := select.select([0, inner.fileno()], [], [], limit)[0]:
            line = owner.readline() if 0 in found else inner.recv(LONGEST)
            if not line:
                return 0
            if os.fork() == 0:
                inner.close()
                end_with(partial(_begin, line, outer))
        os.close(0)  # whoever asks from here on is told at once
    return 0


def _begin(line: bytes, outer: socket.socket) -> int:
    """In the forked process: be a supervisor, to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    descend(outer)
    return _work(line)


def _work(line: bytes) -> int:
    asked = json.loads(line)
    paths = RunPaths(Path(asked["folder"]))
    os.environ.clear()
    os.environ.update(asked["environment"])
    write_to(paths.log)
    return supervise(paths, warm=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
