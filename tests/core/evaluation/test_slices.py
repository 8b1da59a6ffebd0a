"""Weak slices planted and found, chance not taken for weakness, shortcuts, domains."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from core.evaluation import slices
from core.evaluation.domains import domains
from core.evaluation.ordering import order, top_confusions


@pytest.mark.parametrize(
    ("right", "samples", "all_right", "total"), [(3, 10, 80, 100), (10, 10, 80, 100), (0, 5, 1, 9)]
)
def test_fisher_equals_scipy(right, samples, all_right, total):
    table = [[right, samples - right], [all_right - right, total - samples - all_right + right]]
    assert slices.fisher(right, samples, all_right, total) == pytest.approx(fisher_exact(table).pvalue)


def test_a_planted_weak_slice_is_found_and_said():
    random = np.random.default_rng(0)
    tool = random.choice(["A1111", "ComfyUI", "camera"], 900).tolist()
    size = random.choice(["small", "large"], 900).tolist()
    chance = np.where((np.array(tool) == "ComfyUI") & (np.array(size) == "small"), 0.5, 0.95)
    right = random.random(900) < chance
    found = slices.worst(right, {"tool": tool, "size": size})
    best = found[0]
    assert dict(best.terms) == {"tool": "ComfyUI", "size": "small"}
    assert best.worse
    assert "tool: ComfyUI, size: small" in best.sentence() or "size: small, tool: ComfyUI" in best.sentence()
    assert "beyond chance" in best.sentence()
    assert not right[best.rows[0]]  # wrong ones first
    assert len(best.rows) == best.samples
    assert best.accuracy.low < 0.5 < best.accuracy.high


def test_chance_is_rarely_taken_for_weakness():
    """Where nothing is weak, at most 5 in 100 searches over many fields report anything."""
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(100):
        right = random.random(300) < 0.9
        fields = {f"f{i}": random.choice(list("abcde"), 300).tolist() for i in range(8)}
        alarms += any(one.worse for one in slices.worst(right, fields, pairs=False))
    assert alarms <= 8  # 5 are expected at most; 9 or more would come about in 4 of 100


def test_values_that_are_not_there_and_small_slices_say_nothing():
    right = np.array([True] * 20 + [False] * 5)
    values = [None] * 18 + ["x"] * 7
    assert slices.worst(right, {"f": values}) == []
    assert slices.by_field(right, ["a"] * 10 + ["b"] * 15, "f")[0].samples == 15


def test_a_field_that_gives_the_class_away_warns():
    random = np.random.default_rng(2)
    labels = random.choice(["cat", "dog"], 300).tolist()
    ground = ["snow" if (name == "dog") == (random.random() < 0.95) else "grass" for name in labels]
    noise = random.choice(["x", "y", "z"], 300).tolist()
    unique = [str(i) for i in range(300)]
    found = {one.field: one for one in slices.shortcuts(labels, {"ground": ground, "noise": noise, "file": unique})}
    assert found["ground"].warns
    assert 0.9 < found["ground"].guessed.value < 0.99
    assert "ground gives the class away" in found["ground"].sentence()
    assert not found["noise"].warns
    assert not found["file"].warns  # each sample is judged by the others, so a name of its own tells nothing


def test_numbers_become_ranges():
    words = slices.binned(list(range(40)) + [float("nan")], unit=" px")
    assert words[0] == "under 9.75 px"
    assert words[20] == "19.5 px to 29.2 px"
    assert words[39] == "29.2 px or more"
    assert words[40] is None
    assert set(slices.binned([1.0] * 50)) == {None}


def test_the_gap_between_domains_by_hand():
    names = ["photo"] * 6 + ["model X"] * 5 + ["rare"]
    labels = ["dog"] * 6 + ["dog"] * 4 + ["cat"] + ["dog"]
    predicted = ["dog"] * 6 + ["cat", "dog", "dog", "dog"] + ["cat"] + ["dog"]
    photo, model = domains(names, labels, predicted)
    assert (photo.name, photo.accuracy.value, photo.confusion) == ("photo", 1.0, None)
    assert model.by_class == (("cat", 1, 1), ("dog", 3, 4))
    assert model.sentence() == "model X 80%: dog taken for cat 25%"


def test_orders_of_the_matrix():
    matrix = np.array([[9, 0, 5, 0], [0, 9, 0, 1], [4, 0, 9, 0], [0, 2, 0, 9]])
    assert order(matrix, "given") == [0, 1, 2, 3]
    assert order(matrix, "error")[:2] in ([0, 2], [2, 0])
    clustered = order(matrix, "clustered")
    assert abs(clustered.index(0) - clustered.index(2)) == 1
    assert abs(clustered.index(1) - clustered.index(3)) == 1
    assert sorted(clustered) == [0, 1, 2, 3]
    assert top_confusions(matrix, 2) == [(0, 2), (2, 0)]
