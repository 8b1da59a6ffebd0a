"""The nearest neighbours of one sample, with their labels: the evidence for and against its own label."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import NotFound
from core.neighbours.nearest import nearest
from core.neighbours.vectors import Vectors

if TYPE_CHECKING:
    from core.embedding.blocks import Located
    from core.workspace.facade import Workspace


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A sample near another one. ``distance`` is 1 - cosine: 0 for a copy, about 1 for nothing in common."""

    sample_id: str
    label: str | None
    split: str
    distance: float
    filepath: str
    content_hash: str


class Neighbours:
    """Neighbours over the embeddings that are stored. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._known: dict[str, tuple[npt.NDArray[np.object_], Located]] = {}

    def of(self, dataset: str, sample_id: str, *, k: int = 5) -> list[Neighbour]:
        """The ``k`` nearest other samples, nearest first; excluded ones are left out.

        An empty list where the sample's picture is not embedded yet.

        Raises:
            NotFound: no such dataset or sample.
        """
        frame = self._workspace.samples(dataset)
        ids = frame["sample_id"].to_numpy()
        place = int(ids.searchsorted(sample_id))
        if place == len(ids) or ids[place] != sample_id:
            raise NotFound(f"There is no sample {sample_id!r} in {dataset!r}.")
        located = self._located(dataset, frame)
        if not located.found[place]:
            return []
        there = located.found.copy()
        if "excluded" in frame.columns:
            there &= ~frame["excluded"].to_numpy(dtype=bool)
        there[place] = False
        rows = np.flatnonzero(there)
        vectors = Vectors(len(rows), lambda chosen: located.read(rows[chosen], np.float32))
        query = located.read(np.array([place], dtype=np.intp), np.float32)
        best = nearest(vectors, query, min(k, len(rows))) if len(rows) else None
        if best is None:
            return []
        chosen = frame.iloc[rows[best.rows[0]]]
        return [
            Neighbour(
                sample_id=row.sample_id,
                label=row.label,
                split=row.split,
                distance=max(0.0, 1.0 - float(similarity)),
                filepath=row.filepath,
                content_hash=row.content_hash,
            )
            for row, similarity in zip(chosen.itertuples(index=False), best.similarity[0], strict=True)
        ]

    def _located(self, dataset: str, frame: pd.DataFrame) -> "Located":
        """Where the embeddings lie: looked up once, and again when pictures or embeddings were added."""
        from core.embedding.blocks import EmbeddingStore  # brings ONNX Runtime along, which other pages do without

        hashes = frame["content_hash"].to_numpy()
        known = self._known.get(dataset)
        if known is not None and known[1].found.all() and np.array_equal(known[0], hashes):
            return known[1]
        located = EmbeddingStore(self._workspace.paths.embeddings).locate(hashes.tolist())
        self._known[dataset] = (hashes, located)
        return located
