"""A linear head in closed form: ridge regression on class indicators, its temperature set on out-of-fold scores.

One pass over the embeddings gives a Gram matrix per fold; every fit (each fold's and the last) is then a small
Cholesky solve. With fewer samples than dimensions the same is done on the kernel matrix. On real embeddings it is
as accurate as logistic regression fitted fold by fold (benchmarks/instant.py) in a fraction of the time.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar
from threadpoolctl import ThreadpoolController

from core.embedding.backbone import usable_cores

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

FOLDS = 5
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)  # times the mean eigenvalue of the scatter matrix
_ENOUGH = 1000  # held-out samples from which the penalty can be chosen: more only costs time
_USUAL_SHARPNESS = float(np.log(8.0))  # what real sets come to; holds a handful of samples back from certainty
_TINY = 1e-6  # keeps identical images solvable
_ABSENT = -20.0  # logit of a class with nothing to learn from


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """``embeddings @ weight + bias`` are logits; weight is (dimensions, classes)."""

    weight: Floats
    bias: Floats

    def probabilities(self, embeddings: Floats) -> Floats:
        """Softmax of the logits, (samples, classes)."""
        return softmax(embeddings @ self.weight + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The head of all samples, and what heads that had not seen them say of them (samples, classes)."""

    head: Head
    out_of_fold: Floats
    folds: int
    penalty: float


def fit(embeddings: Floats, target: Ints, classes: int, *, groups: Sequence[str], seed: int = 0) -> Fit:
    """Fit a head and its out-of-fold probabilities.

    ``target`` are class indices; samples of one group (exact duplicates) stay in one fold. The result depends on
    the arguments only.
    """
    with _libraries().limit(limits=1):
        return _fit(embeddings, target, classes, assign_folds(target, groups, seed=seed))


def assign_folds(target: Ints, groups: Sequence[str], *, seed: int) -> Ints:
    """A fold per sample: stratified by class, groups kept whole, at most ``FOLDS`` and no more than there are groups.

    A class of one sample is held out once, by a head that never saw the class: unlikely is then the honest answer.
    """
    _, first, group = np.unique(np.array(groups, dtype=object), return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    dealt = shuffled[np.argsort(target[first][shuffled], kind="stable")]
    fold_of_group = np.empty(len(first), dtype=np.intp)
    fold_of_group[dealt] = np.arange(len(first)) % min(FOLDS, len(first))
    return fold_of_group[group]


def softmax(logits: Floats) -> Floats:
    """Row-wise, in float32."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def log_loss(probabilities: Floats, target: Ints) -> float:
    """Mean negative log-probability of the true class; NaN without samples."""
    if not len(target):
        return float("nan")
    return float(-np.log(np.clip(probabilities[np.arange(len(target)), target], 1e-12, 1)).mean())


def _fit(embeddings: Floats, target: Ints, classes: int, fold: Ints) -> Fit:
    centre = embeddings.mean(axis=0)
    centred = embeddings - centre
    shape = _Kernel if len(target) < embeddings.shape[1] else _Gram
    solver: _Solver = shape(centred, np.eye(classes, dtype=np.float32)[target], fold)

    scores, penalty = _held_out_scores(solver, fold, target, classes)
    sharpness = _sharpness(scores, target)
    weight, bias = solver.all(penalty)
    absent = np.where(np.bincount(target, minlength=classes) == 0, np.float32(_ABSENT), np.float32(0))
    head = Head(weight * sharpness, (bias - centre @ weight) * sharpness + absent)
    return Fit(head, softmax(scores * sharpness + absent), int(fold.max()) + 1, penalty)


@cache
def _libraries() -> ThreadpoolController:
    """The linear algebra libraries, to be held to one thread each.

    Their own threads wait for one another many times a solve: beside other work on the same cores, such as the
    dashboard that asked for this run, that costs ten times the time. Whole folds are shared out instead.
    """
    return ThreadpoolController()


class _Gram:
    """More samples than dimensions: solves with (dimensions x dimensions) scatter matrices, a sum per fold."""

    def __init__(self, x: Floats, y: Floats, fold: Ints) -> None:
        count = int(fold.max()) + 1
        parts = [x[fold == held] for held in range(count)]
        self._x = parts
        with ThreadPoolExecutor(max_workers=usable_cores()) as pool:
            self._scatter = list(pool.map(lambda part: part.T @ part, parts))
        self._cross = [part.T @ y[fold == held] for held, part in enumerate(parts)]
        self._sum = [part.sum(axis=0) for part in parts]
        self._label_sum = [y[fold == held].sum(axis=0) for held in range(count)]
        self._size = [len(part) for part in parts]

    def held_out(self, held: int, penalty: float) -> Floats:
        weight, bias = self._solve([k for k in range(len(self._x)) if k != held], penalty)
        scores: Floats = self._x[held] @ weight + bias
        return scores

    def all(self, penalty: float) -> tuple[Floats, Floats]:
        return self._solve(list(range(len(self._x))), penalty)

    def _solve(self, folds: list[int], penalty: float) -> tuple[Floats, Floats]:
        size = np.float32(sum(self._size[k] for k in folds))
        mean = sum(self._sum[k] for k in folds) / size
        prior = sum(self._label_sum[k] for k in folds) / size
        scatter = self._scatter[folds[0]].copy()
        for k in folds[1:]:
            scatter += self._scatter[k]
        scatter -= size * np.outer(mean, mean)
        cross = sum(self._cross[k] for k in folds) - size * np.outer(mean, prior)
        _add_to_diagonal(scatter, penalty * float(np.trace(scatter)) / len(scatter) + _TINY)
        # symmetric; the transposed view is in the order that LAPACK works in, without a copy
        factor = cho_factor(scatter.T, lower=True, overwrite_a=True, check_finite=False)
        weight = cho_solve(factor, cross, check_finite=False).astype(np.float32)
        return weight, (prior - mean @ weight).astype(np.float32)


class _Kernel:
    """Fewer samples than dimensions: the same solution by way of the (samples x samples) matrix of products."""

    def __init__(self, x: Floats, y: Floats, fold: Ints) -> None:
        self._x, self._y, self._fold = x, y, fold
        self._products = x @ x.T

    def held_out(self, held: int, penalty: float) -> Floats:
        rest, out = np.flatnonzero(self._fold != held), np.flatnonzero(self._fold == held)
        dual, mean_products, prior = self._solve(rest, penalty)
        seen = self._products[np.ix_(out, rest)]
        return np.asarray((seen - mean_products) @ dual + prior, dtype=np.float32)

    def all(self, penalty: float) -> tuple[Floats, Floats]:
        dual, _, prior = self._solve(np.arange(len(self._x)), penalty)
        weight = self._x.T @ dual
        return weight, (prior - self._x.mean(axis=0) @ weight).astype(np.float32)

    def _solve(self, rows: Ints, penalty: float) -> tuple[Floats, Floats, Floats]:
        """Dual weights that sum to zero a class (so that uncentred products may be used with them), and the rest."""
        products = self._products[np.ix_(rows, rows)]
        mean = products.mean(axis=0)
        centred = products - mean - mean[:, None] + mean.mean()
        prior = self._y[rows].mean(axis=0)
        _add_to_diagonal(centred, penalty * float(np.trace(centred)) / self._x.shape[1] + _TINY)
        factor = cho_factor(centred, lower=True, overwrite_a=True, check_finite=False)
        dual = cho_solve(factor, self._y[rows] - prior, check_finite=False).astype(np.float32)
        dual -= dual.mean(axis=0)
        return dual, mean, prior


_Solver = _Gram | _Kernel


def _held_out_scores(solver: _Solver, fold: Ints, target: Ints, classes: int) -> tuple[Floats, float]:
    """Every sample's scores from the fit without its fold, under the penalty that serves the first folds best.

    The loss has one valley over the penalties, so the search starts in the middle and walks down.
    """
    count = int(fold.max()) + 1
    tried = _few(fold, count)
    rows = np.flatnonzero(fold < len(tried))
    seen: dict[int, tuple[float, dict[int, Floats]]] = {}

    def loss(place: int) -> float:
        if not 0 <= place < len(PENALTIES):
            return float("inf")
        if place not in seen:
            parts = {held: solver.held_out(held, PENALTIES[place]) for held in tried}
            scores = _gathered(parts, fold, classes)[rows]
            found = log_loss(softmax(scores * _sharpness(scores, target[rows])), target[rows])
            seen[place] = (found, parts)
        return seen[place][0]

    place = len(PENALTIES) // 2
    step = 1 if loss(place + 1) < loss(place) else -1
    while loss(place + step) < loss(place):
        place += step
    parts = seen[place][1]
    for held in range(len(tried), count):
        parts[held] = solver.held_out(held, PENALTIES[place])
    return _gathered(parts, fold, classes), PENALTIES[place]


def _gathered(parts: dict[int, Floats], fold: Ints, classes: int) -> Floats:
    scores = np.zeros((len(fold), classes), dtype=np.float32)
    for held, part in parts.items():
        scores[fold == held] = part
    return scores


def _few(fold: Ints, count: int) -> range:
    """The first folds that hold enough samples to choose a penalty by."""
    sizes = np.cumsum(np.bincount(fold, minlength=count))
    return range(min(count, int(np.searchsorted(sizes, _ENOUGH)) + 1))


def _sharpness(scores: Floats, target: Ints) -> np.float32:
    """The inverse temperature under which the scores' softmax fits the labels best."""

    def cost(logarithm: float) -> float:
        fitted = log_loss(softmax(scores * np.float32(np.exp(logarithm))), target) * len(target)
        return fitted + (logarithm - _USUAL_SHARPNESS) ** 2

    best = minimize_scalar(cost, bounds=(-1.0, 5.0), method="bounded", options={"xatol": 0.02})
    return np.float32(np.exp(best.x))


def _add_to_diagonal(matrix: Floats, value: float) -> None:
    matrix.flat[:: len(matrix) + 1] += value
