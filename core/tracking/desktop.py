"""A notice of the desktop, where there is one: by what each system brings along."""

import contextlib
import os
import shutil
import subprocess
import sys


def notify(title: str, words: str) -> bool:
    """Show a notice; False where there is no desktop to show it."""
    command = _command(title, words)
    if command is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    return False


def _command(title: str, words: str) -> list[str] | None:
    if sys.platform == "darwin":
        # As arguments of the script, never inside it: names come from users.
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        return ["osascript", "-e", script, title, words]
    if sys.platform == "linux" and shutil.which("notify-send"):
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            return ["notify-send", "--app-name=labelloop", "--", title, words]
    return None
