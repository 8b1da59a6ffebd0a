"""What can be measured in the pixels of one image: sharpness, brightness, contrast, and hashes of how it looks.

Raw values only. Whether a value is bad, and how bad, is decided elsewhere (core.checks.kinds). Everything is measured
on the image reduced to ``SIDE`` pixels, about what a network sees: a fault that cannot be seen there does no harm.

Sources: the perceptual hash is pHash (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions",
2010) as the ``imagehash`` package computes it, but of 256 frequencies instead of 64: on 396 photographs, copies at a
third of the size or at JPEG quality 10 differ in 28 bits at most and no two others in fewer than 88. Sharpness follows
the Laplacian focus measures compared by Pertuz et al. (Pattern Recognition, 2013), made independent of contrast. Dark
and bright are judged by a high and a low percentile of the light, as CleanVision does.
"""

from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 256  # pixels of the longer side on which values are measured
VERSION = 1  # raise it with any change of what is measured: stored values of other versions are measured again
_HASHED = 64  # pixels of the square that the hashes see
_FREQUENCIES = 16  # a side
BITS = _FREQUENCIES**2  # of the perceptual hash
_TILES = 4
_STRONGEST = 0.995  # the edges that count for sharpness: blurred is what is sharp nowhere

RECORD = np.dtype(
    [
        ("sharpness", "<f4"),  # steepest change of light between neighbours, against the image's range of light
        ("brightness", "<f4"),  # mean light in [0, 1]
        ("shadows", "<f4"),  # 5th percentile of the light in [0, 1]
        ("highlights", "<f4"),  # 99th percentile
        ("contrast", "<f4"),  # standard deviation of the colour channel that varies most, in [0, 0.5]
        ("width", "<i4"),  # pixels, upright
        ("height", "<i4"),
        ("phash", "<u8", (BITS // 64,)),  # one row of frequencies every 16 bits, slow changes first
        ("colours", "u1", (_TILES * _TILES * 3,)),  # mean colours of 4 x 4 tiles: the same shape in another colour
    ]
)


def measure(image: Image.Image) -> np.void:
    """The values of an upright RGB image, as one ``RECORD``."""
    small = image
    if max(image.size) > SIDE:
        small = image.copy()
        small.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=3.0)
    grey = small.convert("L")
    counts = np.array(grey.histogram())
    shadows, dark, bright = _percentiles(counts, (0.05, 0.01, 0.99))
    record = np.zeros((), dtype=RECORD)
    record["brightness"] = _mean(counts) / 255
    record["shadows"], record["highlights"] = shadows / 255, bright / 255
    record["contrast"] = max(map(_spread, np.array(small.histogram()).reshape(3, 256))) / 255
    record["sharpness"] = _sharpness(np.asarray(grey), max(1.0, bright - dark))
    record["width"], record["height"] = image.size
    square = np.asarray(grey.resize((_HASHED, _HASHED), Image.Resampling.BOX), dtype=np.float32)
    record["phash"] = _bits(square)
    record["colours"] = np.asarray(small.resize((_TILES, _TILES), Image.Resampling.BOX)).reshape(-1)
    return cast(np.void, record[()])


def _sharpness(light: npt.NDArray[np.uint8], spread: float) -> float:
    if min(light.shape) < 3:
        return 0.0
    wide = light.astype(np.int16)
    inner = 4 * wide[1:-1, 1:-1] - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]
    (steepest,) = _percentiles(np.bincount(np.abs(inner).reshape(-1)), (_STRONGEST,))
    return steepest / spread


Counts = npt.NDArray[np.int64]  # how many pixels have each value: all that follows is exact, and quick


def _percentiles(counts: Counts, shares: tuple[float, ...]) -> list[float]:
    below = counts.cumsum()
    return [float(np.searchsorted(below, share * below[-1])) for share in shares]


def _mean(counts: Counts) -> float:
    return float(counts @ np.arange(len(counts))) / float(counts.sum())


def _spread(counts: Counts) -> float:
    """The standard deviation."""
    away = np.arange(len(counts)) - _mean(counts)
    return float(np.sqrt(counts @ away**2 / counts.sum()))


def _bits(square: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Which of the lowest frequencies lie above their median, packed."""
    low = _cosines() @ square @ _cosines().T
    return np.packbits(low > np.median(low), bitorder="little").view("<u8")


@cache
def _cosines() -> npt.NDArray[np.float32]:
    """The first rows of the DCT-II of length ``_HASHED``."""
    rows = np.arange(_FREQUENCIES)[:, None] * (2 * np.arange(_HASHED) + 1) * np.pi / (2 * _HASHED)
    return np.cos(rows).astype(np.float32)
