"""The k most alike vectors of each query, by cosine."""

from dataclasses import dataclass

import numpy as np

from core.neighbours import cells
from core.neighbours.vectors import Floats, Rows, Vectors, compress, scaled

_QUERIES = 1024
_NOBODY = -2.0  # below every cosine
EXACT_UP_TO = 20_000  # vectors up to which all against all are compared whole: 8 s on two cores
SHORTLIST = 2  # times k: how many are compared whole of those that look nearest when compressed


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """``rows`` and their ``similarity`` to each query, both (queries, k), nearest first; row -1 where there are fewer.

    ``similarity`` is the cosine: 1 the same direction, 0 nothing in common.
    """

    rows: Rows
    similarity: Floats


def nearest(vectors: Vectors, queries: Floats, k: int, *, without: Rows | None = None) -> Nearest:
    """The ``k`` nearest of all vectors to each of ``queries`` (queries, dimensions). Exact.

    ``without`` names for each query one row that is not to be found (its own). Vectors are read once for each 1,024
    queries; memory does not grow with their number.
    """
    parts = []
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, start + _QUERIES)
        own = None if without is None else without[part]
        best = _Best(len(queries[part]), k)
        unit = scaled(np.asarray(queries[part], dtype=np.float32))
        for first, chunk in vectors.chunks():
            products = unit @ chunk.T
            if own is not None:
                here = np.flatnonzero((own >= first) & (own < first + len(chunk)))
                products[here, own[here] - first] = _NOBODY
            best.add(products, first)
        parts.append(best.sorted())
    if not parts:
        return Nearest(np.empty((0, k), np.intp), np.empty((0, k), np.float32))
    return Nearest(np.concatenate([part.rows for part in parts]), np.concatenate([part.similarity for part in parts]))


def among(vectors: Vectors, k: int) -> Nearest:
    """The ``k`` nearest of each vector among the others, each ordered.

    Exact up to ``EXACT_UP_TO`` vectors. Beyond, candidates are found on 128 directions among the vectors of the same
    region (core.neighbours.cells) and then compared whole: a copy is hardly ever missed, the further ones now and then.
    benchmarks/neighbours.py measures how long it takes and how many.
    """
    rows = np.arange(vectors.count, dtype=np.intp)
    if vectors.count > EXACT_UP_TO:
        return _among_many(vectors, k)
    parts = [
        nearest(vectors, vectors.read(slice(start, start + _QUERIES)), k, without=rows[start : start + _QUERIES])
        for start in range(0, vectors.count, _QUERIES)
    ]
    if not parts:
        return Nearest(np.empty((0, k), np.intp), np.empty((0, k), np.float32))
    return Nearest(np.concatenate([part.rows for part in parts]), np.concatenate([part.similarity for part in parts]))


def _among_many(vectors: Vectors, k: int) -> Nearest:
    found = Nearest(np.full((vectors.count, k), -1, np.intp), np.zeros((vectors.count, k), np.float32))

    def compare(rows: Rows, listed: Rows) -> None:
        others, place = np.unique(listed, return_inverse=True)
        products = vectors.unit(rows) @ vectors.unit(np.maximum(others, 0)).T
        products[:, others < 0] = _NOBODY
        similarity = np.take_along_axis(products, place.reshape(listed.shape), axis=1)
        order = np.lexsort((listed, -similarity), axis=1)[:, :k]
        found.rows[rows] = np.take_along_axis(listed, order, axis=1)
        found.similarity[rows] = np.maximum(np.take_along_axis(similarity, order, axis=1), 0)

    cells.shortlist(cells.sort(scaled(compress(vectors, 128).inside)), SHORTLIST * k, compare)
    return found


class _Best:
    """The ``k`` best columns so far of each row of a product that comes chunk by chunk."""

    def __init__(self, rows: int, k: int) -> None:
        self._k = k
        self._similarity = np.full((rows, k), _NOBODY, dtype=np.float32)
        self._columns = np.full((rows, k), -1, dtype=np.intp)

    def add(self, products: Floats, first: int) -> None:
        """Take in a chunk whose first column is ``first``. Only what beats the k-th so far is looked at."""
        worst = self._similarity.min(axis=1)
        row, column = np.divmod(np.flatnonzero(products > worst[:, None]), products.shape[1])
        if not len(row):
            return
        counts = np.bincount(row, minlength=len(products))
        offset = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        similarity = np.full((len(products), int(counts.max())), _NOBODY, dtype=np.float32)
        columns = np.full(similarity.shape, -1, dtype=np.intp)
        similarity[row, offset], columns[row, offset] = products[row, column], column + first
        similarity = np.concatenate([self._similarity, similarity], axis=1)
        columns = np.concatenate([self._columns, columns], axis=1)
        kept = np.argpartition(-similarity, self._k - 1, axis=1)[:, : self._k]
        self._similarity = np.take_along_axis(similarity, kept, axis=1)
        self._columns = np.take_along_axis(columns, kept, axis=1)

    def sorted(self) -> Nearest:
        order = np.lexsort((self._columns, -self._similarity), axis=1)
        similarity = np.take_along_axis(self._similarity, order, axis=1)
        columns = np.take_along_axis(self._columns, order, axis=1)
        return Nearest(columns, np.where(columns < 0, np.float32(0), similarity))
