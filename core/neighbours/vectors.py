"""Vectors that are read a few rows at a time: an array in memory, or embeddings that stay in their mapped files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

_CHUNK = 4096  # rows read at once: 20 MB of 1280 float32
_SAMPLE = 4096  # rows that the directions of compressed vectors are found from
_SLACK = 1e-6  # keeps a length that is computed from a difference of squares from coming out too short


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """``count`` vectors; ``read(rows)`` gives them as float32 (rows, dimensions), zeros where one is unknown."""

    count: int
    read: Callable[[Rows | slice], Floats]

    @classmethod
    def of(cls, array: npt.NDArray[np.floating]) -> Self:
        """An array in memory, of any float type."""
        return cls(len(array), lambda rows: np.asarray(array[rows], dtype=np.float32))

    def unit(self, rows: Rows | slice) -> Floats:
        """Some of the vectors scaled to length 1; zeros stay zeros."""
        return scaled(self.read(rows))

    def chunks(self, size: int = _CHUNK) -> Iterator[tuple[int, Floats]]:
        """All vectors scaled to length 1, ``size`` at a time, each chunk with the row that it starts at."""
        for start in range(0, self.count, size):
            yield start, self.unit(slice(start, min(start + size, self.count)))


def scaled(vectors: Floats) -> Floats:
    """Each row divided by its length; zeros, and rows that are not finite, become zeros."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        unit = np.where((length > 0) & np.isfinite(length), vectors / length, 0)
    return np.asarray(unit, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """Unit vectors on the directions along which they differ most, with the length of what is left over.

    ``inside`` is (count, directions), ``left_over`` (count,). By Cauchy and Schwarz the cosine of two vectors lies
    within the product of what is left over of each from the product of their inside parts; that makes exact searches
    cheap, see :func:`core.neighbours.pairs.pairs_above`.
    """

    inside: Floats
    left_over: Floats

    @property
    def bounding(self) -> Floats:
        """(count, directions + 1): the product of two rows is never less than the cosine of the vectors."""
        return np.concatenate([self.inside, self.left_over[:, None]], axis=1)


def compress(vectors: Vectors, directions: int = 127) -> Compressed:
    """Project onto the leading directions of an evenly spread sample. Deterministic."""
    step = max(1, vectors.count // _SAMPLE)
    sample = vectors.unit(np.arange(0, vectors.count, step, dtype=np.intp)[:_SAMPLE])
    directions = min(directions, sample.shape[1])
    basis = np.linalg.eigh((sample.T @ sample).astype(np.float64))[1][:, ::-1][:, :directions].astype(np.float32)
    inside = np.empty((vectors.count, directions), dtype=np.float32)
    left_over = np.empty(vectors.count, dtype=np.float32)
    for start, unit in vectors.chunks():
        part = unit @ basis
        stop = start + len(unit)
        inside[start:stop] = part
        whole = np.einsum("ij,ij->i", unit, unit)
        left_over[start:stop] = np.sqrt(np.maximum(whole - np.einsum("ij,ij->i", part, part), 0) + _SLACK)
    return Compressed(inside, left_over)
