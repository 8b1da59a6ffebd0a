"""Figures worked out by hand, and equal to scikit-learn's on random and degenerate data."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from core.evaluation import metrics
from core.evaluation.intervals import wilson
from core.runs import predictions as files


def _predictions(true, pred, classes):
    probabilities = np.full((len(true), len(classes)), 0.1, dtype=np.float32)
    for row, name in enumerate(pred):
        probabilities[row, classes.index(name)] = 0.9
    return files.make(
        classes=classes,
        sample_id=[f"{i:024x}" for i in range(len(true))],
        split=["test"] * len(true),
        label=true,
        probabilities=probabilities,
    )


def test_a_matrix_worked_out_by_hand():
    found = metrics.evaluate(
        _predictions(["cat", "cat", "cat", "dog", None], ["cat", "cat", "dog", "dog", "dog"], ["cat", "dog"])
    )
    assert found.matrix.tolist() == [[2, 1], [0, 1]]  # rows are labels
    assert (found.samples, found.correct, found.unlabelled) == (4, 3, 1)
    assert found.accuracy == 0.75
    cat, dog = found.per_class
    assert (cat.precision, cat.recall, cat.support) == (1.0, pytest.approx(2 / 3), 3)
    assert (dog.precision, dog.recall, dog.support, dog.predicted) == (0.5, 1.0, 1, 2)
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


@pytest.mark.parametrize("seed", range(20))
def test_equals_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    classes = [f"c{i}" for i in range(generator.integers(1, 7))]
    size = int(generator.integers(1, 60))
    # few draws of many classes leave some without samples and some never predicted
    true = generator.choice(classes, size).tolist()
    pred = generator.choice(classes, size).tolist()
    found = metrics.evaluate(_predictions(true, pred, classes))
    assert (found.matrix == confusion_matrix(true, pred, labels=classes)).all()
    assert found.accuracy == pytest.approx(accuracy_score(true, pred))
    assert found.macro_f1 == pytest.approx(f1_score(true, pred, average="macro", zero_division=0))
    p, r, f, s = precision_recall_fscore_support(true, pred, labels=classes, zero_division=0)
    ours = [(c.precision, c.recall, c.f1, c.support) for c in found.per_class]
    assert np.allclose(ours, np.stack([p, r, f, s], axis=1))


def test_labels_of_now_replace_those_of_the_run_and_foreign_ones_count_as_none():
    rows = _predictions(["cat", "cat"], ["cat", "dog"], ["cat", "dog"])
    found = metrics.evaluate(rows, ["dog", "horse"])
    assert found.matrix.tolist() == [[0, 0], [1, 0]]
    assert found.unlabelled == 1


def test_no_samples_are_no_error():
    found = metrics.evaluate(_predictions([], [], ["cat", "dog"]))
    assert (found.samples, found.accuracy, found.macro_f1, found.interval) == (0, 0.0, 0.0, (0.0, 1.0))


def test_wilson_interval():
    # Newcombe 1998, table I: 81 of 263
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


def test_wilson_interval_covers():
    """Simulated at n=40, p=0.9: the 95 % interval holds the truth in 92 to 98 of 100."""
    draws = np.random.default_rng(1).binomial(40, 0.9, size=4000)
    inside = [low <= 0.9 <= high for low, high in (wilson(int(k), 40) for k in draws)]
    assert 0.92 <= np.mean(inside) <= 0.98
