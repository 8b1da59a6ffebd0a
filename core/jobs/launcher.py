"""Starting a job: a supervisor in a session of its own, cold, or a spare one that has its imports behind it."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

from core.runs.layout import RunPaths

SUPERVISOR = "core.jobs.supervisor"
Warm = Literal["instant", "network"]  # which imports a spare has behind it


class Launcher:
    """Starts supervisors. With ``keep_spare`` one waits, preloaded, for the next instant retrain; one for networks,
    whose imports are large, waits from when somebody may want it.

    A spare reads the folder to work on from its standard input; when the process that keeps it dies, that closes,
    and the spare ends by itself.
    """

    def __init__(self, *, keep_spare: bool = False) -> None:
        self._keep_spare = keep_spare
        self._spares: dict[Warm, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        if keep_spare:
            self._renew("instant")

    def start(self, paths: RunPaths, *, warm: Warm | None = None) -> None:
        """Start the job in ``paths`` and return at once; ``warm`` asks for a spare of that kind, if one waits."""
        if warm is not None and self._hand_over(paths.folder, warm):
            return
        _spawn([str(paths.folder)], stdin=subprocess.DEVNULL, log=paths.log)

    def warm_up(self) -> None:
        """Somebody may train a network soon: have its imports done meanwhile. Nothing where no spares are kept."""
        with self._lock:
            waiting = self._spares.get("network")
            if waiting is not None and waiting.poll() is not None:  # it had waited long enough
                del self._spares["network"]
        self._renew("network")

    def close(self) -> None:
        """Let the spares go. Jobs that run go on."""
        with self._lock:
            self._dismiss()

    def _hand_over(self, folder: Path, kind: Warm) -> bool:
        with self._lock:
            spare = self._spares.pop(kind, None)
            if spare is None or spare.poll() is not None or spare.stdin is None:
                return False
            try:
                spare.stdin.write(os.fsencode(folder) + b"\n")
                spare.stdin.close()
            except OSError:
                return False
        if kind == "instant":  # renewed a little later, so that the next spare's imports do not compete with this job
            timer = threading.Timer(3.0, self._renew, args=("instant",))
            timer.daemon = True
            timer.start()
        threading.Thread(target=spare.wait, daemon=True).start()
        return True

    def _renew(self, kind: Warm) -> None:
        with self._lock:
            if self._keep_spare and kind not in self._spares:
                self._spares[kind] = _spawn(["--spare", kind], stdin=subprocess.PIPE, log=None)

    def _dismiss(self) -> None:
        self._keep_spare = False
        for spare in self._spares.values():
            if spare.stdin is not None:
                spare.stdin.close()
        self._spares.clear()


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
