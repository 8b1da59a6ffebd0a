"""Before and after, by hand-made predictions."""

import numpy as np
import pytest
from scipy.stats import binomtest

from core.evaluation.comparison import compare
from core.evaluation.significance import mcnemar, paired_bootstrap, smallest_difference
from core.evaluation.timeline import timeline
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
    # e's label changed between the runs: who corrected it had one run's answer before them
    assert found.verdict is None
    assert "1 label in test changed between the two runs" in found.reason
    # by hand: of the five, the old run gets a, c, e right under old labels and a, c under new; the new run a, b under
    # old labels (e was a cat then) and a, b, e under new
    credit = found.credit
    assert (credit.old_under_old, credit.old_under_new) == (3, 2)
    assert (credit.new_under_old, credit.new_under_new) == (2, 3)
    assert credit.by_labels == pytest.approx(-0.2)
    assert credit.by_network == pytest.approx(0.2)
    assert credit.total == pytest.approx(0.0)
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
    assert found.verdict is None


def _many(right, *, label="cat", moved=0, classes=CLASSES):
    """A run with one sample for each of ``right``, predicted as its label where true; the first ``moved`` in val."""
    probabilities = [
        [0.9, 0.1] + [0] * (len(classes) - 2) if one else [0.2, 0.8] + [0] * (len(classes) - 2) for one in right
    ]
    return files.make(
        classes=classes,
        sample_id=[f"s{i}" for i in range(len(right))],
        split=["val" if i < moved else "test" for i in range(len(right))],
        label=[label] * len(right),
        probabilities=np.array(probabilities, dtype=np.float32),
    )


def test_a_verdict_needs_a_difference_beyond_chance():
    old = [True] * 400 + [False] * 100
    few, many = list(old), list(old)
    few[:9], few[400:412] = [False] * 9, [True] * 12
    many[400:440] = [True] * 40
    found = compare(_many(old), _many(few), names=("1", "2"), split="test")
    assert (found.verdict, found.reason) == ("no clear difference", "")
    assert found.note == (
        "12 fixed, 9 broken of 500 test images: not distinguishable. "
        "With 500 test images only a difference of 2.8 points or more would show."
    )
    assert found.interval[0] < 0 < found.interval[1]
    found = compare(_many(old), _many(many), names=("1", "2"), split="test")
    assert found.verdict == "better"
    assert 0.05 < found.interval[0] < 0.08 < found.interval[1]
    assert compare(_many(many), _many(old), names=("1", "2"), split="test").verdict == "worse"


def test_no_verdict_but_the_reason_where_splits_or_classes_differ():
    right = [True] * 50 + [False] * 50
    found = compare(_many(right, moved=3), _many(right), names=("1", "2"), split="test")
    assert found.verdict is None
    assert "3 images lie in test for one run and in another split" in found.reason
    found = compare(_many(right), _many(right, classes=[*CLASSES, "fox"]), names=("1", "2"), split="test")
    assert found.verdict is None
    assert "different classes" in found.reason


def test_runs_of_equal_quality_are_rarely_called_better_or_worse():
    """1,000 pairs of runs that differ by chance alone: at most 5 in 100 get a verdict."""
    random = np.random.default_rng(0)
    hard = random.beta(6, 1, 400)  # how likely each image is to be got right, by whichever seed
    called = 0
    for _ in range(1000):
        old, new = random.random((2, len(hard))) < hard
        called += compare(_many(old), _many(new), names=("1", "2"), split="test").verdict != "no clear difference"
    assert called <= 50


def test_the_bootstrap_interval_covers():
    random = np.random.default_rng(1)
    cells = np.array([0.05, 0.03, 0.92])
    drawn = random.multinomial(400, cells, 1500)
    inside = [low <= 0.02 <= high for low, high in (paired_bootstrap(f, b, 400, draws=2000) for f, b, _ in drawn)]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_smallest_difference_is_found_8_times_in_10():
    """At just that difference, with as many discordant pairs, the test says so in about 80 of 100."""
    samples, sides = 500, 0.06
    least = smallest_difference(round(sides * samples / 2), round(sides * samples / 2), samples)
    cells = [(sides + least) / 2, (sides - least) / 2, 1 - sides]
    drawn = np.random.default_rng(2).multinomial(samples, cells, 3000)
    found = np.mean([f > b and mcnemar(int(f), int(b)) < 0.05 for f, b, _ in drawn])
    assert 0.74 <= found <= 0.88


def test_timeline_counts_corrections_and_judges_twice():
    first, second, third = (_many([True, True, False, False], label=label) for label in ("cat", "cat", "dog"))
    moments = timeline(
        [("1", 1.0, first), ("2", 2.0, second), ("3", 3.0, third)], "test", dict.fromkeys(("s0", "s2"), "dog")
    )
    assert [one.corrections for one in moments] == [0, 0, 4]
    assert [one.own.value for one in moments] == [0.5, 0.5, 0.5]
    assert [(one.now.value, one.samples) for one in moments] == [(0.5, 2)] * 3


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (1, 0), (12, 9), (30, 5), (700, 500), (5000, 4000)])
def test_mcnemar_equals_the_binomial_test(fixed, broken):
    expected = binomtest(min(fixed, broken), fixed + broken).pvalue if fixed + broken else 1.0
    assert mcnemar(fixed, broken) == pytest.approx(expected, rel=1e-6)


def test_no_verdict_where_the_labels_that_judge_were_corrected_after_both_runs():
    """Two equally good runs: whoever corrects labels with the newer one's answers in view would make it better."""
    old, new = [True] * 180 + [False] * 20, [False] * 20 + [True] * 180
    labels = dict.fromkeys((f"s{i}" for i in range(200)), "cat")
    same = compare(_many(old), _many(new), names=("1", "2"), split="test", labels=labels)
    assert (same.verdict, same.reason) == ("no clear difference", "")
    kind = {f"s{i}": "dog" for i in range(12)}  # the newer run's wrong answers, accepted
    found = compare(_many(old), _many(new), names=("1", "2"), split="test", labels=labels | kind)
    assert found.p_value < 0.05  # it would have been "better"
    assert found.verdict is None
    assert found.reason.startswith("12 labels in test changed after 2:")
    assert "no verdict. 12 labels" in found.note
    assert (len(found.fixed), len(found.broken)) == (32, 8)
    assert (found.credit.new_under_new - found.credit.old_under_new) == 24
    assert found.labels == "now"


def test_no_verdict_where_images_were_excluded_after_both_runs():
    old, new = [True] * 180 + [False] * 20, [False] * 20 + [True] * 180
    left = {f"s{i}": "cat" for i in range(12, 200)}
    found = compare(_many(old), _many(new), names=("1", "2"), split="test", labels=left)
    assert found.p_value < 0.05
    assert found.verdict is None
    assert "12 images in test were excluded after 2" in found.reason
    assert (found.samples, found.left_out) == (188, 12)


def test_pictures_that_were_replaced_are_left_out_and_counted():
    old, new = [True] * 180 + [False] * 20, [True] * 200
    found = compare(_many(old), _many(new), names=("1", "2"), split="test", replaced={"s0", "s199", "elsewhere"})
    assert (found.samples, found.replaced, found.left_out) == (198, 2, 2)
    assert len(found.fixed) == 19
    assert found.verdict is None
    assert "2 images in test were replaced by another picture" in found.reason
    every = compare(_many(old), _many(new), names=("1", "2"), split="test", replaced={f"s{i}" for i in range(200)})
    assert every.samples == 0
    assert "nothing to compare. 200 images" in every.reason
