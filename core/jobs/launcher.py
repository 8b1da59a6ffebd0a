"""Starting a job: a supervisor in a session of its own, cold, or forked from a spare that has its imports behind it."""

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

from core.cluster import place
from core.domain.models import INSTANT
from core.jobs.asking import FORKS, Warm, ask, question
from core.runs.atomic import read_json
from core.runs.layout import RunPaths

SUPERVISOR = "core.jobs.supervisor"
SPARE = "core.jobs.spare"


def kind_of(paths: RunPaths) -> Warm | None:
    """The spare that a run or job can use: none where a team or a cluster does the work."""
    spec = read_json(paths.spec) or {}
    kind = spec.get("kind")
    if kind in ("import", "check"):
        return "light"
    if kind not in ("train", "embed") or not place.of_run(paths).plain:
        return None
    network = kind == "train" and (spec.get("options") or {}).get("model") != INSTANT
    return "network" if network else "light"


class Launcher:
    """Starts supervisors. With ``spare`` one process waits from the beginning, with the imports of that kind behind it
    (core.jobs.spare); one of the other kind waits from when somebody may want it. Where one was wanted and none was
    there, it starts ``pause`` seconds later, so that its imports do not compete with the run's own beginning.

    A spare is asked over its standard input; when the process that keeps it dies, that closes, and the spare ends by
    itself. One for networks, whose imports are large, also ends when it was not used for long.
    """

    def __init__(self, *, spare: Warm | None = None, pause: float = 3.0) -> None:
        self._keeps = spare is not None
        self._pause = pause
        self._spares: dict[Warm, subprocess.Popen[bytes]] = {}
        self._coming: set[Warm] = set()  # kinds whose next spare starts in a moment
        self._lock = threading.Lock()
        if spare is not None:
            self._renew(spare)

    def start(self, paths: RunPaths) -> None:
        """Start the job in ``paths``, or have it go on, and return at once; by a spare, if one it can use waits."""
        warm = kind_of(paths)
        asked = warm is not None and (self._hand_over(paths.folder, warm) or (warm == "light" and ask(paths.folder)))
        if not asked:
            _spawn([SUPERVISOR, str(paths.folder)], stdin=subprocess.DEVNULL, log=paths.log)
        if warm is not None:
            self._renew_later(warm)

    def warm_up(self) -> None:
        """Somebody may train a network soon: have its imports done meanwhile. Nothing where no spares are kept."""
        with self._lock:
            if "network" in self._coming:
                return
        self._renew("network")

    def close(self) -> None:
        """Let the spares go. Jobs that run go on."""
        with self._lock:
            self._dismiss()

    def _hand_over(self, folder: Path, kind: Warm) -> bool:
        with self._lock:
            spare = self._waiting(kind)
            if spare is None:
                return False
            try:
                assert spare.stdin is not None
                spare.stdin.write(question(folder))
                spare.stdin.flush()
            except OSError:
                return False
            if not FORKS:  # it has but one in it
                _let_go(self._spares.pop(kind))
        return True

    def _renew_later(self, kind: Warm) -> None:
        with self._lock:
            if not self._keeps or kind in self._coming or self._waiting(kind):
                return
            self._coming.add(kind)
        timer = threading.Timer(self._pause, self._renew, args=(kind,))
        timer.daemon = True
        timer.start()

    def _renew(self, kind: Warm) -> None:
        with self._lock:
            self._coming.discard(kind)
            if self._keeps and not self._waiting(kind):
                self._spares[kind] = _spawn([SPARE, kind], stdin=subprocess.PIPE, log=None)

    def _waiting(self, kind: Warm) -> "subprocess.Popen[bytes] | None":
        """The spare of that kind; one that had waited long enough, or died, is let go. Called under the lock."""
        spare = self._spares.get(kind)
        if spare is not None and spare.poll() is not None:
            _let_go(self._spares.pop(kind))
            return None
        return spare

    def _dismiss(self) -> None:
        self._keeps = False
        for spare in self._spares.values():
            _let_go(spare)
        self._spares.clear()


def _let_go(spare: "subprocess.Popen[bytes]") -> None:
    if spare.stdin is not None:
        with contextlib.suppress(OSError):  # it died with a question unread
            spare.stdin.close()
    _reap(spare)


def _reap(process: "subprocess.Popen[bytes]") -> None:
    """Once it ends, so that no zombie is left in a long-lived process."""
    threading.Thread(target=process.wait, daemon=True).start()


def _spawn(arguments: list[str], *, stdin: int, log: Path | None) -> "subprocess.Popen[bytes]":
    output = subprocess.DEVNULL if log is None else log.open("ab")
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path.home(),
        )
    finally:
        if not isinstance(output, int):
            output.close()
    if stdin == subprocess.DEVNULL:
        _reap(process)
    return process
