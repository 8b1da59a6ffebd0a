"""A snapshot as files again: copies in class folders, or in one zip, always with a table of where each came from.

Nothing that is there already is touched: the target must be new. A file whose contents are no longer those that were
frozen is left out and named, since it is not the dataset of that snapshot any more.
"""

import csv
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.domain.errors import BadInput
from core.runs.atomic import written_aside
from core.snapshots.manifest import Snapshot

Progress = Callable[[int, int], None]  # told how many samples are done, of how many
Cards = Mapping[str, str]
Form = Literal["folders", "zip", "csv"]
UNLABELLED = "unlabelled"  # the folder of samples without a label, beside train, val and test
TABLE = "labels.csv"
HEADERS = ("file", "label", "split", "sample_id", "content_hash", "original")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_UNSAFE = set('<>:"/\\|?*%') | {chr(code) for code in range(32)}
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10))}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """``files`` copied to ``target``; ``left_out`` holds (path, reason)."""

    target: Path
    files: int
    left_out: tuple[tuple[str, str], ...]


def export(
    snapshot: Snapshot, target: Path, form: Form, *, progress: Progress | None = None, cards: Cards | None = None
) -> Exported:
    """Write the snapshot to ``target``; ``progress`` is told (samples done, of how many). ``cards`` are texts by file
    name that go into the folder or zip beside the table.

    Raises:
        BadInput: the target is there already, or cannot be written.
    """
    target = target.expanduser().absolute()
    if target.exists() and not (form == "folders" and target.is_dir() and not any(target.iterdir())):
        raise BadInput(f"{str(target)!r} is there already; name a new {'folder' if form == 'folders' else 'file'}.")
    if not target.parent.is_dir():
        raise BadInput(f"There is no folder {str(target.parent)!r} to write into.")
    try:
        return {"folders": _to_folders, "zip": _to_zip, "csv": _to_csv}[form](
            snapshot, target, progress or (lambda *_: None), cards or {}
        )
    except OSError as error:
        raise BadInput(f"{str(target)!r} could not be written: {error.strerror or error}.") from error


def safe_name(name: str) -> str:
    """A file or folder name that every file system takes, one to one: what is unsafe is percent-encoded."""
    text = "".join(f"%{ord(c):02X}" if c in _UNSAFE or not c.isprintable() else c for c in name)
    if text.rstrip(". ") != text or text.split(".")[0].lower() in _RESERVED:
        text = text[:-1] + f"%{ord(text[-1]):02X}"
    if not text.strip("."):
        text = text.replace(".", "%2E")
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > 120:  # file systems allow 255 bytes; leave room for a number
        digest = hashlib.sha256(raw).hexdigest()[:8]
        text = f"{raw[:100].decode('utf-8', 'ignore')}~{digest}"
    return text or "%"


def _to_folders(snapshot: Snapshot, target: Path, progress: Progress, cards: Cards) -> Exported:
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    left_out: list[tuple[str, str]] = []
    rows = []
    try:
        aside.mkdir()
        for place, (inside, row) in enumerate(_placed(snapshot)):
            reason = _copy(row[-1], row[4], aside / inside)
            if reason:
                left_out.append((row[-1], reason))
            else:
                rows.append(row)
            progress(place + 1, len(snapshot.samples))
        _write_table(aside / TABLE, rows)
        for name, text in cards.items():
            (aside / name).write_text(text, encoding="utf-8")
        if target.exists():
            target.rmdir()  # empty, as was checked
        aside.rename(target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Exported(target, len(rows), tuple(left_out))


def _to_zip(snapshot: Snapshot, target: Path, progress: Progress, cards: Cards) -> Exported:
    left_out: list[tuple[str, str]] = []
    rows = []
    table = target.with_name(f".{target.name}.{os.getpid()}.csv")
    staged = target.with_name(f".{target.name}.{os.getpid()}.one")
    try:
        # Pictures are compressed already: they are stored as they are.
        with written_aside(target) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
            for place, (inside, row) in enumerate(_placed(snapshot)):
                reason = _copy(row[-1], row[4], staged)
                if reason:
                    left_out.append((row[-1], reason))
                else:
                    archive.write(staged, inside)
                    rows.append(row)
                progress(place + 1, len(snapshot.samples))
            _write_table(table, rows)
            archive.write(table, TABLE)
            for name, text in cards.items():
                archive.writestr(name, text)
    finally:
        for file in (table, staged):
            file.unlink(missing_ok=True)
    return Exported(target, len(rows), tuple(left_out))


def _to_csv(snapshot: Snapshot, target: Path, progress: Progress, _: Cards) -> Exported:
    rows = [("", *row[1:]) for _, row in _placed(snapshot)]
    with written_aside(target) as aside:
        _write_table(aside, rows)
    progress(len(rows), len(rows))
    return Exported(target, len(rows), ())


def _placed(snapshot: Snapshot) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each sample's place in the export, and its row of the table (``HEADERS``)."""
    taken: set[str] = set()
    columns = [snapshot.samples[name] for name in ("sample_id", "filepath", "content_hash", "label", "split")]
    for sample_id, filepath, content_hash, label, split in zip(*columns, strict=True):
        folder = UNLABELLED if label is None else f"{split}/{safe_name(label)}"
        original = Path(filepath)
        stem, suffix = safe_name(original.stem), safe_name(original.suffix) if original.suffix else ""
        inside = f"{folder}/{stem}{suffix}"
        if inside.lower() in taken:  # two source folders may hold the same name
            inside = f"{folder}/{stem}-{sample_id[-8:]}{suffix}"
        taken.add(inside.lower())
        yield inside, (inside, label or "", split, sample_id, content_hash, filepath)


def _copy(source: str, content_hash: str, target: Path) -> str:
    """Copy one file and check what was copied; the reason where it cannot be part of the export, else ""."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with open(source, "rb") as reading, target.open("wb") as writing:
            while part := reading.read(_CHUNK):
                digest.update(part)
                writing.write(part)
    except FileNotFoundError:
        return "the file is not there any more"
    except PermissionError:
        return "the file may not be read"
    if digest.hexdigest() != content_hash:
        target.unlink()
        return "its contents have changed since"
    return ""


def _write_table(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        writer.writerows([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row] for row in rows)
