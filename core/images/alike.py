"""Pictures that show the same, found by their perceptual hashes and colours among any number of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.images.measures import BITS

MOST_BITS = 51  # in which two hashes may differ to be listed
FLAT = 0.015  # contrast below which a hash is noise
_OTHER_COLOURS = 20.0  # mean difference of hue, in grey values, from which it is another picture
_CROWD = 400  # pictures that share a band of the hash; more say nothing
_BANDS = BITS // 16

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Pairs of rows (left < right), each once, and in how many of ``BITS`` bits their hashes differ."""

    left: Rows
    right: Rows
    bits: Rows

    def __len__(self) -> int:
        return len(self.left)


def likeness(bits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """1 for equal hashes, 0 for what chance would give (half of all bits)."""
    return np.asarray(1.0 - 2.0 * bits / BITS, dtype=np.float64)


def pairs(records: npt.NDArray[np.void], *, most_bits: int = MOST_BITS) -> Alike:
    """Pairs among records (core.images.measures.RECORD) whose hashes and colours agree.

    Looked up by each 16 of the 256 bits: a pair that differs in 15 bits always shares a band, one of 28 bits spread
    evenly in 94 of 100 cases. Memory grows with the pictures, at most ``_CROWD`` pairs each at a time.
    """
    usable = np.flatnonzero(records["contrast"] >= FLAT)
    hashes = np.ascontiguousarray(records["phash"][usable])
    bands = hashes.view("<u2").reshape(len(usable), _BANDS)
    keys, differ = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for band in range(_BANDS):
        for first, second in _together(bands[:, band]):
            bits = np.bitwise_count(hashes[first] ^ hashes[second]).sum(axis=1, dtype=np.int64)
            near = bits <= most_bits
            keys.append(first[near].astype(np.int64) * len(usable) + second[near])
            differ.append(bits[near])
    key, once = np.unique(np.concatenate(keys), return_index=True)
    left, right = np.divmod(key, max(len(usable), 1))
    bits, left, right = np.concatenate(differ)[once], usable[left], usable[right]
    same = _hues(records, left, right) <= _OTHER_COLOURS
    return Alike(left[same], right[same], bits[same])


def _together(band: npt.NDArray[np.uint16]) -> Iterator[tuple[Rows, Rows]]:
    """Rows (smaller, larger) of all pairs that share a value, one pair of arrays for each distance in sorted order."""
    order = np.argsort(band, kind="stable")
    ordered = band[order].astype(np.int32)
    _, inverse, counts = np.unique(ordered, return_inverse=True, return_counts=True)
    kept = counts[inverse] <= _CROWD
    order, ordered = order[kept], ordered[kept]
    for step in range(1, _CROWD):
        same = np.flatnonzero(ordered[:-step] == ordered[step:])
        if not len(same):
            return
        first, second = order[same], order[same + step]
        yield np.minimum(first, second), np.maximum(first, second)


def _hues(records: npt.NDArray[np.void], left: Rows, right: Rows) -> npt.NDArray[np.float64]:
    """How much the colours of each pair differ, whatever the light: the mean over tiles of red and blue over green."""
    tiles = records["colours"].reshape(len(records), records.dtype["colours"].shape[0] // 3, 3).astype(np.int16)
    hue = np.stack([tiles[:, :, 0] - tiles[:, :, 1], tiles[:, :, 2] - tiles[:, :, 1]], axis=1)
    return np.asarray(np.abs(hue[left] - hue[right]).mean(axis=(1, 2)), dtype=np.float64)
