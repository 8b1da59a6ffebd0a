"""The head's out-of-fold scores for targets that change: factorised once, then each new set of targets costs little."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.embedding.backbone import usable_cores
from core.training.head import Floats, Ints

_TINY = 1e-6
_CHUNK = 8192  # rows gathered at once: 40 MB


class SoftFolds:
    """Ridge regression on the same rows and folds, under one penalty (times the mean eigenvalue, as in the head).

    ``rows_of`` may name for each fold the rows that its model learns from; all others are learned from otherwise.
    """

    def __init__(self, x: Floats, fold: Ints, penalty: float, *, rows_of: Sequence[Ints] | None = None) -> None:
        self._mean = x.mean(axis=0)
        self._x = np.asarray(x - self._mean, dtype=np.float32)
        self._fold = fold
        self._penalty = penalty
        folds = range(int(fold.max()) + 1)
        self._rest = [np.flatnonzero(fold != held) for held in folds] if rows_of is None else list(rows_of)
        with ThreadPoolExecutor(max_workers=usable_cores()) as pool:
            self._solved = list(pool.map(lambda rows: _Solved(self._x, rows, penalty), self._rest))
        self._whole: _Solved | None = None

    def scores(self, targets: Floats) -> Floats:
        """What models that had not seen them say of the rows; ``targets`` and scores are (rows, classes)."""
        out = np.zeros_like(targets, dtype=np.float32)
        for held, (rows, solved) in enumerate(zip(self._rest, self._solved, strict=True)):
            here = np.flatnonzero(self._fold == held)
            out[here] = solved.predict(targets[rows], self._x[here])
        return out

    def unseen(self, targets: Floats, x: Floats) -> Floats:
        """What the model of all rows says of other vectors ``x``."""
        if self._whole is None:
            self._whole = _Solved(self._x, np.arange(len(self._x), dtype=np.intp), self._penalty)
        return self._whole.predict(targets, x - self._mean)


class _Solved:
    """The factorised part of one ridge regression: by samples where they are fewer than dimensions, else the other.

    Rows are gathered a few thousand at a time: a copy of 100,000 embeddings for each fold would not fit.
    """

    def __init__(self, x: Floats, rows: Ints, penalty: float) -> None:
        self._x, self._rows = x, rows
        width = x.shape[1]
        self._centre = sum((part.sum(axis=0) for _, part in self._parts()), np.zeros(width, np.float32)) / len(rows)
        self._few = x[rows] - self._centre if len(rows) < width else None
        if self._few is not None:
            matrix = self._few @ self._few.T
        else:
            matrix = np.zeros((width, width), dtype=np.float32)
            for _, part in self._parts():
                centred = part - self._centre
                matrix += centred.T @ centred
        matrix.flat[:: len(matrix) + 1] += penalty * float(np.trace(matrix)) / width + _TINY
        self._factor: Any = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def predict(self, targets: Floats, x: Floats) -> Floats:
        """Scores of ``x`` after a fit to the ``targets`` of this model's rows."""
        prior = targets.mean(axis=0)
        centred = np.asarray(targets - prior, dtype=np.float32)
        if self._few is not None:
            weight = self._few.T @ cho_solve(self._factor, centred, check_finite=False)
        else:
            cross = np.zeros((self._x.shape[1], targets.shape[1]), dtype=np.float32)
            for start, part in self._parts():
                cross += part.T @ centred[start : start + len(part)]  # centred targets need no centred rows
            weight = cho_solve(self._factor, cross, check_finite=False)
        return np.asarray((x - self._centre) @ weight + prior, dtype=np.float32)

    def _parts(self) -> Iterator[tuple[int, Floats]]:
        for start in range(0, len(self._rows), _CHUNK):
            yield start, self._x[self._rows[start : start + _CHUNK]]
