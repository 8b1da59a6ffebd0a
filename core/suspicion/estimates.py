"""How many labels are wrong, with an interval; and what people's decisions say about the chances themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom

DOUBT = 0.45  # the estimate's own relative error, as found where the truth is known (benchmarks/suspicion.py)
_LEAST = 0.25  # images: what is expected where nothing looks wrong
_TINY = 1e-6


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
    mean = expected + _LEAST
    shape = 1 / DOUBT**2
    low, high = (int(nbinom.ppf(q, shape, shape / (shape + mean))) for q in (0.025, 0.975))
    return Count(expected, min(low, len(chances)), min(high, len(chances)))


def learned_shift(chances: npt.NDArray[np.floating], wrong: npt.NDArray[np.bool_]) -> float:
    """By how much to move the log-odds of all chances, after people found which of these labels were ``wrong``.

    Zero without decisions; a prior of a standard deviation of 1 holds the first few back.
    """
    if not len(chances):
        return 0.0
    odds = _log_odds(chances)

    def cost(shift: float) -> float:
        p = 1 / (1 + np.exp(-(odds + shift)))
        loss = -np.where(wrong, np.log(p + _TINY), np.log(1 - p + _TINY)).sum()
        return float(loss + shift**2 / 2)

    return float(minimize_scalar(cost, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-3}).x)


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


def _log_odds(chances: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    p = np.clip(np.asarray(chances, dtype=np.float64), _TINY, 1 - _TINY)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)
