"""One class against the rest: ROC and precision-recall curves; and deciding where errors do not cost the same."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Counts when everything from ``threshold`` on is taken for the class; thresholds fall. ``auc`` is the area under
    the ROC curve, ``average_precision`` that under precision over recall (in steps); ``None`` where undefined.
    """

    threshold: Floats
    true_positive: npt.NDArray[np.int64]
    false_positive: npt.NDArray[np.int64]
    positives: int
    negatives: int
    auc: float | None
    average_precision: float | None


def curves(score: npt.ArrayLike, positive: npt.ArrayLike) -> Curves:
    """``score`` of each sample for the class, and whether it carries its label."""
    value, own = np.asarray(score, dtype=np.float64), np.asarray(positive, dtype=np.int64)
    order = np.argsort(-value, kind="stable")
    value, own = value[order], own[order]
    ends = np.flatnonzero(np.r_[np.diff(value) != 0, True]) if len(value) else np.zeros(0, dtype=np.int64)
    hits, all_ = own.cumsum()[ends], ends + 1
    misses = all_ - hits
    positives, negatives = int(own.sum()), int(len(own) - own.sum())
    auc = average = None
    if positives and negatives:
        x, y = np.r_[0, misses] / negatives, np.r_[0, hits] / positives
        auc = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
    if positives:
        average = float(np.sum(np.diff(np.r_[0, hits]) / positives * (hits / all_)))
    return Curves(value[ends], hits.astype(np.int64), misses.astype(np.int64), positives, negatives, auc, average)


def equal_costs(classes: int) -> Floats:
    """Costs (classes, classes) where every error costs 1 and what is right nothing: the likeliest class is cheapest."""
    costs: Floats = 1.0 - np.eye(classes)
    return costs


def cheapest(probabilities: npt.NDArray[np.float32], costs: Floats) -> npt.NDArray[np.int64]:
    """For each row the class whose expected cost is least. ``costs`` is (classes, classes): what taking the label of
    the row for the class of the column costs.
    """
    chances = probabilities.astype(np.float64)
    extra = costs - equal_costs(len(costs))  # beside 1 for every error; of many classes few have any
    labels, taken = np.flatnonzero(extra.any(axis=1)), np.flatnonzero(extra.any(axis=0))
    expected = -chances  # but for a constant in each row
    expected[:, taken] += chances[:, labels] @ extra[np.ix_(labels, taken)]
    return np.asarray(expected.argmin(axis=1), dtype=np.int64)


def total_cost(matrix: npt.NDArray[np.int64], costs: Floats) -> float:
    """What the errors of a confusion matrix cost."""
    return float((matrix * costs).sum())
