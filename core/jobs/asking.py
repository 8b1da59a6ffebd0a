"""How a spare (core.jobs.spare) is asked for a supervisor: by who keeps it, and by what descends from it."""

import json
import os
import socket
from pathlib import Path
from typing import Literal

Warm = Literal["light", "network"]  # which imports a spare has behind it: all but torch, or torch too
FORKS = hasattr(os, "fork")  # where there is none, a spare serves one job, whose worker imports anew
LONGEST = 65_536  # bytes of a question over the socket

_spare: socket.socket | None = None  # the one that this process descends from


def question(folder: Path) -> bytes:
    """A line, to have the job in ``folder`` worked on in this process's environment, as if it were started cold."""
    return json.dumps({"folder": str(folder), "environment": dict(os.environ)}).encode() + b"\n"


def descend(spare: socket.socket) -> None:
    """Note where this process, and those that it forks, can ask their spare."""
    global _spare  # noqa: PLW0603  (of a process from its first moment on)
    _spare = spare


def ask(folder: Path) -> bool:
    """Have the spare that this process descends from start one job more; False where there is none that would."""
    if _spare is None or len(asked := question(folder)) > LONGEST:
        return False
    try:
        _spare.send(asked)
    except OSError:  # it has ended
        return False
    return True
