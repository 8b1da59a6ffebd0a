"""Does a confidence of 90 % mean right in 9 of 10? Reliability, temperature, and when to abstain."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from core.evaluation.intervals import Estimate, share, wilson_many
from core.runs.calibration import softened

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BINS = 15  # as Guo et al. 2017, "On calibration of modern neural networks"
_DRAWS = 1000
_MOST_GAPS, _HALVINGS = 64.0, 10
_ENOUGH = 20_000  # samples that fix one number
_LEAST, _MOST = 0.05, 20.0  # temperatures


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Bins of equal width in confidence; only those with samples. ``ece`` is the mean gap between confidence and
    accuracy, weighted by samples.
    """

    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    samples: npt.NDArray[np.int64]
    ece: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """What is left when the run abstains below ``threshold``: ``covered`` samples, ``right`` of them. One entry a
    threshold, falling; the last answers all.
    """

    threshold: Floats
    covered: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """All samples."""
        return int(self.covered[-1]) if len(self.covered) else 0

    def at(self, threshold: float) -> tuple[int, int]:
        """(answered, right) when everything below ``threshold`` is left out."""
        place = int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1
        return (int(self.covered[place]), int(self.right[place])) if place >= 0 else (0, 0)


def reliability(confidence: npt.ArrayLike, right: npt.ArrayLike, *, bins: int = BINS) -> Reliability:
    """``confidence`` in [0, 1] of each prediction, and whether it was right."""
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    there = np.flatnonzero(count)
    n = count[there].astype(np.float64)
    mean_sure: Floats = np.bincount(place, sure, bins).astype(np.float64)[there] / np.maximum(n, 1)
    mean_hit: Floats = np.bincount(place, hit, bins).astype(np.float64)[there] / np.maximum(n, 1)
    gaps = hit - sure
    off = gaps - (mean_hit - mean_sure)[np.searchsorted(there, place)]
    spread: Floats = np.bincount(place, off**2, bins)[there].astype(np.float64)
    low, high = wilson_many(mean_hit * n, n)
    ece = _ece(mean_hit - mean_sure, spread, n)
    return Reliability(mean_sure, mean_hit, low, high, count[there], ece)


def fit_temperature(probabilities: npt.NDArray[np.float32], true: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """The temperature with the least log loss, and the loss before and after it. ``true`` are class indices.

    The loss is convex in the inverse temperature, so a section search finds the one valley.
    """
    if len(true) > _ENOUGH:
        chosen = np.random.default_rng(0).choice(len(true), _ENOUGH, replace=False)
        probabilities, true = probabilities[chosen], true[chosen]
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    own = logits[np.arange(len(true)), true]

    def loss(inverse: float) -> float:
        return float((np.log(np.exp(logits * inverse).sum(axis=1)) - own * inverse).mean())

    golden = (5**0.5 - 1) / 2
    low, high = np.log(1 / _MOST), np.log(1 / _LEAST)
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = loss(np.exp(left)), loss(np.exp(right))
    while high - low > 1e-4:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = loss(np.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = loss(np.exp(right))
    inverse = float(np.exp((low + high) / 2))
    return 1 / inverse, loss(1.0), loss(inverse)


def coverage(confidence: npt.ArrayLike, right: npt.ArrayLike) -> Coverage:
    """What abstaining at each confidence that occurs would leave."""
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.int64)
    order = np.argsort(-sure, kind="stable")
    sure, hit = sure[order], hit[order]
    ends = np.flatnonzero(np.r_[np.diff(sure) != 0, True]) if len(sure) else np.zeros(0, dtype=np.int64)
    return Coverage(sure[ends], (ends + 1).astype(np.int64), hit.cumsum()[ends])


def threshold_for(curve: Coverage, wanted: float) -> float | None:
    """The lowest confidence from which on the answers are right in ``wanted`` of all cases, sure by Wilson's interval;
    ``None`` where no threshold reaches it.
    """
    low, _ = wilson_many(curve.right, curve.covered)
    good = np.flatnonzero(low >= wanted)
    return float(curve.threshold[good[-1]]) if len(good) else None


def answered(curve: Coverage, threshold: float) -> tuple[Estimate, Estimate]:
    """The share answered from ``threshold`` on, and the share of those that is right, with intervals."""
    covered, right = curve.at(threshold)
    return share(covered, curve.total), share(right, covered)


def calibrated(probabilities: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    """The confidence of each row at a temperature."""
    confidence: npt.NDArray[np.float32] = softened(probabilities, temperature).max(axis=1)
    return confidence


def _ece(gap: Floats, spread: Floats, n: Floats) -> Estimate:
    """The gap's weighted size with an interval. Sizes are never below 0, so the plain figure errs upwards, the more the
    fewer samples there are. So the interval holds those multiples of the gaps under which a figure like this one is
    not unusual (a test inverted, with normal errors of the gaps); it begins at 0 where no gap at all explains it.
    """
    total = n.sum()
    if total == 0:
        return Estimate(0.0, 0.0, 1.0)
    weight = n / total
    value = float(weight @ np.abs(gap))
    # a bin borrows one answer, half right: three of three are not certain
    error = np.sqrt((spread + 0.25) / n / np.maximum(n - 1, 1))
    noise = _noise()[:, : len(n)] * error

    def usual(multiple: float, part: float) -> float:
        return float(np.quantile(np.abs(multiple * gap + noise) @ weight, part))

    def multiple(part: float) -> float:
        low, high = 0.0, 1.0
        while usual(high, part) < value and high < _MOST_GAPS:
            high *= 2
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if usual(middle, part) < value else (low, middle)
        return (low + high) / 2

    low = 0.0 if usual(0.0, 0.95) >= value else min(multiple(0.975), 1.0) * value
    return Estimate(value, low, min(1.0, max(multiple(0.025), 1.0) * value) if value else usual(0.0, 0.95))


@cache
def _noise() -> Floats:
    return np.random.default_rng(0).standard_normal((_DRAWS, 64))
