"""Before and after, by hand-made predictions."""

import numpy as np
import pytest
from scipy.stats import binomtest

from core.evaluation.comparison import compare, mcnemar
from core.runs import predictions as files

CLASSES = ["cat", "dog"]


def _run(rows):
    """rows: (sample, split, label, probability of cat)"""
    cat = np.array([row[3] for row in rows], dtype=np.float32)
    return files.make(
        classes=CLASSES,
        sample_id=[row[0] for row in rows],
        split=[row[1] for row in rows],
        label=[row[2] for row in rows],
        probabilities=np.stack([cat, 1 - cat], axis=1),
    )


OLD = _run(
    [
        ("a", "test", "cat", 0.9),  # right, stays right
        ("b", "test", "cat", 0.2),  # wrong, fixed
        ("c", "test", "dog", 0.1),  # right, broken
        ("d", "test", "dog", 0.8),  # wrong, still wrong
        ("e", "test", "cat", 0.9),  # label corrected to dog since: was wrong under it, fixed
        ("gone", "test", "cat", 0.9),
        ("t", "train", "cat", 0.1),
    ]
)
NEW = _run(
    [
        ("a", "test", "cat", 0.8),
        ("b", "test", "cat", 0.7),
        ("c", "test", "dog", 0.9),
        ("d", "test", "dog", 0.6),
        ("e", "test", "dog", 0.05),
        ("new", "test", "cat", 0.9),
        ("t", "train", "cat", 0.9),
    ]
)


def test_both_runs_are_judged_under_the_newer_labels_on_common_samples():
    found = compare(OLD, NEW, names=("run-1", "run-2"), split="test")
    assert found.samples == 5
    assert found.fixed == ("e", "b")  # most confident first
    assert found.broken == ("c",)
    assert found.still_wrong == ("d",)
    assert (found.old_accuracy, found.new_accuracy) == (0.4, 0.6)
    assert found.labels_changed == 1
    assert found.left_out == 2
    assert "too few to tell them apart" in found.note
    assert found.old_evaluation.matrix.tolist() == [[1, 1], [2, 1]]
    assert found.new_evaluation.matrix.tolist() == [[2, 0], [2, 1]]


def test_labels_of_now_can_judge():
    found = compare(OLD, NEW, names=("1", "2"), split="test", labels=dict.fromkeys("abcde", "cat"))
    assert found.old_accuracy == pytest.approx(3 / 5)
    assert found.new_accuracy == pytest.approx(4 / 5)


def test_nothing_in_common_says_so():
    found = compare(OLD, NEW, names=("1", "2"), split="val")
    assert found.samples == 0
    assert "nothing to compare" in found.note


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (1, 0), (12, 9), (30, 5), (700, 500), (5000, 4000)])
def test_mcnemar_equals_the_binomial_test(fixed, broken):
    expected = binomtest(min(fixed, broken), fixed + broken).pvalue if fixed + broken else 1.0
    assert mcnemar(fixed, broken) == pytest.approx(expected, rel=1e-6)
