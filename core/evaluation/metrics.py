"""Confusion matrix, per-class figures and their intervals. Equal to scikit-learn's, which the tests check.

Written with NumPy, since importing scikit-learn would cost the process that draws pages a second and 100 MB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.intervals import wilson
from core.runs.predictions import Predictions


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class: ``support`` samples carry the label, ``predicted`` samples got the class.

    A ratio whose denominator is 0 is 0 (scikit-learn's ``zero_division=0``).
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A run on one split. ``matrix`` is an int array (classes, classes): rows are labels, columns predictions.

    ``macro_f1`` is the mean over the classes that occur as a label or a prediction, as in scikit-learn.
    ``unlabelled`` counts the split's samples that have no label and are left out.
    """

    classes: tuple[str, ...]
    matrix: npt.NDArray[np.int64]
    samples: int
    correct: int
    accuracy: float
    macro_f1: float
    per_class: tuple[ClassFigures, ...]
    unlabelled: int = 0
    out_of_fold: bool = False

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % Wilson interval."""
        return wilson(self.correct, self.samples)


def evaluate(predictions: Predictions, labels: Sequence[str | None] | None = None) -> Evaluation:
    """Evaluate all rows of ``predictions`` against their own labels, or against ``labels`` (one a row).

    A label that is none of the run's classes counts as no label: the run could not have predicted it.
    """
    true = targets(predictions, labels)
    known = true >= 0
    chosen = predictions.chosen[known]
    size = len(predictions.classes)
    matrix = np.bincount(true[known] * size + chosen, minlength=size * size).reshape(size, size).astype(np.int64)
    return from_matrix(
        predictions.classes,
        matrix,
        unlabelled=int((~known).sum()),
        out_of_fold=bool(predictions.out_of_fold.any()),
    )


def targets(predictions: Predictions, labels: Sequence[str | None] | None = None) -> npt.NDArray[np.int64]:
    """Each row's label as an index into the classes, -1 where it has none of them."""
    position: dict[str | None, int] = {name: index for index, name in enumerate(predictions.classes)}
    given = predictions.label.tolist() if labels is None else labels
    return np.fromiter((position.get(label, -1) for label in given), dtype=np.int64, count=len(given))


def from_matrix(
    classes: Sequence[str], matrix: npt.NDArray[np.int64], *, unlabelled: int = 0, out_of_fold: bool = False
) -> Evaluation:
    """All figures from a confusion matrix."""
    correct = np.diag(matrix)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    precision = _ratio(correct, predicted)
    recall = _ratio(correct, support)
    f1 = _ratio(2 * correct, support + predicted)
    occurs = (support + predicted) > 0
    samples, right = int(matrix.sum()), int(correct.sum())
    return Evaluation(
        classes=tuple(classes),
        matrix=matrix,
        samples=samples,
        correct=right,
        accuracy=right / samples if samples else 0.0,
        macro_f1=float(f1[occurs].mean()) if occurs.any() else 0.0,
        per_class=tuple(
            ClassFigures(name, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]), int(predicted[i]))
            for i, name in enumerate(classes)
        ),
        unlabelled=unlabelled,
        out_of_fold=out_of_fold,
    )


def _ratio(above: npt.NDArray[np.int64], below: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros(len(above), dtype=np.float64), where=below > 0)
