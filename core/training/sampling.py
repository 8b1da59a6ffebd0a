"""The order in which an epoch sees train: a pure function of seed and epoch, so a resumed run repeats it."""

import numpy as np
import numpy.typing as npt

from core.training.task import Rows


def epoch_order(train: Rows, target: Rows, *, seed: int, epoch: int, balanced: bool) -> Rows:
    """``train`` shuffled; ``balanced`` draws as many with replacement, each class as often as any other."""
    random = np.random.default_rng((seed, epoch))
    if not balanced:
        return train[random.permutation(len(train))]
    classes, inverse, counts = np.unique(target[train], return_inverse=True, return_counts=True)
    chance = 1 / (len(classes) * counts[inverse])
    return train[random.choice(len(train), size=len(train), p=chance / chance.sum())]


def class_weights(train: Rows, target: Rows, classes: int) -> npt.NDArray[np.float32]:
    """A weight a class, so that all classes in train weigh the same in sum; an absent class has weight 0."""
    counts = np.bincount(target[train], minlength=classes)
    there = counts > 0
    weights = np.zeros(classes, dtype=np.float32)
    weights[there] = len(train) / (there.sum() * counts[there])
    return weights
