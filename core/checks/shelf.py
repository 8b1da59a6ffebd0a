"""What checks keep of a dataset beside the findings: missing files, near duplicates, what was compared, thresholds."""

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from core.runs.atomic import read_json, write_json, written_aside
from core.runs.worker import Progress

PAIR_COLUMNS = ("left", "right", "likeness", "how", "bits", "cosine")
_MISSING, _PAIRS, _COMPARED = "missing.parquet", "pairs.parquet", "compared.parquet"
_THRESHOLDS, _STATE = "thresholds.json", "state.json"
_OFTEN = 500  # files between looks at the cancel file


def write_missing(folder: Path, frame: pd.DataFrame, progress: Progress) -> None:
    """Look at every file (not into it) and keep which are gone or may not be read."""
    progress.phase("looking for files", total=len(frame))
    rows = []
    for number, (sample_id, path) in enumerate(zip(frame["sample_id"], frame["filepath"], strict=True), start=1):
        reason = why_missing(path)
        if reason:
            rows.append((sample_id, reason))
        if number % _OFTEN == 0:
            progress.advance(_OFTEN)
            progress.check()
    _write(folder / _MISSING, pd.DataFrame(rows, columns=["sample_id", "reason"]))


def why_missing(path: str) -> str:
    """Why a file cannot be read, by its name and rights alone; empty where it can."""
    try:
        size = os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return "the file is gone"
    except OSError as error:
        return f"the file cannot be read ({error.strerror or error})"
    if size == 0:
        return "the file is empty"
    return "" if os.access(path, os.R_OK) else "no permission to read the file"


def read_missing(folder: Path) -> dict[str, str]:
    """Sample ids with the reason, as of the last check."""
    table = _read(folder / _MISSING, ("sample_id", "reason"))
    return dict(zip(table["sample_id"], table["reason"], strict=True))


def forget_missing(folder: Path, sample_ids: Sequence[str]) -> None:
    """These files are there again."""
    table = _read(folder / _MISSING, ("sample_id", "reason"))
    _write(folder / _MISSING, table[~table["sample_id"].isin(sample_ids)])


def write_pairs(folder: Path, pairs: pd.DataFrame) -> None:
    """Replace the near duplicates (``PAIR_COLUMNS``)."""
    _write(folder / _PAIRS, pairs)


def read_pairs(folder: Path) -> pd.DataFrame:
    """The near duplicates; empty before the first check."""
    return _read(folder / _PAIRS, PAIR_COLUMNS)


def write_compared(folder: Path, hashes: Sequence[str], embedded: Iterable[bool], *, asked_at: float) -> None:
    """Keep which contents a check compared, which of them by their embeddings too, and when that check was asked for.

    Written once everything else of that check is: the file's time is when the check ended.
    """
    table = pd.DataFrame({"content_hash": hashes, "embedded": list(embedded), "asked_at": asked_at})
    _write(folder / _COMPARED, table)


def read_compared(folder: Path) -> dict[str, bool]:
    """The contents that were compared with one another; True where by their embeddings too. Do not write into it."""
    at = checked_at(folder)
    return {} if at is None else _compared(folder, at)


def compared_as_of(folder: Path) -> float:
    """When the check was asked for whose results these are (Unix seconds); 0 before the first."""
    table = _read(folder / _COMPARED, ("asked_at",))
    return float(table["asked_at"].max()) if len(table) else 0.0


def checked_at(folder: Path) -> float | None:
    """When the last check ended (Unix seconds); None before the first."""
    try:
        return (folder / _COMPARED).stat().st_mtime
    except FileNotFoundError:
        return None


def read_thresholds(folder: Path) -> dict[str, float]:
    """The thresholds that a person moved, by kind."""
    found: dict[str, float] = read_json(folder / _THRESHOLDS) or {}
    return found


def set_threshold(folder: Path, kind: str, value: float | None) -> None:
    """Keep one threshold; None goes back to where it starts."""
    known = read_thresholds(folder)
    known.pop(kind, None)
    if value is not None:
        known[kind] = value
    write_json(folder / _THRESHOLDS, known)


def read_state(folder: Path) -> dict[str, Any]:
    """Small notes: of what the findings were made, which leaks a person accepted."""
    found: dict[str, Any] = read_json(folder / _STATE) or {}
    return found


def note(folder: Path, **values: Any) -> None:
    """Change some of the notes."""
    write_json(folder / _STATE, {**read_state(folder), **values})


def stamp(folder: Path) -> list[int]:
    """Changes whenever one of the tables does."""
    names = (_MISSING, _PAIRS, _COMPARED, "distances.parquet")
    return [(folder / name).stat().st_mtime_ns if (folder / name).exists() else 0 for name in names]


@lru_cache(maxsize=2)  # asked for with every label that changes, and written by checks alone
def _compared(folder: Path, _ended: float) -> dict[str, bool]:
    table = _read(folder / _COMPARED, ("content_hash", "embedded"))
    return dict(zip(table["content_hash"], table["embedded"], strict=True))


def _write(path: Path, table: pd.DataFrame) -> None:
    with written_aside(path) as aside:
        table.to_parquet(aside, index=False)


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        return pd.DataFrame(columns=list(columns))
