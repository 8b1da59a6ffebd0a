"""Outliers: pictures whose nearest neighbours are far away, compared with how far that is as a rule."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.neighbours.nearest import Nearest
from core.runs.atomic import written_aside

FEWEST = 30  # pictures below which nothing is usual, and nothing an outlier
_NAME = "distances.parquet"


def write(folder: Path, hashes: list[str], near: Nearest) -> None:
    """Keep the mean distance (1 - cosine) of each content from its nearest."""
    there = near.rows >= 0
    distance = 1.0 - (near.similarity * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    with written_aside(folder / _NAME) as aside:
        pd.DataFrame({"content_hash": hashes, "distance": distance.astype(np.float32)}).to_parquet(aside, index=False)


def read(folder: Path, hashes: list[str]) -> npt.NDArray[np.float64]:
    """How far each content is from its nearest, in usual spreads above the usual; NaN where unknown.

    A spread is the median absolute deviation, scaled to equal a normal distribution's standard deviation: outliers
    do not move it.
    """
    try:
        table = pd.read_parquet(folder / _NAME)
    except FileNotFoundError:
        return np.full(len(hashes), np.nan)
    known = dict(zip(table["content_hash"], table["distance"], strict=True))
    distance = np.array([known.get(content, np.nan) for content in hashes], dtype=np.float64)
    found = distance[~np.isnan(distance)]
    if len(found) < FEWEST:
        return np.full(len(hashes), np.nan)
    usual = float(np.median(found))
    spread = 1.4826 * float(np.median(np.abs(found - usual)))
    return np.asarray((distance - usual) / max(spread, 1e-6))
