"""The scores of a confusion matrix with one sample left out, for each cell at once: what the jackknife needs."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def without_one(rows: Places, columns: Places, counts: Floats, size: int) -> dict[str, Floats]:
    """By name of a score (``MatrixScores.NAMES``): its value after one sample of each cell was taken away, one a cell.

    The matrix (size, size) has whole ``counts`` above 0 at (rows, columns) and nothing elsewhere. Exact: taking one
    sample away changes one row and one column only. Classes that then occur no more leave the means.
    """
    same = rows == columns
    on = same.astype(np.float64)
    r: Floats = np.bincount(rows, counts, size).astype(np.float64)
    c: Floats = np.bincount(columns, counts, size).astype(np.float64)
    d: Floats = np.bincount(rows[same], counts[same], size).astype(np.float64)
    left = max(float(counts.sum()) - 1, 1.0)
    precision, recall, f1 = _ratio(d, c), _ratio(d, r), _ratio(2 * d, r + c)
    a, b = rows, columns
    # of the sample's label a: recall and F1; of its prediction b: precision and F1. On the diagonal both are one.
    recall_a, precision_b = _ratio(d[a] - on, r[a] - 1), _ratio(d[b] - on, c[b] - 1)
    both_a, both_b = r[a] + c[a] - 1 - on, r[b] + c[b] - 1 - on
    f1_a, f1_b = _ratio(2 * (d[a] - on), both_a), _ratio(2 * (d[b] - on), both_b)
    occur = np.maximum(np.count_nonzero(r + c) - (both_a <= 0) - ((both_b <= 0) & ~same), 1)
    labelled = np.maximum(np.count_nonzero(r) - (r[a] <= 1), 1)
    recalls = recall.sum() - recall[a] + recall_a
    weighted_precision = np.where(
        same,
        r[a] * precision[a] - (r[a] - 1) * precision_b,
        precision[a] + r[b] * (precision[b] - precision_b),
    )
    weighted_f1 = r[a] * f1[a] - (r[a] - 1) * f1_a + np.where(same, 0, r[b] * (f1[b] - f1_b))
    right = (d.sum() - on) / left
    chance = (r @ c - c[a] - r[b] + on) / left**2
    by_label, by_class = 1 - (r @ r - 2 * r[a] + 1) / left**2, 1 - (c @ c - 2 * c[b] + 1) / left**2
    return {
        "balanced_accuracy": recalls / labelled,
        "macro_precision": (precision.sum() - precision[b] + precision_b) / occur,
        "macro_recall": recalls / occur,
        "macro_f1": (f1.sum() - f1[a] + f1_a - np.where(same, 0, f1[b] - f1_b)) / occur,
        "weighted_precision": ((r * precision).sum() - weighted_precision) / left,
        "weighted_recall": right,
        "weighted_f1": ((r * f1).sum() - weighted_f1) / left,
        "kappa": _ratio(right - chance, 1 - chance),
        "mcc": _ratio(right - chance, np.sqrt(np.maximum(by_label, 0) * np.maximum(by_class, 0))),
    }


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(len(above), dtype=np.float64), where=below > 1e-12)
