"""Reader processes: many files at once, each file's outcome its own. One that hangs or dies takes no other with it."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.domain.errors import ServiceFailed
from core.ingest.one_pass import Extras, Record

PATIENCE = 60.0  # seconds for one file
START_PATIENCE = 120.0  # seconds until a reader process has its imports behind it, on a very busy machine
AHEAD = 6  # files a reader has been given and not answered; few, so that its input pipe never fills
AHEAD_BYTES = 24_000
TRIES = 2  # a reader may have been killed for another's memory: its file is tried once more
READER = (sys.executable, "-m", "core.ingest.reader")
_POLL = 0.5
_FAILED_STARTS = 3


@dataclass(eq=False)
class _Reader:
    process: "subprocess.Popen[bytes]"
    waiting: deque[tuple[int, str, bytes]] = field(default_factory=deque)
    ready: bool = False
    since: float = field(default_factory=time.monotonic)

    def room(self, line: bytes) -> bool:
        held = sum(len(given) for _, _, given in self.waiting)
        return self.ready and len(self.waiting) < AHEAD and (not held or held + len(line) < AHEAD_BYTES)

    def late(self, patience: float) -> bool:
        if not self.ready:
            return time.monotonic() - self.since > START_PATIENCE
        return bool(self.waiting) and time.monotonic() - self.since > patience


class Readers:
    """Processes that read files (``python -m core.ingest.reader``), started when first needed. A context manager.

    ``count`` processes at most (by default one a core), ``patience`` seconds for one file. ``program`` is what a reader
    process runs.
    """

    def __init__(
        self,
        thumbnail_folder: Path,
        extras: Extras | None = None,
        *,
        count: int | None = None,
        patience: float = PATIENCE,
        program: Sequence[str] = READER,
    ) -> None:
        settings = {"thumbnails": str(thumbnail_folder.absolute()), "extras": asdict(extras or Extras())}
        self._settings = _line(settings)
        self._count = count or max(1, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
        self._patience = patience
        self._program = list(program)
        self._readers: list[_Reader] = []
        self._answers: queue.SimpleQueue[tuple[_Reader, bytes]] = queue.SimpleQueue()
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for reader in self._readers:
            _end(reader)
        self._readers.clear()

    def read(self, paths: Iterable[str]) -> Iterator[tuple[int, Record]]:
        """(position in ``paths``, record) of each, as they come. ``paths`` is asked for a few at a time.

        Raises:
            ServiceFailed: no reader process can be started on this machine.
        """
        source = enumerate(paths)
        again: deque[tuple[int, str, bytes]] = deque()
        tries: Counter[int] = Counter()
        exhausted, looked = False, time.monotonic()
        while True:
            if time.monotonic() - looked > _POLL:  # also while the other readers answer without a pause
                looked = time.monotonic()
                yield from self._end_late(again)
            exhausted = self._hand_out(source, again, exhausted)
            if exhausted and not again and not any(reader.waiting for reader in self._readers):
                return
            try:
                reader, line = self._answers.get(timeout=_POLL)
            except queue.Empty:
                continue
            if reader not in self._readers:
                continue  # the last words of one that was ended
            if not line:
                yield from self._bury(reader, again, tries)
            elif not reader.ready:
                reader.ready, reader.since, self._failed_starts = True, time.monotonic(), 0
            else:
                position, _, _ = reader.waiting.popleft()
                reader.since = time.monotonic()
                yield position, json.loads(line)

    def _hand_out(
        self, source: Iterator[tuple[int, str]], again: deque[tuple[int, str, bytes]], exhausted: bool
    ) -> bool:
        """Give every reader with room its next files; start one more where files are left over."""
        held: tuple[int, str, bytes] | None = None
        while True:
            if held is None:
                if again:
                    held = again.popleft()
                else:
                    found = next(source, None)
                    if found is None:
                        return True
                    held = (*found, _line(found[1]))
            reader = min(
                (one for one in self._readers if one.room(held[2])), key=lambda one: len(one.waiting), default=None
            )
            if reader is None:
                again.appendleft(held)
                self._start_one_more()
                return exhausted
            if not reader.waiting:
                reader.since = time.monotonic()
            reader.waiting.append(held)
            with contextlib.suppress(OSError):  # it died: its answers end, and then its files are given to another
                assert reader.process.stdin is not None
                reader.process.stdin.write(held[2])
                reader.process.stdin.flush()
            held = None

    def _start_one_more(self) -> None:
        starting = any(not reader.ready for reader in self._readers)
        if len(self._readers) >= self._count or starting:
            return
        reader = _Reader(subprocess.Popen(self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        self._readers.append(reader)
        threading.Thread(target=_listen, args=(reader, self._answers), daemon=True).start()
        with contextlib.suppress(OSError):
            assert reader.process.stdin is not None
            reader.process.stdin.write(self._settings)
            reader.process.stdin.flush()

    def _end_late(self, again: deque[tuple[int, str, bytes]]) -> Iterator[tuple[int, Record]]:
        for reader in [one for one in self._readers if one.late(self._patience)]:
            reader.process.kill()
            self._readers.remove(reader)
            if reader.waiting:
                position, _, _ = reader.waiting.popleft()
                yield position, {"reason": f"reading it took longer than {self._patience:.0f} s, so it was stopped"}
            else:
                self._count_failed_start()
            again.extend(reader.waiting)
            _end(reader)

    def _bury(
        self, reader: _Reader, again: deque[tuple[int, str, bytes]], tries: Counter[int]
    ) -> Iterator[tuple[int, Record]]:
        self._readers.remove(reader)
        _end(reader)
        if not reader.ready:
            self._count_failed_start()
        if reader.waiting:
            culprit = reader.waiting.popleft()
            tries[culprit[0]] += 1
            if tries[culprit[0]] < TRIES:
                again.append(culprit)
            else:
                yield culprit[0], {"reason": f"its decoder died ({_how(reader.process.returncode)})"}
        again.extend(reader.waiting)

    def _count_failed_start(self) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            raise ServiceFailed("The processes that read images do not start; the log says why.")


def _listen(reader: _Reader, answers: "queue.SimpleQueue[tuple[_Reader, bytes]]") -> None:
    assert reader.process.stdout is not None
    with reader.process.stdout as lines:
        for line in lines:
            answers.put((reader, line))
    answers.put((reader, b""))


def _end(reader: _Reader) -> None:
    """Ask it to end by closing its input; one that does not is killed."""
    with contextlib.suppress(OSError):
        if reader.process.stdin is not None:
            reader.process.stdin.close()
    try:
        reader.process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        reader.process.kill()
        reader.process.wait()


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _line(value: Any) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"
