"""All pairs of vectors that are more alike than a threshold: exact, in bounded memory."""

from dataclasses import dataclass

import numpy as np

from core.neighbours.vectors import Floats, Rows, Vectors, compress

_TILE = 2048  # rows a side: 16 MB of products
_TOGETHER = 8192  # candidates whose cosines are computed at once: 80 MB of vectors
_MANY = 0.01  # share of a tile from which one dense product is cheaper than vectors fetched pair by pair
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs with ``left < right``, most alike first. ``threshold`` is the cosine that all of them reach.

    It is higher than the one asked for where there were more pairs than the limit.
    """

    left: Rows
    right: Rows
    similarity: Floats
    threshold: float

    def __len__(self) -> int:
        return len(self.left)


def pairs_above(vectors: Vectors, threshold: float, *, limit: int = 2_000_000) -> Pairs:
    """Every pair with a cosine of at least ``threshold``; of more than ``limit`` the most alike.

    Products of 128 numbers bound each cosine from above, and only what they do not rule out is computed from the
    whole vectors, so nothing is missed. How much that saves depends on the vectors: on embeddings of photographs and
    thresholds from 0.9, nearly everything; where most vectors are alike, nothing.
    """
    bounding = compress(vectors).bounding
    found = _Kept(threshold, limit)
    starts = range(0, vectors.count, _TILE)
    for first in starts:
        rows = bounding[first : first + _TILE]
        for second in starts[first // _TILE :]:
            bound = rows @ bounding[second : second + _TILE].T
            place = np.flatnonzero(bound >= found.threshold - _ROUNDING)
            left, right = np.divmod(place, bound.shape[1])
            left, right = left + first, right + second
            if first == second:
                below = left < right
                left, right = left[below], right[below]
            if len(left) > _MANY * bound.size:
                dense = vectors.unit(slice(first, first + _TILE)) @ vectors.unit(slice(second, second + _TILE)).T
                found.add(left, right, dense[left - first, right - second])
                continue
            for start in range(0, len(left), _TOGETHER):
                part = slice(start, start + _TOGETHER)
                found.add(left[part], right[part], _cosines(vectors, left[part], right[part]))
    return found.sorted()


def _cosines(vectors: Vectors, left: Rows, right: Rows) -> Floats:
    rows, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    unit = vectors.unit(rows)
    cosines: Floats = np.einsum("ij,ij->i", unit[place[: len(left)]], unit[place[len(left) :]])
    return cosines


class _Kept:
    """The pairs found so far; when they pass twice the limit, the less alike half goes and the threshold rises."""

    def __init__(self, threshold: float, limit: int) -> None:
        self.threshold = threshold
        self._limit = limit
        self._parts: list[tuple[Rows, Rows, Floats]] = []
        self._count = 0

    def add(self, left: Rows, right: Rows, similarity: Floats) -> None:
        here = similarity >= self.threshold
        self._parts.append((left[here], right[here], similarity[here]))
        self._count += int(here.sum())
        if self._count > 2 * self._limit:
            self._cut()

    def sorted(self) -> Pairs:
        if self._count > self._limit:
            self._cut()
        left, right, similarity = self._joined()
        order = np.lexsort((right, left, -similarity))
        return Pairs(left[order], right[order], similarity[order], self.threshold)

    def _cut(self) -> None:
        left, right, similarity = self._joined()
        best = np.argpartition(-similarity, self._limit - 1)[: self._limit]
        self._parts = [(left[best], right[best], similarity[best])]
        self._count = len(best)
        self.threshold = max(self.threshold, float(similarity[best].min()))

    def _joined(self) -> tuple[Rows, Rows, Floats]:
        if not self._parts:
            return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32)
        left, right, similarity = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return left, right, similarity
