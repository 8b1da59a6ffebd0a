"""Scores that a confusion matrix decides, each with its slope by every cell: what the delta method needs.

A matrix over 1,000 classes is mostly empty, so all works on lists of cells.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixScores:
    """``values`` by name, ``None`` where scikit-learn has no number; ``slopes`` by name, one a cell: the derivative of
    the score by the share of samples in that cell.
    """

    values: dict[str, float | None]
    slopes: dict[str, Floats]

    NAMES: ClassVar = (
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "weighted_precision",
        "weighted_recall",
        "weighted_f1",
        "kappa",
        "mcc",
    )
    SIGNED: ClassVar = frozenset({"kappa", "mcc"})


def of_cells(
    rows: Places, columns: Places, counts: Floats, size: int, *, only: npt.NDArray[np.bool_] | None = None
) -> MatrixScores:
    """All scores of the matrix (size, size) that has ``counts`` at (rows, columns) and nothing elsewhere.

    Means over classes run over those of ``only``; by default those that occur as a label or a prediction, as in
    scikit-learn. A ratio whose denominator is 0 is 0.
    """
    total = counts.sum()
    if total == 0:
        return MatrixScores(dict.fromkeys(MatrixScores.NAMES), {})
    shares = counts / total
    same = rows == columns
    r: Floats = np.bincount(rows, shares, size).astype(np.float64)
    c: Floats = np.bincount(columns, shares, size).astype(np.float64)
    d: Floats = np.bincount(rows[same], shares[same], size).astype(np.float64)
    precision, recall, f1 = _ratio(d, c), _ratio(d, r), _ratio(2 * d, r + c)
    counted = (r + c) > 0 if only is None else only
    labelled = counted & (r > 0)
    a, b, on = rows, columns, same.astype(np.float64)
    by_precision = _ratio(on - precision[b], c[b])
    by_recall = _ratio(on - recall[a], r[a])
    s = r + c
    # F1 = 2d / s: a cell on the diagonal adds 2 to both, one beside it 1 to the s of its row and of its column
    f1_by_row, f1_by_column = _ratio(on - f1[a], s[a]), _ratio(on - f1[b], s[b])
    mean = 1 / max(1, int(counted.sum()))
    in_a, in_b = counted[a], counted[b]
    values: dict[str, float | None] = {
        "balanced_accuracy": float(recall[labelled].mean()) if labelled.any() else None,
        "macro_precision": float(precision[counted].sum() * mean),
        "macro_recall": float(recall[counted].sum() * mean),
        "macro_f1": float(f1[counted].sum() * mean),
        "weighted_precision": float(r @ precision),
        "weighted_recall": float(d.sum()),
        "weighted_f1": float(r @ f1),
    }
    slopes = {
        "balanced_accuracy": by_recall * labelled[a] / max(1, int(labelled.sum())),
        "macro_precision": by_precision * in_b * mean,
        "macro_recall": by_recall * in_a * mean,
        "macro_f1": (f1_by_row * in_a + f1_by_column * in_b) * mean,
        "weighted_precision": precision[a] + r[b] * by_precision,
        "weighted_recall": on,
        "weighted_f1": f1[a] + r[a] * f1_by_row + r[b] * f1_by_column,
    }
    values["kappa"], slopes["kappa"] = _kappa(r, c, a, b, on, float(d.sum()))
    values["mcc"], slopes["mcc"] = _mcc(r, c, a, b, on, float(d.sum()))
    return MatrixScores(values, slopes)


def _kappa(r: Floats, c: Floats, a: Places, b: Places, on: Floats, right: float) -> tuple[float | None, Floats]:
    """Cohen's kappa; not defined where label and prediction are one class throughout."""
    chance = float(r @ c)
    if 1 - chance <= 1e-12:
        return None, np.zeros(len(a))
    slopes = (on * (1 - chance) - (1 - right) * (c[a] + r[b])) / (1 - chance) ** 2
    return (right - chance) / (1 - chance), slopes


def _mcc(r: Floats, c: Floats, a: Places, b: Places, on: Floats, right: float) -> tuple[float, Floats]:
    """Matthews' correlation for many classes (Gorodkin 2004); 0 where label or prediction never changes."""
    above, by_label, by_class = right - float(r @ c), 1 - float(r @ r), 1 - float(c @ c)
    if by_label <= 1e-12 or by_class <= 1e-12:
        return 0.0, np.zeros(len(a))
    below = np.sqrt(by_label * by_class)
    slopes = (on - c[a] - r[b]) / below + above / below * (r[a] / by_label + c[b] / by_class)
    return float(above / below), slopes


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(len(above), dtype=np.float64), where=below > 0)
