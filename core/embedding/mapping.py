"""``python -m core.embedding.mapping JOBDIR``: lay embeddings out on a plane, similar pictures close together.

t-SNE (openTSNE) on the 50 strongest directions. A map that is made again begins with the places of the last one, so
that groups stay roughly where they were as images join; single images do move.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import BadInput
from core.embedding.backbone import usable_cores
from core.embedding.blocks import EmbeddingStore
from core.runs.atomic import read_json, write_json, written_aside
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.worker import Progress, run_worker

Floats = npt.NDArray[np.float32]

DIRECTIONS = 50
FEWEST = 4
EXACT = 3_000  # images up to which gradients are computed by the tree; past it, interpolation is faster
_EARLY, _LATE = 200, 400  # steps of the two phases
_ON = 80  # steps of a map that goes on: enough for new images to find their place beside the others
_STEP = 20


def make_map(paths: RunPaths, progress: Progress) -> None:
    """Make the map of the job's table of samples.

    Raises:
        BadInput: fewer than four of the images are embedded.
        Cancelled: somebody asked for a stop; the map before stays.
    """
    spec = read_json(paths.spec) or {}
    listing = pd.read_parquet(paths.folder / str(spec["samples"]), columns=["content_hash"])
    hashes = list(dict.fromkeys(listing["content_hash"]))
    progress.phase("reading embeddings")
    vectors, stored = EmbeddingStore(paths.workspace.embeddings).load(hashes)
    hashes = [text for text, there in zip(hashes, stored, strict=True) if there]
    if len(hashes) < FEWEST:
        raise BadInput("A map needs at least four embedded images; wait until the images are embedded.")
    file = file_of(paths.workspace, str(spec["dataset_id"]))
    before = read(file)
    progress.phase("laying out", total=_EARLY + _LATE)

    def advanced(steps: int) -> None:
        progress.advance(steps)
        progress.check()

    places = lay_out(directions(vectors[stored]), start=_known(before, hashes), advanced=advanced)
    table = pd.DataFrame({"content_hash": hashes, "x": places[:, 0], "y": places[:, 1]})
    with written_aside(file) as aside:
        table.to_parquet(aside, index=False)
    write_json(paths.report, {"mapped": len(hashes), "missing": int((~stored).sum())})


def file_of(paths: WorkspacePaths, dataset_id: str) -> Path:
    """Where a dataset's map lies: content hash, x, y."""
    return paths.root / "maps" / f"{dataset_id}.parquet"


def read(file: Path) -> pd.DataFrame | None:
    """A map as a frame of content_hash, x, y; ``None`` where none was made."""
    try:
        return pd.read_parquet(file)
    except (FileNotFoundError, OSError, ValueError):
        return None


def directions(vectors: Floats, count: int = DIRECTIONS) -> Floats:
    """The vectors (n, width), scaled to length one, along their ``count`` strongest directions: (n, <= count)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    unit -= unit.mean(axis=0)
    _, axes = np.linalg.eigh(unit.T @ unit)  # ascending
    strongest: Floats = np.ascontiguousarray(axes[:, ::-1][:, : min(count, len(vectors) - 1)], dtype=np.float32)
    along: Floats = unit @ strongest
    return along


def lay_out(
    vectors: Floats, *, start: npt.NDArray[np.float64] | None = None, seed: int = 0, advanced: Callable[[int], None]
) -> npt.NDArray[np.float64]:
    """Places (n, 2) for vectors (n, d). ``start`` are places to begin with, rows of NaN where there is none.

    ``advanced`` is told of steps done and may raise to stop. The same vectors, start and seed give the same places.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    count = len(vectors)
    perplexity = min(30.0, max(1.0, (count - 1) / 3))
    # Threads that wait for one another at each of 600 steps cost more than they gain with few images.
    cores = 1 if count <= EXACT else usable_cores()
    method = "exact" if count <= EXACT else "annoy"
    near = PerplexityBasedNN(vectors, perplexity=perplexity, method=method, n_jobs=cores, random_state=seed)
    began = start is not None and bool(np.isfinite(start).all(axis=1).sum() >= max(FEWEST, count // 2))
    # A map that goes on begins at its full size and skips the phase that sorts groups, or it would turn and fold anew.
    known = _placed(vectors, start) if began and start is not None else None
    places = TSNEEmbedding(
        _scaled(vectors[:, :2].astype(np.float64)) if known is None else _apart(known),
        near,
        negative_gradient_method="bh" if count <= EXACT else "fft",
        n_jobs=cores,
        random_state=seed,
    )
    phases = ((None, 0.5, _ON),) if began else ((12, 0.5, _EARLY), (None, 0.8, _LATE))
    for exaggeration, momentum, steps in phases:
        for _ in range(0, steps, _STEP):
            places.optimize(_STEP, exaggeration=exaggeration, momentum=momentum, inplace=True)
            advanced(_STEP)
    return np.asarray(places, dtype=np.float64)


def _known(before: pd.DataFrame | None, hashes: Sequence[str]) -> npt.NDArray[np.float64] | None:
    if before is None or before.empty:
        return None
    found = before.set_index("content_hash").reindex(list(hashes))
    places: npt.NDArray[np.float64] = found[["x", "y"]].to_numpy(dtype=np.float64)
    return places


def _placed(vectors: Floats, start: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``start`` with what has no place put beside what it resembles most."""
    lacking = np.flatnonzero(~np.isfinite(start).all(axis=1))
    having = np.flatnonzero(np.isfinite(start).all(axis=1))
    places = start.copy()
    for chunk in np.array_split(lacking, max(1, len(lacking) // 512)):
        if len(chunk):
            nearest = (vectors[chunk] @ vectors[having].T).argmax(axis=1)
            places[chunk] = start[having[nearest]]
    return places


def _scaled(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A beginning small enough for t-SNE, with no two points in one place."""
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros(len(places))])
    spread = places[:, 0].std() or 1.0
    return _apart(places / spread * 1e-4, by=1e-6)


def _apart(places: npt.NDArray[np.float64], by: float = 1e-3) -> npt.NDArray[np.float64]:
    moved: npt.NDArray[np.float64] = places + np.random.default_rng(0).normal(scale=by, size=places.shape)
    return moved


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), make_map))
