"""How many labels are wrong, with an interval; and what people's decisions say about the chances themselves.

NumPy alone: the process that draws pages asks here, and SciPy would cost it most of a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DOUBT = 0.45  # the estimate's own relative error, as found where the truth is known (benchmarks/suspicion.py)
_LEAST = 0.25  # images: what is expected where nothing looks wrong
_TINY = 1e-6
_ODDS_DOUBT = 0.8
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """An estimated number of images with the bounds between which it lies in 95 of 100 cases."""

    expected: float
    low: int
    high: int


def errors_left(chances: npt.NDArray[np.floating]) -> Count:
    """The number of wrong labels among samples with these chances.

    A gamma-Poisson interval: chance in what each label is, and doubt about the chances as a whole.
    """
    expected = float(np.sum(chances, dtype=np.float64))
    low, high = _gamma_poisson(expected + _LEAST, len(chances))
    return Count(expected, low, high)


def hits(chances: npt.NDArray[np.floating]) -> Count:
    """The number of wrong labels among a few of the most suspicious: doubt moves their odds, not their number."""
    random = np.random.default_rng(0)
    odds = _log_odds(chances) + random.normal(0, _ODDS_DOUBT, (_DRAWS, 1))
    drawn = (random.random((_DRAWS, len(chances))) < 1 / (1 + np.exp(-odds))).sum(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Count(float(np.sum(chances, dtype=np.float64)), int(low), int(np.ceil(high)))


def learned_shift(chances: npt.NDArray[np.floating], wrong: npt.NDArray[np.bool_]) -> float:
    """By how much to move the log-odds of all chances, after people found which of these labels were ``wrong``.

    Zero without decisions; a prior of a standard deviation of 1 holds the first few back.
    """
    if not len(chances):
        return 0.0
    odds, shift = _log_odds(chances), 0.0
    for _ in range(50):  # Newton; the cost is convex
        p = 1 / (1 + np.exp(-(odds + shift)))
        step = float((p - wrong).sum() + shift) / float((p * (1 - p)).sum() + 1)
        shift -= float(np.clip(step, -1, 1))
        if abs(step) < 1e-4:
            break
    return shift


def shifted(chances: npt.NDArray[np.floating], shift: float) -> npt.NDArray[np.float64]:
    """The chances after a shift of their log-odds; their order stays."""
    if not shift:
        return np.asarray(chances, dtype=np.float64)
    return np.asarray(1 / (1 + np.exp(-(_log_odds(chances) + shift))), dtype=np.float64)


def calibration_error(chances: npt.NDArray[np.floating], wrong: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Mean distance between chance and share of wrong labels, over ``bins`` equal steps of chance, by their samples."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    distance = 0.0
    for step in np.unique(place):
        here = place == step
        distance += abs(float(chances[here].mean()) - float(wrong[here].mean())) * here.mean()
    return float(distance)


def by_class(labels: npt.NDArray[np.object_], chances: npt.NDArray[np.floating], classes: Sequence[str]) -> list[Count]:
    """The wrong labels among those of each class."""
    return [errors_left(chances[labels == name]) for name in classes]


def _gamma_poisson(mean: float, most: int) -> tuple[int, int]:
    """The 2.5 and 97.5 % quantiles of a Poisson count whose mean is itself uncertain by ``DOUBT``."""
    shape = 1 / DOUBT**2
    number = np.arange(1, most + 1)
    ratio = np.log((number + shape - 1) / number) + np.log(mean / (shape + mean))
    logarithm = shape * np.log(shape / (shape + mean)) + np.concatenate([[0.0], np.cumsum(ratio)])
    below = np.cumsum(np.exp(logarithm))
    low, high = (min(most, int(np.searchsorted(below, share))) for share in (0.025, 0.975))
    return low, high


def _log_odds(chances: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    p = np.clip(np.asarray(chances, dtype=np.float64), _TINY, 1 - _TINY)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)
