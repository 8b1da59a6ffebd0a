"""Weak slices planted and found, chance not taken for weakness, shortcuts, domains."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import fisher_exact

from core.evaluation import slices
from core.evaluation.domains import domains
from core.evaluation.ordering import order, top_confusions


@pytest.mark.parametrize(
    ("right", "samples", "all_right", "total"),
    [
        (3, 10, 80, 100),
        (10, 10, 80, 100),
        (0, 5, 1, 9),
        (44_900, 50_000, 90_000, 100_000),
        (2_600, 3_000, 90_000, 100_000),
        (190, 300, 90_000, 100_000),
        (60_000, 70_000, 90_000, 100_000),
        (0, 40_000, 60, 100_000),
        (3, 3, 99_990, 100_000),
    ],
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
    found, looks = slices.worst(right, {"tool": tool, "size": size})
    assert looks == 5 + 6  # each value alone, and every two of both fields
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
        alarms += any(one.worse for one in slices.worst(right, fields, pairs=False)[0])
    assert alarms <= 8  # 5 are expected at most; 9 or more would come about in 4 of 100


def test_values_that_are_not_there_and_small_slices_say_nothing():
    right = np.array([True] * 20 + [False] * 5)
    values = [None] * 18 + ["x"] * 7
    assert slices.worst(right, {"f": values}) == ([], 0)
    assert slices.worst(np.ones(25, dtype=bool), {"f": ["a"] * 10 + ["b"] * 15}) == ([], 2)  # none is weaker
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


@pytest.mark.parametrize("seed", range(6))
def test_guessing_from_a_field_is_counted_as_one_by_one(seed):
    """Each sample by the others that share its value; by all where there are none. Of equals the first by name."""
    random = np.random.default_rng(seed)
    names, values = "abc"[: 2 + seed % 2], [None, *"uvwxyz"]
    labels = [None if random.random() < 0.1 else random.choice(list(names)) for _ in range(80)]
    field = [values[one] for one in random.geometric(0.35, 80).clip(max=6)]
    pairs = [(v, own) for v, own in zip(field, labels, strict=True) if v is not None and own is not None]

    def likeliest(of):
        return min(sorted(set(of)), key=lambda name: -of.count(name))

    hits = 0
    for at, (value, own) in enumerate(pairs):
        others = [name for i, (v, name) in enumerate(pairs) if v == value and i != at]
        hits += likeliest(others or [name for _, name in pairs]) == own
    (found,) = slices.shortcuts(labels, {"f": field})
    assert found.guessed.value == pytest.approx(hits / len(pairs))
    value, name, part, count = found.example
    inside = [own for v, own in pairs if v == value]
    assert (name, part, count) == (likeliest(inside), pytest.approx(inside.count(name) / len(inside)), len(inside))


def test_many_classes_and_as_many_values_fit_into_memory():
    labels = [f"c{at % 1000}" for at in range(100_000)]
    tracemalloc.start()
    (found,) = slices.shortcuts(labels, {"file": [f"f{at // 2}" for at in range(100_000)]})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not found.warns
    assert most < 100 * 2**20  # all values by all classes would be 400 GB


def test_numbers_become_ranges():
    words = slices.binned(list(range(40)) + [float("nan")], unit=" px").tolist()
    assert words[0] == "under 9.75 px"
    assert words[20] == "19.5 px to 29.2 px"
    assert words[39] == "29.2 px or more"
    assert np.isnan(words[40])
    assert slices.binned([1.0] * 50).codes.tolist() == [-1] * 50
    assert slices.binned(np.arange(40) / 1000, digits=1).tolist()[15] == "0.01 to 0.02"
    alike = slices.binned(1 + np.arange(40) / 1000, digits=2)  # edges that read alike are one range
    assert alike.categories.tolist() == ["under 1", "1 to 1", "1 or more"]


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


def test_one_class_of_ten_that_a_tool_gives_away_warns():
    random = np.random.default_rng(4)
    labels = [f"class {i % 10}" for i in range(600)]
    tool = ["ComfyUI" if name == "class 3" else str(random.choice(["camera", "scan"])) for name in labels]
    (found,) = slices.shortcuts(labels, {"tool": tool})
    assert found.guessed.value < 0.3  # on the whole it says little
    assert found.warns
    (one,) = found.classes
    assert (one.value, one.label, one.samples) == ("ComfyUI", "class 3", 60)
    assert (one.precision.value, one.recall.value) == (1, 1)
    assert 0.6 < one.precision.low < 1
    assert "tool ComfyUI gives class 3 away: 100% of the 60 images" in found.sentence()


def test_two_classes_of_unequal_size_told_apart_warn():
    labels = ["cat"] * 460 + ["dog"] * 40
    camera = ["A"] * 460 + ["B"] * 40
    (found,) = slices.shortcuts(labels, {"camera": camera})
    assert found.guessed.low < found.base + 0.1
    assert found.warns
    assert {(one.value, one.label) for one in found.classes} >= {("B", "dog")}


def test_a_value_that_others_have_too_or_few_of_the_class_have_gives_nothing_away():
    labels = [f"class {i % 10}" for i in range(1000)]
    shared = ["x" if i % 10 in (3, 4) else "y" for i in range(1000)]  # half of those with it are another class
    few = ["x" if i % 10 == 3 and i % 50 == 3 else "y" for i in range(1000)]  # a fifth of the class has it
    assert not any(one.warns for one in slices.shortcuts(labels, {"shared": shared, "few": few}))
    word = ["yes" if i % 10 == 3 else "no" for i in range(1000)]
    (found,) = slices.shortcuts(labels, {"prompt": word}, of_subject=["prompt"])
    assert not found.warns


def test_chance_gives_no_class_away():
    """Few images, many fields and many values: a hundred datasets and no alarm."""
    random = np.random.default_rng(5)
    for classes in (2, 10):
        for _ in range(50):
            labels = random.integers(0, classes, 60).astype(str).tolist()
            fields = {f"f{i}": random.integers(0, 6, 60).astype(str).tolist() for i in range(30)}
            assert not any(one.warns for one in slices.shortcuts(labels, fields))
