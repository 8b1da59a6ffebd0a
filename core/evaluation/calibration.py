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
_HALVINGS = 14
_BORROWED, _LEAST_SPREAD = 10.0, 0.25  # answers that a bin borrows; of the errors, that gaps differ by at least
_WIDER = 1.05  # errors are estimates too: by simulation (benchmarks/intervals.py), as the two before
# The parts of simulated figures at the interval's two ends, and the part that no gap explains. The pattern is an
# estimate too, which costs most at the upper end: by the same simulation.
_ENDS, _NO_GAP = (0.97, 0.016), 0.94
_ENOUGH = 20_000  # samples that fix one number
_LEAST, _MOST = 0.05, 20.0  # temperatures
_CHUNK = 1024  # rows at a time: 1,000 classes then take 8 MB, and what is kept of a run never lies in memory twice


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
    ece = _ece(mean_hit - mean_sure, mean_sure, spread, n)
    return Reliability(mean_sure, mean_hit, low, high, count[there], ece)


def fit_temperature(probabilities: npt.NDArray[np.float32], true: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """The temperature with the least log loss, and the loss before and after it. ``true`` are class indices; rows where
    it is -1 are left out.

    The loss is convex in the inverse temperature, so a section search finds the one valley.
    """
    known = np.flatnonzero(true >= 0)
    if len(known) > _ENOUGH:
        known = known[np.random.default_rng(0).choice(len(known), _ENOUGH, replace=False)]
    logits, true = probabilities[known], true[known]
    np.log(np.maximum(logits, np.finfo(np.float32).tiny, out=logits), out=logits)

    def loss(inverse: float) -> float:
        total = 0.0
        for start in range(0, len(true), _CHUNK):
            part = logits[start : start + _CHUNK].astype(np.float64)
            part -= part.max(axis=1, keepdims=True)
            part *= inverse
            own = part[np.arange(len(part)), true[start : start + _CHUNK]]
            total += float((np.log(np.exp(part, out=part).sum(axis=1)) - own).sum())
        return total / len(true)

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


def calibrated(
    probabilities: npt.NDArray[np.float32], temperature: float, rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    """The confidence of each of ``rows`` at a temperature."""
    confidence = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        confidence[start : start + _CHUNK] = softened(probabilities[part], temperature).max(axis=1, initial=0)
    return confidence


def _ece(gap: Floats, sure: Floats, spread: Floats, n: Floats) -> Estimate:
    """The gap's weighted size with an interval. Sizes are never below 0, so the plain figure errs upwards, the more the
    fewer samples there are. So the interval holds those sizes under which a figure like this one is not unusual (a test
    inverted, with normal errors of the gaps and of the bins' shares); it begins at 0 where no gap at all explains it.
    """
    total = n.sum()
    if total == 0:
        return Estimate(0.0, 0.0, 1.0)
    weight = n / total
    value = float(weight @ np.abs(gap))
    likely = np.clip(sure + weight @ gap, 0.02, 0.98)  # a bin borrows some answers: three of three are not certain
    error = _WIDER * np.sqrt((spread + _BORROWED * likely * (1 - likely)) / (n - 1 + _BORROWED) / n)
    pattern = _pattern(gap, error**2, weight)
    noise, sway = _noise()[:, : len(n)] * error, _noise()[:, -1]
    share_error = np.sqrt(max(float(weight @ pattern**2) - 1, 0.0) / total)

    def usual(size: float, part: float) -> float:
        figures = np.abs(size * pattern + noise) @ weight + sway * (size * share_error)
        return float(np.quantile(figures, part))

    def size(part: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if usual(middle, part) < value else (low, middle)
        return (low + high) / 2

    low = 0.0 if usual(0.0, _NO_GAP) >= value else min(size(_ENDS[0]), value)
    return Estimate(value, low, max(size(_ENDS[1]), value) if value else usual(0.0, 0.95))


def _pattern(gap: Floats, variance: Floats, weight: Floats) -> Floats:
    """How the gap is shared out among the bins, with a weighted size of 1: the gaps drawn together as far as their
    errors explain how they differ (empirical Bayes with the spread of DerSimonian and Laird, 1986).
    """
    trust = 1 / variance
    off = gap - (trust @ gap) / trust.sum()
    beyond = float(trust @ off**2) - (len(gap) - 1)
    between = beyond / (trust.sum() - trust @ trust / trust.sum()) if len(gap) > 1 else 0.0
    between = max(between, _LEAST_SPREAD * float(weight @ variance))
    trust = 1 / (variance + between)
    middle = (trust @ gap) / trust.sum()
    pattern: Floats = middle + between * trust * (gap - middle)
    size = float(weight @ np.abs(pattern))
    return pattern / size if size > 0 else np.ones_like(gap)


@cache
def _noise() -> Floats:
    return np.random.default_rng(0).standard_normal((_DRAWS, 64))
