"""Following a job from a terminal: one line on standard error that rewrites itself."""

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.workspace import RunView, Workspace

EVERY = 0.2  # seconds


def follow(workspace: "Workspace", name: str, *, quiet: bool) -> "RunView":
    """Wait for a run or job to end and show how far it is; Ctrl-C stops watching, not the job."""
    shown = not quiet and sys.stderr.isatty()
    while (view := workspace.run(name)).active:
        if shown:
            sys.stderr.write(f"\r\033[K{line(view)}")
            sys.stderr.flush()
        time.sleep(EVERY)
    if shown:
        sys.stderr.write("\r\033[K")
    return view


def line(view: "RunView") -> str:
    """How far a job is, in one line."""
    status = view.status
    parts = [f"{view.name} {view.title}: {status.get('phase') or view.state}"]
    if status.get("epochs"):
        parts.append(f"epoch {status.get('epoch', 0)} of {status['epochs']}")
    if status.get("total"):
        parts.append(f"{status.get('done', 0):,} of {status['total']:,}")
    if status.get("rate"):
        parts.append(f"{status['rate']:.0f} images/s")
    if status.get("seconds_left"):
        parts.append(f"{status['seconds_left']:.0f} s left")
    return " - ".join(parts)
