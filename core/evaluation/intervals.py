"""95 % intervals: Wilson's for shares, jackknife and delta method for a confusion matrix's scores, Hall's for means.

All are formulas over whole arrays, so 100,000 predictions over 1,000 classes take milliseconds. The tests simulate how
often each holds the truth.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.leave_one_out import without_one
from core.evaluation.matrix_scores import MatrixScores, of_cells

Floats = npt.NDArray[np.float64]

Z95 = 1.959963984540054  # the 97.5 % point of the standard normal distribution
_BORROWED = 2.5  # pseudo-observations a row and column: without them a class of five, all right, would look certain
_MANY = 200  # classes past which only the diagonal borrows: a million cells would take half a second


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def shifted(self, value: float) -> "Estimate":
        """The interval about ``value``, widened where it does not hold it."""
        return Estimate(value, min(self.low, value), max(self.high, value))


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927); (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    low, high = wilson_many(np.array([successes]), np.array([trials]))
    return float(low[0]), float(high[0])


def wilson_many(successes: npt.ArrayLike, trials: npt.ArrayLike, z: float = Z95) -> tuple[Floats, Floats]:
    """Wilson's interval for many shares at once; (0, 1) where there were no trials. ``z`` is another confidence's."""
    n = np.asarray(trials, dtype=np.float64)
    some = np.maximum(n, 1e-12)
    share = np.clip(np.asarray(successes, dtype=np.float64) / some, 0, 1)
    square = z**2
    centre = (share + square / (2 * some)) / (1 + square / some)
    half = z / (1 + square / some) * np.sqrt(share * (1 - share) / some + square / (4 * some**2))
    low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
    return np.where(n > 0, np.minimum(low, share), 0.0), np.where(n > 0, np.maximum(high, share), 1.0)


def share(successes: int, trials: int) -> Estimate:
    """A share with Wilson's interval."""
    low, high = wilson(successes, trials)
    return Estimate(successes / trials if trials else 0.0, low, high)


def of_f1(correct: npt.ArrayLike, support: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Intervals of F1 a class. Of the samples that carry the class or got it, the share J that does both is a share
    like any other, and F1 = 2J / (1 + J).
    """
    hits = np.asarray(correct, dtype=np.float64)
    low, high = wilson_many(hits, np.asarray(support) + np.asarray(predicted) - hits)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def of_matrix(matrix: npt.NDArray[np.int64]) -> dict[str, Estimate | None]:
    """Every score of :class:`MatrixScores` with its interval; ``None`` where it is not defined.

    The variance is the jackknife's (Efron and Stein 1981) or the delta method's for one multinomial over all cells
    (Agresti 2013, 16.1), computed on a matrix that borrows a little from the whole, whichever is larger. A score that
    is no mean is off on average where classes have few samples: the jackknife's estimate of that (Quenouille 1956)
    moves the interval back, not the score. The interval is Wilson's at the sample size that the variance amounts to
    (Korn and Graubard 1998), which stays sensible near 0 and 1.

    Two cases where few errors decide: the means over two classes have Zou and Donner's interval (2008) of the classes'
    own; and without any error the interval ends where Wilson's of the accuracy does.
    """
    total = int(matrix.sum())
    if total == 0:
        return dict.fromkeys(MatrixScores.NAMES)
    rows, columns = np.nonzero(matrix)
    cells = matrix[rows, columns].astype(np.float64)
    exact = of_cells(rows, columns, cells, len(matrix))
    if int(np.trace(matrix)) == total:
        return _flawless(matrix, exact)
    smooth_rows, smooth_columns, counts = _smoothed(matrix)
    occurs = matrix.sum(axis=1) + matrix.sum(axis=0) > 0
    smooth = of_cells(smooth_rows, smooth_columns, counts, len(matrix), only=occurs)
    weights, left = counts / counts.sum(), without_one(rows, columns, cells, len(matrix))
    found: dict[str, Estimate | None] = {}
    for name in MatrixScores.NAMES:
        value = exact.values[name]
        if value is None:
            found[name] = None
            continue
        slopes = smooth.slopes[name]
        delta = float(weights @ (slopes - float(weights @ slopes)) ** 2) / total
        middle = float(cells @ left[name]) / total
        jackknife = (total - 1) / total * float(cells @ (left[name] - middle) ** 2)
        bias = (total - 1) * (middle - value)
        signed = name in MatrixScores.SIGNED
        found[name] = _about(value - bias, max(delta, jackknife), signed=signed).shifted(value)
    if int(occurs.sum()) == 2:
        found |= _of_two(matrix[np.ix_(occurs, occurs)])
    return found


def _flawless(matrix: npt.NDArray[np.int64], exact: MatrixScores) -> dict[str, Estimate | None]:
    """The intervals where all is right: each begins where that of the accuracy does; a class's own is not known."""
    support = np.diag(matrix)[np.diag(matrix) > 0].astype(np.float64)
    share, _ = wilson(support.sum(), support.sum())
    means = 1 - math.sqrt(float(((1 - wilson_many(support, support)[0]) ** 2).sum())) / len(support)
    chance = float(((support / support.sum()) ** 2).sum())
    lows = dict.fromkeys(MatrixScores.NAMES, share)
    lows |= dict.fromkeys(("balanced_accuracy", "macro_precision", "macro_recall", "macro_f1"), means)
    lows |= dict.fromkeys(MatrixScores.SIGNED, 1 - (1 - share) / max(1 - chance, 1e-12))
    found = ((name, exact.values[name]) for name in MatrixScores.NAMES)
    return {
        name: None if value is None else Estimate(value, max(lows[name], -1.0), 1.0).shifted(value)
        for name, value in found
    }


def _of_two(matrix: npt.NDArray[np.int64]) -> dict[str, Estimate | None]:
    """Means over two classes: the classes' Wilson intervals put together (Zou and Donner 2008)."""
    right, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    found: dict[str, Estimate | None] = {}
    for name, among in (("balanced_accuracy", support), ("macro_recall", support), ("macro_precision", predicted)):
        if not (among > 0).all():
            continue
        shares = right / among
        low, high = wilson_many(right, among)
        value = float(shares.mean())
        down, up = (math.sqrt(float(((shares - end) ** 2).sum())) / 2 for end in (low, high))
        found[name] = Estimate(value, max(value - down, 0.0), min(value + up, 1.0)).shifted(value)
    return found


def of_mean(values: Floats) -> Estimate | None:
    """A mean with Hall's interval (1992), which allows for skew; ``None`` without values."""
    n = len(values)
    if n == 0:
        return None
    mean = float(values.mean())
    centred = values - mean
    spread = float(np.sqrt((centred**2).sum() / max(n - 1, 1)))
    if n < 3 or spread == 0:
        return Estimate(mean, mean, mean)
    skew = float((centred**3).mean()) / spread**3
    t = Z95 * (1 + (Z95**2 + 1) / (4 * n))  # Student's quantile to first order
    if abs(skew) < 1e-9:
        return Estimate(mean, mean - t * spread / math.sqrt(n), mean + t * spread / math.sqrt(n))
    low, high = (_hall(x / math.sqrt(n), skew, n) for x in (t, -t))
    return Estimate(mean, mean - low * spread, mean - high * spread).shifted(mean)


def _hall(x: float, skew: float, n: int) -> float:
    """Hall's inverse of the skew-corrected statistic."""
    inner = 1 + skew * (x - skew / (6 * n))
    return 3 / skew * (math.copysign(abs(inner) ** (1 / 3), inner) - 1)


def _smoothed(matrix: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """The matrix with pseudo-observations: to each class that occurs, as many right and wrong as in the whole."""
    counts = matrix.astype(np.float64)
    support, predicted = counts.sum(axis=1), counts.sum(axis=0)
    total = counts.sum()
    right = (np.trace(counts) + 1) / (total + 2)
    occurs = np.flatnonzero(support + predicted > 0)
    if 1 < len(occurs) <= _MANY:
        shares = np.zeros(len(counts))
        shares[occurs] = (support[occurs] + predicted[occurs]) / (2 * total)
        for_each = _BORROWED * (1 - right)
        extra = np.outer(support > 0, shares) * for_each / 2 + np.outer(shares, predicted > 0) * for_each / 2
        counts += extra
    counts[occurs, occurs] += _BORROWED * right * (support[occurs] > 0)
    rows, columns = np.nonzero(counts)
    return rows, columns, counts[rows, columns]


def _about(value: float, variance: float, *, signed: bool) -> Estimate:
    low_end = -1.0 if signed else 0.0
    share = min(max((value - low_end) / (1 - low_end), 0.0), 1.0)
    spread = variance / (1 - low_end) ** 2
    if spread <= 0:
        return Estimate(value, value, value)
    inside = min(max(share, 1e-3), 1 - 1e-3)
    trials = inside * (1 - inside) / spread
    low, high = wilson(share * trials, trials)
    return Estimate(value, low_end + low * (1 - low_end), low_end + high * (1 - low_end))
