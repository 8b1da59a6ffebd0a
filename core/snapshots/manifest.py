"""The snapshot's format: a hashed manifest and a table. Training reads it; it knows no store."""

import hashlib
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from core.domain.errors import NotFound
from core.runs.atomic import read_json, write_json, written_aside
from core.runs.columns import give_back, texts, words
from core.runs.layout import RunPaths

_MANIFEST, _TABLE = "manifest.json", "samples.parquet"
COLUMNS = ("sample_id", "filepath", "content_hash", "label", "split")
_WORDS = ("label", "split")  # few of them, again and again


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Samples, labels, splits and classes as they were at one moment.

    ``samples`` has the columns of ``COLUMNS``, ordered by sample id; ``label`` is ``None`` where a sample had none.
    ``classes`` is in the dataset's own order, which is the order of every network's outputs.
    """

    id: str
    dataset: str
    classes: tuple[str, ...]
    samples: pd.DataFrame


def identify(samples: pd.DataFrame, classes: tuple[str, ...]) -> str:
    """Twelve hex digits of SHA-256 over contents, labels, splits and classes: the same data has the same id."""
    digest = hashlib.sha256()
    for name in classes:
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
    columns = [samples[name] for name in ("sample_id", "content_hash", "label", "split")]
    for values in zip(*columns, strict=True):
        digest.update("\x1f".join("" if _absent(v) else str(v) for v in values).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()[:12]


def write(folder: Path, snapshot: Snapshot) -> None:
    """Write the table, then the manifest, which makes it whole. A snapshot that is there already is left as it is."""
    if (folder / _MANIFEST).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / _TABLE) as aside:
        snapshot.samples.loc[:, list(COLUMNS)].to_parquet(aside, index=False)
    write_json(
        folder / _MANIFEST,
        {
            "id": snapshot.id,
            "dataset": snapshot.dataset,
            "classes": list(snapshot.classes),
            "samples": len(snapshot.samples),
        },
    )


def relocate(folder: Path, paths: Mapping[str, str]) -> None:
    """Write where files lie now, by sample id; contents, labels and splits, of which the id is made, stay."""
    if not (folder / _MANIFEST).exists():
        return
    table = pd.read_parquet(folder / _TABLE)
    moved = table["sample_id"].map(paths)
    if not moved.notna().any():
        return
    table["filepath"] = moved.where(moved.notna(), table["filepath"])
    with written_aside(folder / _TABLE) as aside:
        table.to_parquet(aside, index=False)


def read(folder: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        NotFound: there is none, or it was never finished.
    """
    manifest = read_json(folder / _MANIFEST)
    if manifest is None:
        raise NotFound(f"There is no snapshot {folder.name} in this workspace.")
    table = pq.read_table(folder / _TABLE, columns=list(COLUMNS))
    columns = {name: (words if name in _WORDS else texts)(table.column(name)) for name in COLUMNS}
    del table
    give_back()
    samples = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    return Snapshot(id=manifest["id"], dataset=manifest["dataset"], classes=tuple(manifest["classes"]), samples=samples)


def keep(source: Path, target: Path) -> None:
    """Have the snapshot in ``source`` in ``target`` too, by hard links where the file system has them.

    Where there is none, or ``target`` has it already, nothing happens.
    """
    if not (source / _MANIFEST).exists() or (target / _MANIFEST).exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in (_TABLE, _MANIFEST):
        with written_aside(target / name) as aside:
            try:
                os.link(source / name, aside)
            except OSError:
                shutil.copyfile(source / name, aside)


def of_run(paths: RunPaths) -> Snapshot:
    """The snapshot that a run names in its spec.

    Raises:
        NotFound: it is gone.
    """
    return read(folder_of(paths))


def folder_of(paths: RunPaths) -> Path:
    """Where the snapshot lies that a run names in its spec: the workspace's folder, or its own where that is gone."""
    shared = paths.workspace.snapshot(str((read_json(paths.spec) or {}).get("snapshot")))
    own = not (shared / _MANIFEST).exists() and (paths.snapshot / _MANIFEST).exists()
    return paths.snapshot if own else shared


def contents(folder: Path) -> dict[str, str]:
    """The content hash of each sample by its id; empty where the snapshot is not there."""
    if read_json(folder / _MANIFEST) is None:
        return {}
    table = pq.read_table(folder / _TABLE, columns=["sample_id", "content_hash"])
    return dict(zip(*(table.column(name).to_pylist() for name in ("sample_id", "content_hash")), strict=True))


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
