"""A watched folder: which of its files are whole and not taken in yet. Looks at names and times, opens nothing.

By looking again and again rather than by the file system's events: those are lost on network drives and in containers.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.ingest.listing import list_folder

SETTLED = 1.0  # seconds that size and time of a file must stay the same
PATIENCE = 60.0  # seconds since its last change after which a file that cannot be read is taken for bad
_RETRIES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds between tries on a file that may still be half-written

Stamp = tuple[int, int]  # size in bytes, time of change in ns


@dataclass(slots=True)
class _Seen:
    stamp: Stamp
    since: float
    tries: int = 0
    not_before: float = 0.0


class Watcher:
    """The files of one folder. ``clock`` gives seconds that only rise."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._done: dict[str, Stamp] = {}
        self._seen: dict[str, _Seen] = {}

    def know(self, files: Iterable[tuple[str, Stamp]]) -> None:
        """Files that are in the dataset already, as they were then."""
        self._done.update(files)

    @property
    def waiting(self) -> int:
        """Files that are there and not whole yet."""
        return len(self._seen)

    def look(self) -> list[str]:
        """The files that are whole now and were not handed out before, or have changed since.

        Raises:
            OSError: the folder is not there.
        """
        os.stat(self._root)
        now = self._clock()
        ready: list[str] = []
        there: set[str] = set()
        for name in list_folder(self._root).images:
            path = f"{self._root}/{name}"
            there.add(path)
            stamp = _stamp(path)
            if stamp is None or self._done.get(path) == stamp:
                self._seen.pop(path, None)
                continue
            seen = self._seen.get(path)
            if seen is None or seen.stamp != stamp:
                self._seen[path] = _Seen(stamp, now)
            elif stamp[0] and now - seen.since >= SETTLED and now >= seen.not_before:
                ready.append(path)
        for path in self._seen.keys() - there:
            del self._seen[path]
        return ready

    def taken(self, path: str) -> None:
        """A file that was handed out is dealt with, for good or bad, until it changes."""
        seen = self._seen.pop(path, None)
        if seen is not None:
            self._done[path] = seen.stamp

    def unreadable(self, path: str) -> bool:
        """A file that was handed out cannot be read: whether it is to be given up, since it is not being written."""
        seen = self._seen.get(path)
        if seen is None:
            return True
        now = self._clock()
        if now - seen.since >= PATIENCE:
            self.taken(path)
            return True
        seen.not_before = now + _RETRIES[min(seen.tries, len(_RETRIES) - 1)]
        seen.tries += 1
        return False


def _stamp(path: str) -> Stamp | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
