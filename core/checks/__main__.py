"""``python -m core.checks JOBDIR``: measure a dataset's pictures, find its copies and outliers, write the findings."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from core.checks import dataset, likeness, outliers, shelf
from core.checks.measuring import measure_all
from core.domain.errors import BadInput, Cancelled, LabelloopError, Paused
from core.embedding.backbone import Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
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
    alone = frame.drop_duplicates("content_hash", ignore_index=True)
    if _wait_for(paths, str(spec.get("after") or ""), progress):
        _embed_the_rest(paths, alone, progress)
    said = _compare(paths, folder, alone, float(spec["created_at"]), progress)
    origins = {
        sample_id: origin for sample_id, origin in zip(frame["sample_id"], frame["origin"], strict=True) if origin
    }
    found = dataset.write_findings(paths.workspace, str(spec["dataset_id"]), frame, origins)
    write_json(
        paths.report,
        {"samples": len(frame), **said, "findings": {kind: len(rows) for kind, rows in found.items()}},
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


def _wait_for(paths: RunPaths, job: str, progress: Progress) -> bool:
    """Crops and outliers need embeddings: wait for the job that makes them; returns whether it succeeded."""
    if not job:
        return False
    progress.phase("waiting for embeddings")
    folder, now = paths.workspace.jobs / job, "queued"
    while now in ("queued", "running"):
        progress.check()
        time.sleep(0.3)
        now = state(RunPaths(folder)) if folder.is_dir() else "gone"
    return now == "succeeded"


def _embed_the_rest(paths: RunPaths, alone: pd.DataFrame, progress: Progress) -> None:
    """Embed what that job did not know of: it may have been under way when these images came in."""

    def advanced(images: int) -> None:
        progress.advance(images)
        progress.check()

    try:
        embed_missing(
            list(zip(alone["filepath"], alone["content_hash"], strict=True)),
            EmbeddingStore(paths.workspace.embeddings),
            lambda: Backbone(ensure_backbone(paths.workspace.cache)),
            started=lambda total: progress.phase("embedding", total=total),
            advanced=advanced,
        )
    except (Cancelled, Paused):
        raise
    except LabelloopError as error:  # crops and outliers stay unknown among those, and it is told which
        progress.update(message=str(error))


def _compare(paths: RunPaths, folder: Path, alone: pd.DataFrame, asked_at: float, progress: Progress) -> dict[str, Any]:
    """Find near duplicates and outliers among distinct contents, and keep what was compared; returns the counts.

    Where a check that was asked for later has ended already, its results stay.
    """
    hashes, files = alone["content_hash"].tolist(), alone["filepath"].tolist()
    records, _ = measurements.read(paths.workspace, hashes)
    progress.phase("comparing")
    pairs = {(pair.left, pair.right): pair for pair in likeness.by_hash(records)}
    located = EmbeddingStore(paths.workspace.embeddings).locate(hashes)
    rows = located.found.nonzero()[0]
    cosines: dict[tuple[int, int], float] = {}
    near, unasked = None, 0
    if len(rows) > 1:
        vectors = Vectors(len(rows), lambda chosen: located.read(rows[chosen], "f4"))
        near = among(vectors, min(NEAREST, len(rows) - 1))
        settled = {place for place, pair in pairs.items() if pair.likeness >= likeness.SETTLED}
        asked = likeness.proposals(near, rows, settled)
        unasked, asked = max(0, len(asked) - likeness.MOST), asked[: likeness.MOST]
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
    if shelf.compared_as_of(folder) <= asked_at:
        if near is not None:
            outliers.write(folder, [hashes[row] for row in rows], near)
        shelf.write_pairs(folder, likeness.table(list(pairs.values()), cosines, hashes))
        embedded = np.isin(np.arange(len(hashes)), rows).tolist()
        shelf.write_compared(folder, hashes, embedded, asked_at=asked_at)
    return {"embedded": len(rows), "unasked": unasked}


def main(folder: Path) -> int:
    """Do the job in ``folder`` and return the process's exit code."""
    return run_worker(folder, check)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
