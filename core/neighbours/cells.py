"""Vectors sorted into cells of a plane of many dimensions, so that each is compared with those of its region alone.

The method is the inverted file of Sivic and Zisserman ("Video Google", ICCV 2003), as used for search by Jégou et al.
("Product Quantization for Nearest Neighbor Search", PAMI 2011): k-means makes the cells, and a vector's nearest are
looked for in its own cell and in those whose centres lie nearest to it.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from core.neighbours.vectors import Floats, Rows, scaled

PROBED = 24  # cells that a vector is compared with, its own among them
_ROUNDS = 6  # of k-means
_SAMPLED = 64  # vectors a cell that k-means sees
_TOGETHER = 512  # vectors compared at once
_STRANDS = 16  # of which the best is found before any is sorted


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Unit vectors sorted by cell: those of cell ``c`` are ``order[start[c] : start[c + 1]]``.

    ``near`` (cells, probed) are the cells around each, itself first.
    """

    unit: Floats
    order: Rows
    start: Rows
    near: Rows

    def parts(self) -> list[tuple[int, Rows]]:
        """(cell, some of its rows) of all rows, ``_TOGETHER`` rows at most at a time."""
        return [
            (cell, self.order[at : min(at + _TOGETHER, stop)])
            for cell, (begin, stop) in enumerate(zip(self.start[:-1], self.start[1:], strict=True))
            for at in range(begin, stop, _TOGETHER)
        ]

    def around(self, cell: int) -> Rows:
        """The rows of a cell and of the cells around it."""
        return np.concatenate([self.order[self.start[one] : self.start[one + 1]] for one in self.near[cell]])


def sort(unit: Floats, *, probed: int = PROBED) -> Cells:
    """Sort unit vectors (count, dimensions) into about as many cells as the root of their number. Deterministic."""
    count = len(unit)
    wanted = max(1, round(count**0.5))
    sample = unit[:: max(1, count // (wanted * _SAMPLED))]
    centres = sample[:: max(1, len(sample) // wanted)][:wanted]
    for _ in range(_ROUNDS):
        cell = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, cell, sample)
        held = np.bincount(cell, minlength=len(centres)) > 0
        centres = scaled(sums[held])
    cell = _nearest(unit, centres)
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], np.arange(len(centres) + 1))
    alike = centres @ centres.T
    np.fill_diagonal(alike, np.inf)
    near = np.argsort(-alike, axis=1, kind="stable")[:, :probed]
    return Cells(unit, order, start, near)


def shortlist(cells: Cells, k: int, take: Callable[[Rows, Rows], None]) -> None:
    """Hand ``take`` every row once, many at a time, with the ``k`` rows that look nearest to each.

    ``take(rows, listed)`` gets (rows,) and (rows, k), -1 where there are fewer, in no order; from several threads.
    """

    def work(part: tuple[int, Rows]) -> None:
        cell, rows = part
        others = cells.around(cell)
        products = cells.unit[rows] @ cells.unit[others].T
        products[others[None, :] == rows[:, None]] = -np.inf  # itself
        best = _best(products, k)
        listed = np.where(best >= 0, others[best], -1)
        there = np.take_along_axis(products, np.maximum(best, 0), axis=1) > -np.inf
        take(rows, np.where(there, listed, -1))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, cells.parts()):
            pass


def _best(products: Floats, k: int) -> Rows:
    """The columns of the ``k`` largest of each row, -1 where there are fewer, in no order.

    Columns are looked at in strands of 16 first: the k largest lie in the k strands with the largest maxima.
    """
    rows, width = products.shape
    length = -(-width // _STRANDS)
    if length <= 2 * k:
        chosen = np.argpartition(-products, min(k, width) - 1, axis=1)[:, :k]
        return np.pad(chosen, ((0, 0), (0, k - chosen.shape[1])), constant_values=-1)
    padded = np.full((rows, length * _STRANDS), -np.inf, dtype=products.dtype)
    padded[:, :width] = products
    highest = padded.reshape(rows, _STRANDS, length).max(axis=1)
    strands = np.argpartition(-highest, k - 1, axis=1)[:, :k]
    columns = (strands[:, :, None] + np.arange(_STRANDS) * length).reshape(rows, -1)
    values = np.take_along_axis(padded, columns, axis=1)
    return np.take_along_axis(columns, np.argpartition(-values, k - 1, axis=1)[:, :k], axis=1)


def _nearest(unit: Floats, centres: Floats) -> Rows:
    return np.concatenate([(unit[at : at + 4096] @ centres.T).argmax(axis=1) for at in range(0, len(unit), 4096)])
