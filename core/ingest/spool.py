"""What an import has read, on disk until it is stored: an import that was killed goes on where it stood.

Two files a dataset, in ``WORKSPACE/imports/<dataset>``:

``reads.jsonl``: a record a line (core.ingest.one_pass, with its path), as files are read. The next import of a file
whose size and time are still the same takes its record from here.

``plan.jsonl``: what is about to be stored, label and split included, written whole before the first sample is. A later
import stores what is missing of it first. So the outcome is the same whether or not it was killed in between.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.domain.samples import NewSample
from core.ingest.one_pass import Record, generation_of
from core.runs.atomic import written_aside
from core.store.base import SampleStore

CHUNK = 2_000  # samples written at once


def folder_of(imports: Path, dataset: str) -> Path:
    """The spool of a dataset; its name may be any text."""
    return imports / hashlib.sha256(dataset.encode()).hexdigest()[:16]


def lock_of(folder: Path) -> FileLock:
    """The lock of a spool: held while an import into its dataset works, so that two never mix."""
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / "import.lock")


class Spool:
    """The spool in one folder, made when needed. One import at a time uses it (see :func:`lock_of`)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._reads = folder / "reads.jsonl"
        self._plan = folder / "plan.jsonl"
        self._known: dict[str, tuple[int, int, int]] = {}
        self._end = 0
        for at, record in self._lines():
            self._known[record["path"]] = (record["size"], record["mtime"], at)
        self._file = self._reads.open("ab")
        self._file.truncate(self._end)  # half a line is what a kill leaves

    def find(self, path: str, size: int, mtime_ns: int) -> Record | None:
        """The record of a file that was read before and has the same size and time."""
        known = self._known.get(path)
        if known is None or known[:2] != (size, mtime_ns):
            return None
        return self.at(known[2])

    def put(self, path: str, record: Record) -> int:
        """Keep a record; returns its place, for :meth:`at`."""
        line = json.dumps({"path": path, **record}).encode() + b"\n"
        place = self._end
        self._file.write(line)
        self._end += len(line)
        return place

    def place_of(self, path: str) -> int:
        """The place of a record that :meth:`find` found."""
        return self._known[path][2]

    def at(self, place: int) -> Record:
        """The record at a place."""
        self._file.flush()
        with self._reads.open("rb") as file:
            file.seek(place)
            record: Record = json.loads(file.readline())
        return record

    def each(self, places: Iterable[int]) -> Iterator[Record]:
        """The records at many places, in the order given."""
        self._file.flush()
        with self._reads.open("rb") as file:
            for place in places:
                file.seek(place)
                yield json.loads(file.readline())

    def plan(self, samples: Iterable[NewSample]) -> None:
        """Write down what is going to be stored, whole or not at all."""
        with written_aside(self._plan) as aside, aside.open("w", encoding="utf-8") as file:
            for sample in samples:
                file.write(json.dumps(asdict(sample), ensure_ascii=True) + "\n")

    @property
    def planned(self) -> bool:
        """Whether a plan waits to be stored."""
        return self._plan.exists()

    def samples(self) -> Iterator[NewSample]:
        """The samples of the plan."""
        with self._plan.open(encoding="utf-8") as file:
            for line in file:
                fields = json.loads(line)
                yield NewSample(**{**fields, "generation": generation_of(fields)})

    def carry_out(self, store: SampleStore, dataset_id: str, present: set[str] | None = None) -> int:
        """Store what the plan holds and the dataset lacks (``present``: paths that it has); returns how many."""
        stored = 0
        chunk: list[NewSample] = []
        for sample in self.samples():
            if not present or sample.filepath not in present:
                chunk.append(sample)
            if len(chunk) == CHUNK:
                stored += len(store.insert(dataset_id, chunk))
                chunk = []
        if chunk:
            stored += len(store.insert(dataset_id, chunk))
        return stored

    def clear(self) -> None:
        """All is stored: forget it."""
        self._plan.unlink(missing_ok=True)
        self._file.truncate(0)
        self._end = 0
        self._known.clear()

    def close(self) -> None:
        """Let go of the files."""
        self._file.close()

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            file = self._reads.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    return
                if not line.endswith(b"\n"):
                    return
                yield self._end, record
                self._end += len(line)
