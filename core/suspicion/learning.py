"""What more images, or corrected labels, are likely to bring: from how errors fell as the training set grew.

Errors of a fixed model on fixed embeddings fall about as a power of the number of training images. The power is fitted
to all classes together, since one class has too few errors for one of its own, and drawn a little towards each class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAWS = 300
_STEEPEST = 1.0
_OWN_AT = 60.0  # errors of a class at which its own power counts as much as that of all

_SHARED = 20  # samples of all classes that count with those of one


@dataclass(frozen=True, slots=True)
class Gain:
    """A change of accuracy, as a share (0.01 is one point), with the bounds that hold in 95 of 100 cases."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Who was right at each size of the training set.

    ``shares`` are the sizes as shares of the whole, ascending, the last 1; ``right`` is (sizes, samples), ``truth`` the
    class index of each sample. Every sample was predicted by models that had not seen it.
    """

    shares: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    truth: npt.NDArray[np.intp]


def more_images(curve: Curve, classes: int, more: int = 30) -> list[Gain | None]:
    """For each class, by how much its recall is likely to rise with ``more`` images of it; None where it has none."""
    random = np.random.default_rng(0)
    count = len(curve.truth)
    sizes = np.bincount(curve.truth, minlength=classes)
    draws = np.full((DRAWS + 1, classes), np.nan)
    for draw in range(DRAWS + 1):
        chosen = np.arange(count) if draw == 0 else random.integers(0, count, count)
        draws[draw] = _gains(curve, chosen, classes, sizes, more)
    return [None if not sizes[c] else _gain(draws[0, c], draws[1:, c]) for c in range(classes)]


def corrections(
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    chances: npt.NDArray[np.floating],
    hits: npt.NDArray[np.floating],
) -> Gain:
    """By how much accuracy is likely to rise when the labels with the chances ``hits`` are corrected.

    ``before`` and ``after`` say who of the samples with believable labels is right under a model fitted to the labels
    as they are and to what is believed of them; ``chances`` are those of all labels that the models were fitted to. All
    wrong labels together cost the difference; the next corrections bring their share of it.
    """
    total = float(np.sum(chances))
    if total < 0.5 or not len(before):
        return Gain(0.0, 0.0, 0.0)
    random = np.random.default_rng(0)
    steps = after.astype(np.float64) - before.astype(np.float64)
    draws = np.empty(DRAWS)
    for draw in range(DRAWS):
        found = float((random.random(len(hits)) < hits).sum())
        left = max(total * float(np.exp(random.normal(0, 0.45))), found, 1.0)
        draws[draw] = steps[random.integers(0, len(steps), len(steps))].mean() * found / left
    expected = float(steps.mean()) * float(np.sum(hits)) / max(total, 1.0)
    return _gain(expected, draws)


def corrections_by_class(
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    truth: npt.NDArray[np.intp],
    classes: int,
    chances: npt.NDArray[np.floating],
    hits: npt.NDArray[np.floating],
) -> list[Gain | None]:
    """As :func:`corrections`, of the same next ones: by how much each class's recall is likely to rise; None where a
    class has no sample with a believable label.

    ``truth`` are the classes of the samples of ``before`` and ``after``. Few samples of one class are answered
    differently, so each class is drawn towards all of them, and one without any such sample still has an interval.
    """
    steps = after.astype(np.int64) - before.astype(np.int64)
    seen = np.stack([np.bincount(truth[steps == step], minlength=classes) for step in (-1, 0, 1)]).astype(np.float64)
    sizes = seen.sum(axis=0)
    total = float(np.sum(chances))
    if total < 0.5:
        return [Gain(0.0, 0.0, 0.0) if size else None for size in sizes]
    random = np.random.default_rng(0)
    found = (random.random((DRAWS, len(hits))) < hits).sum(axis=1)
    share = found / np.maximum(np.maximum(total * np.exp(random.normal(0, 0.45, DRAWS)), found), 1.0)
    everywhere = seen.sum(axis=1) / max(seen.sum(), 1.0)
    gains: list[Gain | None] = []
    for c, size in enumerate(sizes):
        if not size:
            gains.append(None)
            continue
        weights = (seen[:, c] + _SHARED * everywhere) / (size + _SHARED)
        drawn = random.multinomial(int(size + _SHARED), weights, size=DRAWS) / (size + _SHARED)
        expected = float(weights[2] - weights[0]) * float(np.sum(hits)) / max(total, 1.0)
        gains.append(_gain(expected, (drawn[:, 2] - drawn[:, 0]) * share))
    return gains


def accuracy(curve: Curve) -> list[float]:
    """The share of samples that were right at each size."""
    return [float(row.mean()) for row in curve.right]


def _gains(
    curve: Curve, chosen: npt.NDArray[np.intp], classes: int, sizes: npt.NDArray[np.intp], more: int
) -> npt.NDArray[np.float64]:
    wrong = ~curve.right[:, chosen]
    truth = curve.truth[chosen]
    counts = np.stack([np.bincount(truth, weights=row, minlength=classes) for row in wrong]).astype(np.float64)
    there = np.maximum(np.bincount(truth, minlength=classes), 1)
    steps = np.log(curve.shares)
    pooled = _power(steps, counts.sum(axis=1))
    gains = np.zeros(classes)
    for c in range(classes):
        weight = counts[:, c].sum() / (counts[:, c].sum() + _OWN_AT * len(steps))
        power = (1 - weight) * pooled + weight * _power(steps, counts[:, c])
        # the level from all sizes, brought to the last one, is steadier than that of the last alone
        level = (counts[:, c].sum() + 0.5) / (np.exp(-power * steps).sum() * there[c] + 1)
        gains[c] = min(level, 1.0) * (1 - (1 + more / max(sizes[c], 1)) ** -power)
    return gains


def _power(steps: npt.NDArray[np.float64], errors: npt.NDArray[np.float64]) -> float:
    """The power with which errors fall: weighted least squares on logarithms, kept within what is possible."""
    weight = errors + 0.5
    x, y = steps, np.log(errors + 0.5)
    centre_x, centre_y = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
    spread = (weight * (x - centre_x) ** 2).sum()
    slope = -(weight * (x - centre_x) * (y - centre_y)).sum() / max(spread, 1e-12)
    return float(np.clip(slope, 0.0, _STEEPEST))


def _gain(expected: float, draws: npt.NDArray[np.float64]) -> Gain:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Gain(float(expected), float(min(low, expected)), float(max(high, expected)))
