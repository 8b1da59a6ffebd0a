"""What was measured in images' pixels, by content hash, in append-only parts under ``WORKSPACE/checks/``.

A part is written aside and moved into place, so readers and several writers never meet half of one. A hash that two
writers both added is there twice with the same values, which harms nobody.
"""

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.images.measures import RECORD, VERSION
from core.runs.atomic import written_aside
from core.runs.layout import WorkspacePaths

Records = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]
_STORED = np.dtype([("hash", "S64"), ("values", RECORD)])
_FEW = 32  # parts from which they are joined into one


def add(paths: WorkspacePaths, hashes: Sequence[str], records: Sequence[np.void] | Records) -> None:
    """Store the records of some content hashes."""
    if not hashes:
        return
    part = np.zeros(len(hashes), dtype=_STORED)
    part["hash"] = [text.encode() for text in hashes]
    part["values"] = np.array(list(records), dtype=RECORD)
    _write(paths.checks, part)


def read(paths: WorkspacePaths, hashes: Sequence[str]) -> tuple[Records, Mask]:
    """The records (``RECORD``) of some content hashes in that order, and which of them are stored (others are zero)."""
    stored = _all(paths.checks, stamp(paths))
    found = np.zeros(len(hashes), dtype=RECORD)
    if not len(stored) or not len(hashes):
        return found, np.zeros(len(hashes), dtype=bool)
    wanted = np.array([text.encode() for text in hashes], dtype="S64")
    place = np.minimum(np.searchsorted(stored["hash"], wanted), len(stored) - 1)
    here: Mask = stored["hash"][place] == wanted
    found[here] = stored["values"][place[here]]
    return found, here


def missing(paths: WorkspacePaths, hashes: Sequence[str]) -> list[str]:
    """Those of ``hashes`` that were not measured yet, each once, in their first order."""
    distinct = list(dict.fromkeys(hashes))
    _, found = read(paths, distinct)
    return [text for text, known in zip(distinct, found, strict=True) if not known]


def tidy(paths: WorkspacePaths) -> None:
    """Join many small parts into one."""
    files = stamp(paths)
    if len(files) >= _FEW:
        _write(paths.checks, _all(paths.checks, files))
        for name in files:
            (paths.checks / name).unlink(missing_ok=True)


def stamp(paths: WorkspacePaths) -> tuple[str, ...]:
    """The parts by name: another value whenever something was stored."""
    return tuple(sorted(path.name for path in paths.checks.glob(f"measured-v{VERSION}-*.npy")))


def _write(folder: Path, part: npt.NDArray[Any]) -> None:
    name = f"measured-v{VERSION}-{time.time_ns():020d}-{os.getpid()}.npy"
    with written_aside(folder / name) as aside, aside.open("wb") as file:
        np.save(file, part, allow_pickle=False)


@lru_cache(maxsize=2)
def _all(folder: Path, files: tuple[str, ...]) -> npt.NDArray[np.void]:
    """All stored records, each hash once, ordered by hash."""
    parts = [np.zeros(0, dtype=_STORED)]
    for name in files:
        try:
            part = np.load(folder / name, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            continue  # damaged: what was in it is measured again
        if part.dtype == _STORED:
            parts.append(part)
    whole = np.concatenate(parts)
    _, first = np.unique(whole["hash"], return_index=True)
    stored: npt.NDArray[np.void] = whole[first]
    return stored
