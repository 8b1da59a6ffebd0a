"""``python -m core.checks JOBDIR``: measure a dataset's pictures, find its copies and outliers, write the findings."""

import sys
import time
from pathlib import Path

import pandas as pd
from PIL import Image

from core.checks import dataset, likeness, outliers, shelf
from core.checks.measuring import measure_all
from core.domain.errors import BadInput
from core.embedding.blocks import EmbeddingStore
from core.images import thumbnails
from core.images.reading import decode
from core.neighbours.nearest import among
from core.neighbours.vectors import Vectors
from core.runs import measurements
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.states import state
from core.runs.worker import Progress, run_worker

_PART = 1024  # measured pictures written at once; a killed job loses less
NEAREST = 8


def check(paths: RunPaths, progress: Progress) -> None:
    """Check the samples of the job's table.

    Raises:
        BadInput: the job has no table of samples.
        Cancelled: somebody asked for a stop; what is measured so far is kept.
    """
    spec = read_json(paths.spec) or {}
    table = paths.folder / str(spec.get("samples", "samples.parquet"))
    if not table.exists():
        raise BadInput("This check has no table of samples.")
    frame = pd.read_parquet(table).astype({"label": object, "origin": object})
    for column in ("label", "origin"):
        frame[column] = frame[column].where(frame[column].notna(), None)
    folder = paths.workspace.checked(str(spec["dataset_id"]))
    shelf.write_missing(folder, frame, progress)
    _measure(paths, frame, progress)
    _wait_for(paths, str(spec.get("after") or ""), progress)
    alone = frame.drop_duplicates("content_hash", ignore_index=True)
    embedded = _compare(paths, folder, alone, progress)
    origins = {
        sample_id: origin for sample_id, origin in zip(frame["sample_id"], frame["origin"], strict=True) if origin
    }
    found = dataset.write_findings(paths.workspace, str(spec["dataset_id"]), frame, origins)
    write_json(
        paths.report,
        {"samples": len(frame), "embedded": embedded, "findings": {kind: len(rows) for kind, rows in found.items()}},
    )


def _measure(paths: RunPaths, frame: pd.DataFrame, progress: Progress) -> None:
    workspace = paths.workspace
    first = dict(zip(reversed(frame["content_hash"].tolist()), reversed(frame["filepath"].tolist()), strict=True))
    wanted = measurements.missing(workspace, frame["content_hash"].tolist())
    if not wanted:
        return
    progress.phase("measuring", total=len(wanted))
    hashes, records = [], []
    try:
        for results in measure_all([(first[content], content) for content in wanted]):
            for content, record, _ in results:
                if record is not None:
                    hashes.append(content)
                    records.append(record)
            if len(hashes) >= _PART:
                measurements.add(workspace, hashes, records)
                hashes, records = [], []
            progress.advance(len(results))
            progress.check()
    finally:
        measurements.add(workspace, hashes, records)
    measurements.tidy(workspace)


def _wait_for(paths: RunPaths, job: str, progress: Progress) -> None:
    """Crops and outliers need embeddings: wait for the job that makes them, however it ends."""
    if not job:
        return
    progress.phase("waiting for embeddings")
    while (paths.workspace.jobs / job).is_dir() and state(RunPaths(paths.workspace.jobs / job)) in (
        "queued",
        "running",
    ):
        progress.check()
        time.sleep(0.3)


def _compare(paths: RunPaths, folder: Path, alone: pd.DataFrame, progress: Progress) -> int:
    """Find near duplicates and outliers among distinct contents; returns how many of them have embeddings."""
    hashes, files = alone["content_hash"].tolist(), alone["filepath"].tolist()
    records, _ = measurements.read(paths.workspace, hashes)
    progress.phase("comparing")
    pairs = {(pair.left, pair.right): pair for pair in likeness.by_hash(records)}
    located = EmbeddingStore(paths.workspace.embeddings).locate(hashes)
    rows = located.found.nonzero()[0]
    cosines: dict[tuple[int, int], float] = {}
    if len(rows) > 1:
        vectors = Vectors(len(rows), lambda chosen: located.read(rows[chosen], "f4"))
        near = among(vectors, min(NEAREST, len(rows) - 1))
        outliers.write(folder, [hashes[row] for row in rows], near)
        settled = {place for place, pair in pairs.items() if pair.likeness >= likeness.SETTLED}
        asked = likeness.proposals(near, rows, settled)
        progress.phase("comparing", total=len(asked))

        def picture(row: int) -> Image.Image:
            return decode(thumbnails.fetch(paths.workspace.thumbnails, hashes[row], files[row]))

        for (left, right, cosine), pair in zip(asked, likeness.confirm(asked, picture), strict=True):
            progress.advance(1)
            progress.check()
            cosines[left, right] = cosine
            known = pairs.get((left, right))
            if pair is not None and (known is None or known.likeness < pair.likeness):
                pairs[left, right] = pair
    shelf.write_pairs(folder, likeness.table(list(pairs.values()), cosines, hashes))
    return len(rows)


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), check))
