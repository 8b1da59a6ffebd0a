"""The worker's side of a run or job folder: its status and heartbeat, the cancel file, and how it ends."""

import errno
import logging
import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.domain.errors import Cancelled, LabelloopError, Paused, StartAgain, Superseded, WorkerLost
from core.runs import members
from core.runs.atomic import write_json
from core.runs.layout import RunPaths

SUCCEEDED, CRASHED, REFUSED, CANCELLED, PAUSED = 0, 1, 2, 3, 4
LOST_WORKER, AGAIN, SUPERSEDED = 5, 6, 7  # of teams: a member died; to start again at once; the run is another team's
_BEAT_SECONDS = 0.7  # a reader may rely on a heartbeat each second
_RATE_WINDOW_SECONDS = 15.0

log = logging.getLogger(__name__)


class Progress:
    """Keeps ``status.json`` true while a worker works; a thread writes it, so a slow batch does not look like a death.

    Of a team, the first member writes. Use it as a context manager. ``done`` and ``total`` count images of the phase,
    ``rate`` is images per second.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._member = members.this_member()
        self._fields: dict[str, Any] = {
            "phase": "starting",
            "epoch": 0,
            "epochs": 0,
            "done": 0,
            "total": 0,
            "message": "",
            "device": "cpu",
            "place": os.environ.get(members.PLACE, ""),
        }
        self._expected = 0.0
        self._marks: deque[tuple[float, int]] = deque()
        self._changed = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.write()

    def phase(self, name: str, *, total: int = 0, done: int = 0, **fields: Any) -> None:
        """Begin a phase of ``total`` images and say so at once; other fields of the status may change with it.

        ``done`` of them were done before, by a run that goes on.
        """
        with self._changed:
            self._fields.update(phase=name, done=done, total=total, **fields)
            self._expected = 0.0
            self._marks.clear()
            self._marks.append((time.monotonic(), done))
        self.write()

    def update(self, **fields: Any) -> None:
        """Change fields of the status; the next heartbeat writes them."""
        with self._changed:
            self._fields.update(fields)

    def expect(self, images: float) -> None:
        """Later images cost more (or less) than those of now, by as much as ``images`` of now: time left counts it."""
        with self._changed:
            self._expected = images
            while len(self._marks) > 1:
                self._marks.popleft()

    def advance(self, images: int) -> None:
        """Count images of this phase as done."""
        with self._changed:
            self._fields["done"] += images
            now = time.monotonic()
            self._marks.append((now, self._fields["done"]))
            while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_WINDOW_SECONDS:
                self._marks.popleft()

    def check(self) -> None:
        """Raise if somebody asked for an end of this work, or for a pause.

        Raises:
            Cancelled: the cancel file is there.
            Paused: the pause file is there.
            Superseded: the run goes on elsewhere.
        """
        self.keep_out()
        heed(self.asked)

    def keep_out(self) -> None:
        """Raise if the run is another team's by now; to be asked before anything is written.

        Raises:
            Superseded: it is.
        """
        if not self._member.holds(self._paths):
            raise Superseded

    @property
    def asked(self) -> str:
        """What somebody asked for: "cancel", "pause" or ""; who works alone heeds it by :meth:`check`."""
        return next((file.name for file in (self._paths.cancel, self._paths.pause) if file.exists()), "")

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to end training here and to keep the best."""
        return self._paths.stop.exists()

    def write(self) -> None:
        """Write ``status.json`` now. A full disk costs the status, not the work."""
        if not self._member.first or not self._member.holds(self._paths):
            return
        with self._writing:
            with self._changed:
                status = {**self._fields, **self._speed(), "heartbeat": time.time()}
            try:
                write_json(self._paths.status, status)
            except OSError as error:
                log.warning("could not write the status: %s", error)

    def _speed(self) -> dict[str, float | None]:
        if len(self._marks) < 2:
            return {"rate": 0.0, "seconds_left": None}
        (start, first), (end, last) = self._marks[0], self._marks[-1]
        rate = (last - first) / max(end - start, 1e-6)
        images = self._fields["total"] - self._fields["done"] + self._expected
        left = images / rate if rate > 0 else None
        return {"rate": round(rate, 2), "seconds_left": None if left is None else round(max(left, 0.0), 1)}

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            self.write()


def heed(asked: str) -> None:
    """Do what was asked for.

    Raises:
        Cancelled, Paused: it was that.
    """
    if asked == "cancel":
        raise Cancelled("Cancelled.")
    if asked == "pause":
        raise Paused("Paused.")


def run_worker(folder: Path, work: Callable[[RunPaths, Progress], None]) -> int:
    """Run ``work`` in a run or job folder and return the process's exit code.

    A member of a team tells its outcome in the folder and returns 0: to what starts teams, any other code is a death.
    """
    member, paths = members.this_member(), RunPaths(folder.resolve())
    if member.alone:
        return _run(paths, work)
    members.die_with_parent()
    code = _run(paths, work)
    if code in (LOST_WORKER, SUPERSEDED):
        return SUCCEEDED if members.outcome(paths) is not None else code
    if member.first or code != SUCCEEDED:
        members.tell(paths, member, code)
    return SUCCEEDED


def _run(paths: RunPaths, work: Callable[[RunPaths, Progress], None]) -> int:
    """The work and what its end means.

    0: done. 2: the person's mistake or lack, with its sentence in ``error.json``. 3: cancelled. 4: paused, to go on
    when it is started again. 1: a bug or a machine at its limits, with the traceback on standard error.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    try:
        with Progress(paths) as progress:
            if members.this_member().size == 1:  # a team decides together
                progress.check()
            work(paths, progress)
            progress.update(phase="done")
    except Cancelled as error:
        return _ended(paths, str(error), CANCELLED)
    except Paused as error:
        log.info("%s", error)
        return PAUSED
    except (WorkerLost, StartAgain, Superseded) as error:
        log.info("ends: %s", type(error).__name__)
        return {WorkerLost: LOST_WORKER, StartAgain: AGAIN, Superseded: SUPERSEDED}[type(error)]
    except LabelloopError as error:
        return _ended(paths, str(error), REFUSED)
    except Exception as error:  # the outermost layer: whatever is left is a bug, and is told as one
        traceback.print_exc()
        return _ended(paths, _sentence(error), CRASHED)
    return SUCCEEDED


def _ended(paths: RunPaths, sentence: str, code: int) -> int:
    log.info("%s", sentence)
    try:
        write_json(paths.error, {"sentence": sentence})
    except OSError as error:
        log.warning("could not write error.json: %s", error)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "The machine ran out of memory; a smaller batch or image size needs less."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full; make room and start again."
    return f"Something in labelloop broke ({type(error).__name__}: {error}); the log has the details."
