"""The snapshot's format: a hashed manifest and a table. Training reads it; it knows no store."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.domain.errors import NotFound
from core.runs.atomic import read_json, write_json, written_aside

COLUMNS = ("sample_id", "filepath", "content_hash", "label", "split")


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
    if (folder / "manifest.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / "samples.parquet") as aside:
        snapshot.samples.loc[:, list(COLUMNS)].to_parquet(aside, index=False)
    write_json(
        folder / "manifest.json",
        {
            "id": snapshot.id,
            "dataset": snapshot.dataset,
            "classes": list(snapshot.classes),
            "samples": len(snapshot.samples),
        },
    )


def read(folder: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        NotFound: there is none, or it was never finished.
    """
    manifest = read_json(folder / "manifest.json")
    if manifest is None:
        raise NotFound(f"There is no snapshot {folder.name} in this workspace.")
    samples = pd.read_parquet(folder / "samples.parquet").astype(object)
    samples["label"] = samples["label"].where(samples["label"].notna(), None)
    return Snapshot(id=manifest["id"], dataset=manifest["dataset"], classes=tuple(manifest["classes"]), samples=samples)


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
