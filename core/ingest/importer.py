"""Import a recognised folder into the store: read, hash and decode each new file once, then write.

User files are opened for reading only. A crash leaves whole samples behind; importing again adds the rest.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.domain.generation import Generation
from core.domain.samples import DatasetInfo, NewSample, Split
from core.generators import read_image
from core.images import thumbnails
from core.images.reading import UnreadableImage, decode, mime_type, open_image, read_bytes
from core.ingest.layouts import ImageFile, Preview
from core.ingest.outcomes import FileOutcome, Report
from core.snapshots import splits
from core.store.base import SampleStore

Progress = Callable[[int, int], None]
IN_FLIGHT = 64  # files being read ahead: bounded memory, whatever the folder's size


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read whole and decoded."""

    file: ImageFile
    content_hash: str
    size_bytes: int
    mtime_ns: int
    width: int
    height: int
    mime_type: str
    generation: Generation | None


def import_folder(
    store: SampleStore,
    preview: Preview,
    *,
    existing: pd.DataFrame,
    open_dataset: Callable[[Sequence[str]], DatasetInfo],
    thumbnail_folder: Path,
    seed: int,
    frozen_test: bool,
    progress: Progress,
) -> Report:
    """Import and report.

    ``existing`` is the dataset's frame so far (no rows for a new dataset). ``open_dataset`` gets the classes found and
    returns the dataset, made if it is new; it is called once reading is done. ``progress`` is told the files done and
    the files in all, and may raise to stop: then nothing was written. ``frozen_test`` keeps new images out of a test
    split that a run has used.
    """
    started = time.monotonic()
    report = Report(layout=preview.layout, skipped=list(preview.skipped))
    stats = {
        path: (size, mtime)
        for path, size, mtime in zip(existing["filepath"], existing["size_bytes"], existing["mtime_ns"], strict=True)
    }
    reads: list[_Read] = []
    for done, result in enumerate(_read_all(preview.files, stats, thumbnail_folder), start=1):
        if isinstance(result, FileOutcome):
            report.outcomes.append(result)
        else:
            reads.append(result)
        progress(done, len(preview.files))
    if not reads and not report.count("present"):
        return report  # nothing to write: no dataset is made for it
    dataset = open_dataset(preview.classes)
    store.add_root(dataset.id, str(preview.folder))
    changed = [read for read in reads if str(read.file.path) in stats]
    _refresh(store, dataset, changed, existing, report)
    new = [read for read in reads if str(read.file.path) not in stats]
    splits_of = _choose_splits(new, set(preview.splits), existing, seed=seed, frozen_test=frozen_test)
    samples = [_sample(read, split, str(preview.folder)) for read, split in zip(new, splits_of, strict=True)]
    store.insert(dataset.id, samples)
    _report_new(report, samples, existing)
    _add_notes(report, samples, existing, set(preview.splits))
    report.seconds = time.monotonic() - started
    return report


def _read_all(
    files: Sequence[ImageFile], stats: dict[str, tuple[int, int]], thumbnail_folder: Path
) -> Iterator[_Read | FileOutcome]:
    """Read ahead in threads (Pillow and hashlib let go of the interpreter), in order, ``IN_FLIGHT`` files at most."""

    def read(file: ImageFile) -> _Read | FileOutcome:
        return _read(file, stats, thumbnail_folder)

    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for start in range(0, len(files), IN_FLIGHT):
            yield from pool.map(read, files[start : start + IN_FLIGHT])


def _read(file: ImageFile, stats: dict[str, tuple[int, int]], thumbnail_folder: Path) -> _Read | FileOutcome:
    name = str(file.path)
    try:
        stat = file.path.stat()
        if stats.get(name) == (stat.st_size, stat.st_mtime_ns):
            return FileOutcome(name, "present", file.label)
        data = read_bytes(file.path)
        header = open_image(data)
        image = decode(data)
    except UnreadableImage as error:
        return FileOutcome(name, "quarantined", file.label, reason=str(error))
    except OSError as error:
        return FileOutcome(name, "quarantined", file.label, reason=f"the file cannot be read ({error.strerror})")
    content_hash = hashlib.sha256(data).hexdigest()
    thumbnails.store(thumbnail_folder, content_hash, image)
    return _Read(
        file,
        content_hash,
        len(data),
        stat.st_mtime_ns,
        image.width,
        image.height,
        mime_type(header),
        read_image(data, file.path),
    )


def _refresh(
    store: SampleStore, dataset: DatasetInfo, changed: Sequence[_Read], existing: pd.DataFrame, report: Report
) -> None:
    """Files whose contents are others than at the last import: the sample keeps its label and split."""
    ids = dict(zip(existing["filepath"], existing["sample_id"], strict=True))
    hashes = dict(zip(existing["filepath"], existing["content_hash"], strict=True))
    for read in changed:
        path = str(read.file.path)
        store.replace_file(dataset.id, ids[path], _sample(read, "train", ""))
        same = hashes[path] == read.content_hash
        report.outcomes.append(FileOutcome(path, "present" if same else "changed", read.file.label))


def _report_new(report: Report, samples: Sequence[NewSample], existing: pd.DataFrame) -> None:
    first: dict[str, tuple[str, str | None]] = {
        content: (path, label)
        for content, path, label in zip(existing["content_hash"], existing["filepath"], existing["label"], strict=True)
    }
    for sample in samples:
        original = first.setdefault(sample.content_hash, (sample.filepath, sample.label))
        if original[0] == sample.filepath:
            report.outcomes.append(FileOutcome(sample.filepath, "added", sample.label))
        else:
            report.outcomes.append(
                FileOutcome(sample.filepath, "duplicate", sample.label, copy_of=original[0], other_label=original[1])
            )
        report.splits[sample.split] += 1
        report.labels[sample.label or ""] += 1


def _choose_splits(
    reads: Sequence[_Read], brought: set[Split], existing: pd.DataFrame, *, seed: int, frozen_test: bool
) -> list[Split]:
    """The folder's own splits as they are; what it does not bring is made.

    A folder with train and val keeps both and gets no test split: val is what its owner holds back. A folder that
    brings no val gets one out of train, since a network's best epoch must be chosen on something.
    """
    rows = list(zip(existing["label"], existing["content_hash"], existing["split"], strict=True))
    chosen: list[Split] = [read.file.split or "train" for read in reads]
    open_ = [
        i for i, r in enumerate(reads) if r.file.split is None or (r.file.split == "train" and "val" not in brought)
    ]
    fixed = sorted(set(range(len(reads))) - set(open_))
    allowed: list[Split] = ["train"]
    if "val" not in brought:
        allowed.append("val")
    if not frozen_test and not brought & {"val", "test"}:
        allowed.append("test")
    # A copy in the folder's own test split does not draw its twin out of train: that leak is the folder's, and told.
    rows += [(reads[i].file.label, reads[i].content_hash, chosen[i]) for i in fixed if chosen[i] in allowed]
    made = splits.assign(
        [reads[i].file.label for i in open_],
        [reads[i].content_hash for i in open_],
        seed=seed,
        existing=rows,
        allowed=allowed,
    )
    for position, split in zip(open_, made, strict=True):
        chosen[position] = split
    return chosen


def _add_notes(report: Report, samples: Sequence[NewSample], existing: pd.DataFrame, brought: set[Split]) -> None:
    groups = [*existing["content_hash"], *(sample.content_hash for sample in samples)]
    where = [*existing["split"], *(sample.split for sample in samples)]
    report.leaks = len(splits.crossing(groups, where))
    if report.leaks:
        report.notes.append(
            f"{_count(report.leaks, 'picture')} in more than one split of the folder: figures on them flatter."
        )
    if report.conflicts():
        report.notes.append(
            f"{_count(report.conflicts(), 'duplicate')} filed under another label than the picture it copies."
        )
    if "val" in brought and "test" not in brought:
        report.notes.append("The folder brings no test images; figures are read on val.")
    labelled = {sample.label for sample in samples if sample.label is not None}
    labelled |= {label for label in existing["label"] if label is not None}
    if len(labelled) == 1:
        report.notes.append("There is one class only; a classifier needs at least two.")
    if not labelled:
        report.notes.append("No image has a label yet; add classes and label some in Review.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'} {'is' if number == 1 else 'are'}"


def _sample(read: _Read, split: Split, source: str) -> NewSample:
    return NewSample(
        filepath=str(read.file.path),
        label=read.file.label,
        split=split,
        content_hash=read.content_hash,
        size_bytes=read.size_bytes,
        mtime_ns=read.mtime_ns,
        width=read.width,
        height=read.height,
        mime_type=read.mime_type,
        source=source,
        generation=read.generation,
    )
