"""Areas under ROC and precision-recall curves, each class against the rest, and their mean, with intervals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.intervals import Estimate, wilson

MOST = 20_000_000  # probabilities: a sort of each class's column takes seconds there, and a minute soon after
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Areas:
    """``roc_auc`` and ``average_precision`` of each class (``None`` where one has no samples, or all), and their means
    over those classes that have one.
    """

    roc_auc: tuple[Estimate | None, ...]
    average_precision: tuple[Estimate | None, ...]
    macro_roc_auc: Estimate | None
    macro_average_precision: Estimate | None


def areas(probabilities: npt.NDArray[np.float32], true: npt.NDArray[np.int64]) -> Areas:
    """``true`` are class indices, one a row; rows below 0 have no label and are left out. Beyond :data:`MOST`
    probabilities there are none: :func:`of_class` gives those of one class.

    The variance is the jackknife's, which leaves each sample out in turn; for the ROC curve that is DeLong's (1988).
    """
    known = np.flatnonzero(true >= 0)
    own, size = true[known], probabilities.shape[1]
    if len(known) * size > MOST:
        return Areas((None,) * size, (None,) * size, None, None)
    curves: list[tuple[Estimate, Estimate] | None] = [None] * size
    sums = np.zeros((2, len(known)))
    totals, floors, counted = np.zeros(2), np.zeros((2, 2)), 0
    for place in range(size):
        positive = own == place
        if not positive.any() or positive.all():
            continue
        values, left, least = _left_out(probabilities[known, place], positive)
        curves[place] = _both(values, left, least)
        sums, totals, floors, counted = sums + left, totals + values, floors + least, counted + 1
    several = counted if counted > 2 else 1  # two classes are one curve seen from both sides
    least = floors / max(counted, 1) / np.array([several, 1])
    macro = [_estimate(totals[i] / counted, sums[i] / counted, least[i]) if counted else None for i in (0, 1)]
    return Areas(tuple(one and one[0] for one in curves), tuple(one and one[1] for one in curves), *macro)


def of_class(score: npt.NDArray[np.float32], positive: npt.NDArray[np.bool_]) -> tuple[Estimate, Estimate] | None:
    """Both areas of one class: ``score`` of each sample, and whether it has the label; ``None`` without both kinds."""
    if not positive.any() or positive.all():
        return None
    return _both(*_left_out(score, positive))


def _both(values: Floats, left: Floats, least: Floats) -> tuple[Estimate, Estimate]:
    return _estimate(values[0], left[0], least[0]), _estimate(values[1], left[1], least[1])


def _left_out(score: npt.NDArray[np.float32], positive: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Both areas of one class, the same with each sample left out, and the least that their variances can be."""
    order = np.argsort(-score, kind="stable")
    ranked, own = score[order], positive[order].astype(np.float64)
    ends = np.flatnonzero(np.r_[np.diff(ranked) != 0, True])
    group = np.searchsorted(ends, np.arange(len(ranked)))  # of equal scores, which come as one
    hits, seen = own.cumsum()[ends], (ends + 1).astype(np.float64)
    here, size = np.diff(np.r_[0.0, hits]), np.diff(np.r_[0.0, seen])
    p, n = hits[-1], seen[-1] - hits[-1]
    misses, off = seen - hits, size - here
    above = hits - here / 2  # of a negative: positives above it, half of those beside it
    below = n - misses + off / 2
    pairs = float((off * above).sum())
    auc = pairs / (p * n)
    with np.errstate(divide="ignore", invalid="ignore"):
        without_positive = (pairs - below[group]) / ((p - 1) * n) if p > 1 else np.full(len(own), 0.5)
        without_negative = (pairs - above[group]) / (p * (n - 1)) if n > 1 else np.full(len(own), 0.5)
        fewer_hits = np.where(seen > 1, (hits - 1) / (seen - 1), 0.0)
        fewer_misses = np.where(seen > 1, hits / (seen - 1), 0.0)
    precision = hits / seen
    whole = here * precision
    average = float(whole.sum()) / p
    # a sample left out changes the precision at its own place and at all below it
    rest = whole.cumsum() - whole
    lower_hits = (here * fewer_hits)[::-1].cumsum()[::-1] - fewer_hits
    lower_misses = (here * fewer_misses)[::-1].cumsum()[::-1]
    ap_positive = (rest + lower_hits)[group] / (p - 1) if p > 1 else np.zeros(len(own))
    ap_negative = (rest + lower_misses)[group] / p
    left = np.empty((2, len(own)))
    left[0, order] = np.where(own > 0, without_positive, without_negative)
    left[1, order] = np.where(own > 0, ap_positive, ap_negative)
    return np.array([auc, average]), left, _least(p, n)


def _estimate(value: float, left: Floats, least: Floats) -> Estimate:
    """Wilson's interval at the sample size that the variance amounts to; ``least`` is the variance where all is right,
    and at which area.
    """
    n, inside = len(left), min(max(float(value), 1e-3), 1 - 1e-3)
    jackknife = (n - 1) / n * float(((left - left.mean()) ** 2).sum())
    floor, at = least.tolist()
    trials = inside * (1 - inside) / jackknife if jackknife > floor else at * (1 - at) / floor
    return Estimate(float(value), *wilson(value * trials, trials)).shifted(float(value))


def _least(positives: float, negatives: float) -> Floats:
    """For both areas: the variance with half a sample lent to the other side of perfection (Hanley and McNeil's of the
    one, a share's of the other), for an area of 1.0 is never certain; and the area that it is of.
    """
    fewer = min(positives, negatives)
    a = (fewer + 0.5) / (fewer + 1)
    one, two = a / (2 - a), 2 * a * a / (1 + a)
    roc = a * (1 - a) + (positives - 1) * (one - a * a) + (negatives - 1) * (two - a * a)
    b = (positives + 0.5) / (positives + 1)
    return np.array([[roc / (positives * negatives), a], [b * (1 - b) / positives, b]])
