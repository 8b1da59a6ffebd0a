"""Import what was recognised into the store: each new file is read once, in a process apart, then all is written.

User files are opened for reading only. What was read waits on disk (core.ingest.spool) until it is stored, so that an
import that was killed is finished by the next one, with the same result.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.domain.generation import Generation
from core.domain.samples import NewSample, Split
from core.ingest.layouts import ImageFile, Preview
from core.ingest.one_pass import PLAIN, Extras, Record, generation_of, measures_of
from core.ingest.outcomes import FileOutcome, Report
from core.ingest.readers import Readers
from core.ingest.spool import Spool
from core.snapshots import splits
from core.store.base import SampleStore

Progress = Callable[[int, int], None]
LabelRule = Callable[[ImageFile, Generation | None], str | None]
Measured = Callable[[Sequence[str], Sequence[np.void]], None]
Together = Callable[[pd.DataFrame, Sequence[tuple[str, Generation | None]]], tuple[list[str], list[str]]]
_BATCH = 256
_MEASURED = 4096


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an import does beside the plain reading.

    ``extras`` are read of each file in the reader processes. ``label`` gives a file's label, from the file as
    recognised and what a generator wrote into it; without it the source's own label holds. ``measured`` is handed
    content hashes and what was measured (core.images.measures), some thousands at a time. With ``skip_copies`` a
    picture that the dataset has already under the same label is not added again (what is uploaded twice). ``bad`` is
    told path and reason of each file that cannot be read; a report names some hundreds. ``together`` gives a group to
    each existing sample and each new (content hash, generation): a group goes into one split; without it, equal
    contents are a group.
    """

    extras: Extras = PLAIN
    label: LabelRule | None = None
    measured: Measured | None = None
    skip_copies: bool = False
    bad: Callable[[str, str], None] | None = None
    together: Together | None = None


@dataclass(slots=True)
class _New:
    """A file to be added: its place in the preview and in the spool, and what the splits are made of."""

    position: int
    place: int
    content_hash: bytes
    label: str | None
    split: Split | None


def import_folder(
    store: SampleStore,
    preview: Preview,
    *,
    existing: pd.DataFrame,
    open_dataset: Callable[[Sequence[str]], str],
    thumbnail_folder: Path,
    seed: int,
    frozen_test: bool,
    progress: Progress,
    spool_folder: Path | None = None,
    wishes: Wishes | None = None,
    readers: Readers | None = None,
) -> Report:
    """Import and report.

    ``existing`` is the dataset's frame so far (no rows for a new dataset). ``open_dataset`` gets the classes found and
    returns the dataset's id, made if it is new; it is called once reading is done. ``progress`` is told the files done
    and the files in all, and may raise to stop: then nothing was written. ``frozen_test``, of a test split that a run
    was read on: none is drawn into it; what the source itself calls test joins, and that is told. ``spool_folder``
    keeps what was read for the next try: the caller holds its lock from before ``existing`` was read
    (core.ingest.spool.lock_of). ``readers`` may be kept by a caller that imports again and again.
    """
    wishes = wishes or Wishes()
    with tempfile.TemporaryDirectory() as scratch:
        spool = Spool(spool_folder or Path(scratch))
        try:
            work = _Import(store, preview, existing, spool, wishes, seed=seed, frozen_test=frozen_test)
            if readers is not None:
                work.read(readers, progress)
            else:
                with Readers(thumbnail_folder, wishes.extras) as started:
                    work.read(started, progress)
            return work.write(open_dataset)
        finally:
            spool.close()


class _Import:
    """One import on its way: files are sorted into present, changed, new and bad, then written."""

    def __init__(
        self,
        store: SampleStore,
        preview: Preview,
        existing: pd.DataFrame,
        spool: Spool,
        wishes: Wishes,
        *,
        seed: int,
        frozen_test: bool,
    ) -> None:
        self._store = store
        self._preview = preview
        self._existing = existing
        self._spool = spool
        self._wishes = wishes
        self._seed = seed
        self._frozen_test = frozen_test
        self._started = time.monotonic()
        self.report = Report(preview.layout)
        for path, reason in preview.skipped:
            self.report.skip(path, reason)
        self._rows = {path: row for row, path in enumerate(existing["filepath"])}
        self._sizes, self._times = existing["size_bytes"].to_numpy(), existing["mtime_ns"].to_numpy()
        self._hashes = existing["content_hash"].to_numpy()
        self._labels = existing["label"].to_numpy()
        self._changed: list[tuple[int, int]] = []
        self._new: list[_New] = []
        self._measures: dict[str, np.void] = {}
        self._moved = 0

    # reading

    def read(self, readers: Readers, progress: Progress) -> None:
        """Read what the dataset does not hold as it is."""
        files, total = self._preview.files, len(self._preview.files)
        todo: list[int] = []
        done = 0
        for position, file in enumerate(files):
            place = self._settled(file)
            if place is None:
                todo.append(position)
                continue
            if place >= 0:
                self._take(position, self._spool.at(place), place)
            done += 1
            if done % _BATCH == 0:
                progress(done, total)
        for at, record in readers.read(files[position].filepath for position in todo):
            file = files[todo[at]]
            if "reason" in record:
                self.report.add(FileOutcome(file.filepath, "quarantined", file.label, reason=record["reason"]))
                if self._wishes.bad is not None:
                    self._wishes.bad(file.filepath, record["reason"])
            else:
                self._take(todo[at], record, self._spool.put(file.filepath, record))
            done += 1
            progress(done, total)
        self._tell_measures()
        progress(done, total)
        self._new.sort(key=lambda new: new.position)
        self._changed.sort()

    def _settled(self, file: ImageFile) -> int | None:
        """None: to be read. -1: present, unchanged. Otherwise the place of its record in the spool."""
        try:
            stat = os.stat(file.filepath)
        except (OSError, ValueError):
            return None  # the reader says why
        row = self._rows.get(file.filepath)
        if row is not None and self._sizes[row] == stat.st_size and self._times[row] == stat.st_mtime_ns:
            self.report.add(FileOutcome(file.filepath, "present", self._labels[row]))
            if file.label is not None and file.label != self._labels[row]:
                self.report.keep_label(file.filepath, self._labels[row], file.label)
            return -1
        if self._spool.find(file.filepath, stat.st_size, stat.st_mtime_ns) is None:
            return None
        return self._spool.place_of(file.filepath)

    def _take(self, position: int, record: Record, place: int) -> None:
        file = self._preview.files[position]
        values = measures_of(record)
        if values is not None and self._wishes.measured is not None:
            self._measures[record["hash"]] = values
            if len(self._measures) >= _MEASURED:
                self._tell_measures()
        if file.filepath in self._rows:
            self._changed.append((position, place))
            return
        label = file.label
        if self._wishes.label is not None:
            label = self._wishes.label(file, generation_of(record))
        self._new.append(_New(position, place, bytes.fromhex(record["hash"]), label, file.split))

    def _tell_measures(self) -> None:
        if self._measures and self._wishes.measured is not None:
            self._wishes.measured(list(self._measures), list(self._measures.values()))
        self._measures.clear()

    # writing

    def write(self, open_dataset: Callable[[Sequence[str]], str]) -> Report:
        """Write what was read; a dataset is made only if there is something to write."""
        report = self.report
        if self._wishes.skip_copies:
            self._drop_copies()
        if not self._new and not self._changed and not report.count("present") and not self._spool.planned:
            return report
        labels = {new.label for new in self._new if new.label is not None}
        brought = set(self._preview.classes) if self._wishes.label is None else set()
        dataset_id = open_dataset(sorted(labels | brought))
        self._finish_earlier(dataset_id)
        for root in self._roots():
            self._store.add_root(dataset_id, root)
        self._refresh(dataset_id)
        if self._new:
            self._split()
            self._spool.plan(self._samples())
            self._spool.carry_out(self._store, dataset_id)
            self._report_new()
        self._add_notes()
        self._spool.clear()
        report.seconds = time.monotonic() - self._started
        return report

    def _finish_earlier(self, dataset_id: str) -> None:
        """Store the rest of an import that was killed while it wrote: its samples count as new ones of this import."""
        if not self._spool.planned:
            return
        self._spool.carry_out(self._store, dataset_id, set(self._existing["filepath"]))
        self._existing = self._store.frame(dataset_id)
        rows = {path: row for row, path in enumerate(self._existing["filepath"])}
        files = self._preview.files
        for new in self._new:
            row = rows.get(files[new.position].filepath)
            if row is not None:
                split: Split = self._existing["split"].iloc[row]
                self._count_added(files[new.position], self._existing["label"].iloc[row], split, None)
        self._new = [new for new in self._new if files[new.position].filepath not in rows]
        self._hashes, self._labels = self._existing["content_hash"].to_numpy(), self._existing["label"].to_numpy()

    def _drop_copies(self) -> None:
        held = set(zip(self._hashes, self._labels, strict=True))
        contents = set(self._hashes)
        kept: list[_New] = []
        for new in self._new:
            content = new.content_hash.hex()
            if (content, new.label) in held or (new.label is None and content in contents):
                self.report.add(FileOutcome(self._preview.files[new.position].filepath, "present", new.label))
            else:
                kept.append(new)
                held.add((content, new.label))
                contents.add(content)
        self._new = kept

    def _roots(self) -> list[str]:
        """The folders that hold the files: the source's own, or those that a table's paths have in common."""
        root = self._preview.root
        if self._preview.layout in ("table", "FiftyOne dataset") and not self._preview.folder.is_dir():
            folders = sorted({os.path.dirname(file.filepath) for file in self._preview.files})
            common = os.path.commonpath(folders)
            return [common] if common != os.path.sep and len(Path(common).parts) > 2 else folders
        return [str(root)]

    def _refresh(self, dataset_id: str) -> None:
        """Files whose contents are others than at the last import: the sample keeps its label and split."""
        for position, place in self._changed:
            file, record = self._preview.files[position], self._spool.at(place)
            row = self._rows[file.filepath]
            sample_id = str(self._existing["sample_id"].iloc[row])
            self._store.replace_file(dataset_id, sample_id, self._sample(file, record, file.label, "train"))
            same = self._hashes[row] == record["hash"]
            self.report.add(FileOutcome(file.filepath, "present" if same else "changed", self._labels[row]))

    def _split(self) -> None:
        """The source's own splits as they are; what it does not bring is made.

        A folder with train and val keeps both and gets no test split: val is what its owner holds back. A folder that
        brings no val gets one out of train, since a network's best epoch must be chosen on something.
        """
        brought, existing = set(self._preview.splits), self._existing
        held, groups = self._groups()
        rows: list[tuple[str | None, str, Split]] = list(zip(existing["label"], held, existing["split"], strict=True))
        allowed: list[Split] = ["train"]
        if "val" not in brought:
            allowed.append("val")
        if not self._frozen_test and not brought & {"val", "test"}:
            allowed.append("test")
        open_: list[int] = []
        for at, new in enumerate(self._new):
            if new.split is None or (new.split == "train" and "val" not in brought):
                open_.append(at)
            # A copy in the source's own test split does not draw its twin out of train: that leak is told.
            elif new.split in allowed:
                rows.append((new.label, groups[at], new.split))
        made = splits.assign(
            [self._new[at].label for at in open_],
            [groups[at] for at in open_],
            seed=self._seed,
            existing=rows,
            allowed=allowed,
        )
        for at, split in zip(open_, made, strict=True):
            self._new[at].split = split

    def _groups(self) -> tuple[list[str], list[str]]:
        """What must share a split: a group of each existing sample, and of each new one."""
        if self._wishes.together is None or not self._new:
            return self._existing["content_hash"].tolist(), [new.content_hash.hex() for new in self._new]
        records = self._spool.each(new.place for new in self._new)
        return self._wishes.together(self._existing, [(record["hash"], generation_of(record)) for record in records])

    def _samples(self) -> Iterator[NewSample]:
        records = self._spool.each(new.place for new in self._new)
        for new, record in zip(self._new, records, strict=True):
            yield self._sample(self._preview.files[new.position], record, new.label, new.split or "train")

    def _sample(self, file: ImageFile, record: Record, label: str | None, split: Split) -> NewSample:
        return NewSample(
            filepath=file.filepath,
            label=label,
            split=split,
            content_hash=record["hash"],
            size_bytes=record["size"],
            mtime_ns=record["mtime"],
            width=record["width"],
            height=record["height"],
            mime_type=record["mime"],
            source=str(self._preview.folder),
            generation=generation_of(record),
        )

    # reporting

    def _report_new(self) -> None:
        if not self._new:
            return
        first: dict[bytes, tuple[str, str | None]] = {}
        wanted = {new.content_hash for new in self._new}
        columns = (self._existing[name] for name in ("content_hash", "filepath", "label"))
        for content, path, label in zip(*columns, strict=True):
            if content and (key := bytes.fromhex(content)) in wanted:
                first.setdefault(key, (path, label))
        for new in self._new:
            file = self._preview.files[new.position]
            original = first.get(new.content_hash)
            first.setdefault(new.content_hash, (file.filepath, new.label))
            if original is not None and not os.path.exists(original[0]):
                self._moved += 1
            self._count_added(file, new.label, new.split or "train", original)

    def _count_added(
        self, file: ImageFile, label: str | None, split: Split, original: tuple[str, str | None] | None
    ) -> None:
        if original is None:
            self.report.add(FileOutcome(file.filepath, "added", label))
        else:
            copy_of, other = original
            self.report.add(FileOutcome(file.filepath, "duplicate", label, copy_of=copy_of, other_label=other))
        self.report.splits[split] += 1
        self.report.labels[label or ""] += 1

    def _add_notes(self) -> None:
        report, existing, brought = self.report, self._existing, set(self._preview.splits)
        report.notes.extend(self._preview.notes)
        groups = [*map(bytes.fromhex, existing["content_hash"]), *(new.content_hash for new in self._new)]
        where = [*existing["split"], *(new.split or "train" for new in self._new)]
        report.leaks = len(splits.crossing(groups, where))
        if report.leaks:
            pictures = _count(report.leaks, "picture")
            report.notes.append(f"{pictures} in more than one split of the folder: figures on them flatter.")
        if report.conflicts():
            duplicates = _count(report.conflicts(), "duplicate")
            report.notes.append(f"{duplicates} filed under another label than the same picture elsewhere.")
        if self._moved:
            images = "image holds" if self._moved == 1 else "images hold"
            report.notes.append(
                f"{self._moved:,} new {images} the contents of images whose files are gone. If you moved the folder, "
                "Data health, Missing files (or labelloop relink) gives those their new paths, labels and history kept."
            )
        if report.kept:
            images = "image carries" if report.kept == 1 else "images carry"
            report.notes.append(
                f"{report.kept:,} {images} another label here than in the source; the label given here was kept."
            )
        joined = sum(new.split == "test" for new in self._new)
        if self._frozen_test and "test" in brought and joined:
            report.notes.append(
                f"{joined:,} new {'image' if joined == 1 else 'images'} of the source's own test split joined test, "
                "which a run was read on already: earlier figures do not cover them; runs are compared without them."
            )
        if "val" in brought and "test" not in brought:
            report.notes.append("The folder brings no test images; figures are read on val.")
        labels = Counter(new.label for new in self._new if new.label is not None)
        labels.update(label for label in existing["label"] if label is not None)
        if len(labels) == 1:
            report.notes.append("There is one class only; a classifier needs at least two.")
        if not labels:
            report.notes.append("No image has a label yet; add classes and label some in Review.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'} {'is' if number == 1 else 'are'}"
