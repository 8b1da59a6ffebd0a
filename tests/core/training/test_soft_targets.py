"""Factorised ridge regression against the head's own and against one written out."""

import numpy as np
import pytest

from core.training.head import assign_folds, fit
from core.training.soft_targets import SoftFolds


@pytest.mark.parametrize("count", [40, 300], ids=["fewer rows than dimensions", "more"])
def test_with_whole_labels_it_says_what_the_head_says(count):
    random = np.random.default_rng(0)
    x = np.abs(random.normal(size=(count, 64))).astype(np.float32)
    y = random.integers(0, 3, count)
    groups = [str(row) for row in range(count)]
    fitted = fit(x, y, 3, groups=groups)
    scores = SoftFolds(x, assign_folds(y, groups, seed=0), fitted.penalty).scores(np.eye(3, dtype=np.float32)[y])
    assert (scores.argmax(axis=1) == fitted.out_of_fold.argmax(axis=1)).mean() > 0.99
    logits = np.log(fitted.out_of_fold)
    ours = scores - scores.mean(axis=1, keepdims=True)
    theirs = logits - logits.mean(axis=1, keepdims=True)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("count", [20, 90])
def test_it_is_ridge_regression(count):
    random = np.random.default_rng(1)
    x, targets = random.normal(size=(count, 30)), random.random((count, 2))
    fold = np.arange(count) % 3
    scores = SoftFolds(x.astype(np.float32), fold, 0.5).scores(targets.astype(np.float32))
    for held in range(3):
        rest = fold != held
        centred = x[rest] - x[rest].mean(axis=0)
        scatter = centred.T @ centred
        penalty = 0.5 * np.trace(scatter) / 30
        weight = np.linalg.solve(
            scatter + penalty * np.eye(30), centred.T @ (targets[rest] - targets[rest].mean(axis=0))
        )
        expected = (x[~rest] - x[rest].mean(axis=0)) @ weight + targets[rest].mean(axis=0)
        assert scores[~rest] == pytest.approx(expected, abs=2e-3)


def test_gathering_in_parts_changes_nothing(monkeypatch):
    random = np.random.default_rng(2)
    x, targets = random.normal(size=(200, 16)).astype(np.float32), random.random((200, 3)).astype(np.float32)
    fold = np.arange(200) % 5
    once = SoftFolds(x, fold, 0.3).scores(targets)
    monkeypatch.setattr("core.training.soft_targets._CHUNK", 7)
    assert SoftFolds(x, fold, 0.3).scores(targets) == pytest.approx(once, abs=1e-4)
