"""All figures of a run on one split, each with its 95 % interval. Equal to scikit-learn's, which the tests check."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation import intervals
from core.evaluation.intervals import Estimate
from core.evaluation.metrics import Evaluation, targets
from core.runs.predictions import Predictions

TOP = (2, 3, 5)  # the k of top-k; only those below the number of classes say anything
_CHUNK = 1024  # rows at a time: 1,000 classes then take 4 MB, which a processor keeps at hand


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class with intervals; ``support`` samples carry the label, ``predicted`` got the class."""

    name: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int
    predicted: int


@dataclass(frozen=True, slots=True)
class Scores:
    """``overall`` by name; ``None`` where a figure is not defined (Cohen's kappa of a single class).

    Names: accuracy, balanced_accuracy, macro_ and weighted_ precision, recall and f1, kappa, mcc, log_loss,
    top_2_accuracy and so on.
    """

    overall: dict[str, Estimate | None]
    per_class: tuple[ClassScores, ...]


def score(predictions: Predictions, evaluation: Evaluation, labels: Sequence[str | None] | None = None) -> Scores:
    """All figures of ``predictions``, of which ``evaluation`` is the matrix under the same ``labels``."""
    true = targets(predictions, labels)
    known = np.flatnonzero(true >= 0)
    overall: dict[str, Estimate | None] = {
        "accuracy": intervals.share(evaluation.correct, evaluation.samples) if evaluation.samples else None,
        **intervals.of_matrix(evaluation.matrix),
        "log_loss": None,
    }
    if len(known):
        if overall["accuracy"] is not None:  # weighted recall is the accuracy by another name
            overall["weighted_recall"] = overall["accuracy"]
        given, rank = _given(predictions.probabilities, true, known)
        overall["log_loss"] = intervals.of_mean(-np.log(given))
        for k in TOP:
            if k < len(predictions.classes):
                overall[f"top_{k}_accuracy"] = intervals.share(int((rank < k).sum()), len(known))
    return Scores(overall, per_class(evaluation))


def per_class(evaluation: Evaluation) -> tuple[ClassScores, ...]:
    """Each class's figures: Wilson's intervals given its support, and given how often it was predicted."""
    matrix = evaluation.matrix
    right, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    bounds = [
        intervals.wilson_many(right, predicted),
        intervals.wilson_many(right, support),
        intervals.of_f1(right, support, predicted),
    ]
    found = []
    for i, one in enumerate(evaluation.per_class):
        precision, recall, f1 = (
            Estimate(value, float(low[i]), float(high[i]))
            for value, (low, high) in zip((one.precision, one.recall, one.f1), bounds, strict=True)
        )
        found.append(ClassScores(one.name, precision, recall, f1, one.support, one.predicted))
    return tuple(found)


def losses(predictions: Predictions, labels: Sequence[str | None] | None = None) -> npt.NDArray[np.float64]:
    """Each row's log loss; NaN where it has no label."""
    true = targets(predictions, labels)
    found = np.full(len(true), np.nan)
    known = np.flatnonzero(true >= 0)
    if len(known):
        found[known] = -np.log(_given(predictions.probabilities, true, known)[0])
    return found


def _given(
    probabilities: npt.NDArray[np.float32], true: npt.NDArray[np.int64], known: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The probability given to each label, kept off 0 and 1 as scikit-learn does, and how many classes stand above it
    (among equals the later class does, as in scikit-learn).
    """
    given = probabilities[known, true[known]]
    rank = np.zeros(len(known), dtype=np.int64)
    places = np.arange(probabilities.shape[1])
    unsure = np.flatnonzero(given <= 0.5)  # above one half nothing can stand above or beside it
    for start in range(0, len(unsure), _CHUNK):
        part = unsure[start : start + _CHUNK]
        rows, own, label = probabilities[known[part]], given[part, None], true[known[part], None]
        above = np.count_nonzero(rows > own, axis=1)
        tied = np.flatnonzero(np.count_nonzero(rows >= own, axis=1) > above + 1)
        above[tied] += np.count_nonzero((rows[tied] == own[tied]) & (places > label[tied]), axis=1)
        rank[part] = above
    eps = np.finfo(np.float32).eps
    return np.clip(given.astype(np.float64), eps, 1 - eps), rank
