"""Starting a job: a supervisor in a session of its own, cold, or a spare one that has its imports behind it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from core.runs.layout import RunPaths

SUPERVISOR = "core.jobs.supervisor"


class Launcher:
    """Starts supervisors. With ``keep_spare`` one waits, preloaded, for the next instant retrain.

    The spare reads the folder to work on from its standard input; when the process that keeps it dies, that closes,
    and the spare ends by itself.
    """

    def __init__(self, *, keep_spare: bool = False) -> None:
        self._keep_spare = keep_spare
        self._spare: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        if keep_spare:
            self._renew()

    def start(self, paths: RunPaths, *, warm: bool = False) -> None:
        """Start the job in ``paths`` and return at once; ``warm`` asks for the spare, if one waits."""
        if warm and self._hand_over(paths.folder):
            return
        _spawn([str(paths.folder)], stdin=subprocess.DEVNULL, log=paths.log)

    def close(self) -> None:
        """Let the spare go. Jobs that run go on."""
        with self._lock:
            self._dismiss()

    def _hand_over(self, folder: Path) -> bool:
        with self._lock:
            spare, self._spare = self._spare, None
            if spare is None or spare.poll() is not None or spare.stdin is None:
                return False
            try:
                spare.stdin.write(os.fsencode(folder) + b"\n")
                spare.stdin.close()
            except OSError:
                return False
        # Renewed a little later, so that the next spare's imports do not compete with this job.
        timer = threading.Timer(3.0, self._renew)
        timer.daemon = True
        timer.start()
        threading.Thread(target=spare.wait, daemon=True).start()
        return True

    def _renew(self) -> None:
        with self._lock:
            if self._keep_spare and self._spare is None:
                self._spare = _spawn(["--spare"], stdin=subprocess.PIPE, log=None)

    def _dismiss(self) -> None:
        self._keep_spare = False
        if self._spare is not None and self._spare.stdin is not None:
            self._spare.stdin.close()
            self._spare = None


def _spawn(arguments: list[str], *, stdin: int, log: Path | None) -> "subprocess.Popen[bytes]":
    output = subprocess.DEVNULL if log is None else log.open("ab")
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", SUPERVISOR, *arguments],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path.home(),
        )
    finally:
        if not isinstance(output, int):
            output.close()
    if stdin == subprocess.DEVNULL:  # reap it when it ends, so that no zombie is left in a long-lived process
        threading.Thread(target=process.wait, daemon=True).start()
    return process
