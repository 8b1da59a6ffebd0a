"""The state of a run or job: one pure function of what lies in its folder."""

import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.domain.runs import RunState
from core.runs.atomic import read_json
from core.runs.layout import RunPaths
from core.runs.worker import PAUSED, SUCCEEDED

START_GRACE = 60.0  # seconds that a supervisor may take to lock its folder


def state_of(
    *,
    held: bool,
    exited: dict[str, Any] | None,
    cancelled: bool,
    status: dict[str, Any] | None,
    paused: bool = False,
) -> RunState:
    """State from facts: lock held, what the supervisor wrote at the end, cancel and pause file there, last status.

    A supervisor that is gone without an ``exit.json`` was killed with its worker: the run is lost, unless it was to
    pause anyway. A paused run goes on when ``pause`` and ``exit.json`` are gone and a supervisor starts on it; one
    that is cancelled instead is cancelled.
    """
    if exited is not None:
        if exited.get("returncode") == SUCCEEDED:
            return "succeeded"
        if cancelled:
            return "cancelled"
        return "paused" if exited.get("returncode") == PAUSED else "failed"
    if held:
        return "queued" if (status or {}).get("phase") in (None, "queued") else "running"
    if cancelled:
        return "cancelled"
    return "paused" if paused else "lost"


def state(paths: RunPaths) -> RunState:
    """The state of the run in ``paths`` now; a young folder without a lock file is queued, its supervisor starts."""
    held = is_held(paths.lock)
    exited = read_json(paths.exit)  # read after the lock: a supervisor writes it before it lets go
    young = time.time() - paths.spec.stat().st_mtime < START_GRACE
    if exited is None and not held and not paths.lock.exists():
        if paths.cancel.exists():
            return "cancelled"
        if paths.pause.exists():
            return "paused"
        return "queued" if young else "lost"
    status = read_json(paths.status)
    found = state_of(
        held=held, exited=exited, cancelled=paths.cancel.exists(), status=status, paused=paths.pause.exists()
    )
    asked_at = (status or {}).get("queued_at")
    if found == "lost" and asked_at is not None and time.time() - asked_at < START_GRACE:
        return "queued"  # it was asked to go on, and its supervisor starts
    if found == "lost" and status is None and young:
        return "queued"  # its supervisor has made the lock file and locks it in a moment
    return found


def is_held(lock: Path) -> bool:
    """Whether a living process holds ``lock`` (an absent file is not held)."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
