"""Splits: shares, strata, groups, seeds, growth. Property tests over random datasets."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from core.snapshots.splits import assign, crossing

DATA = st.lists(st.tuples(st.sampled_from(["cat", "dog", "bird", None]), st.integers(0, 200)), min_size=1, max_size=150)


def _split(rows, **options):
    return assign(
        [label for label, _ in rows], [f"g{group}" for _, group in rows], seed=options.pop("seed", 0), **options
    )


def test_shares_are_kept_in_every_class():
    rows = [(label, i) for i, label in enumerate(["cat"] * 100 + ["dog"] * 200)]
    chosen = _split(rows)
    counts = Counter(zip([label for label, _ in rows], chosen, strict=True))
    assert [counts["cat", s] for s in ("train", "val", "test")] == [70, 15, 15]
    assert [counts["dog", s] for s in ("train", "val", "test")] == [140, 30, 30]


@settings(max_examples=150, deadline=None)
@given(DATA)
def test_a_group_lies_on_one_side(rows):
    chosen = _split(rows)
    assert not crossing([f"g{group}" for _, group in rows], chosen)


@settings(max_examples=100, deadline=None)
@given(DATA)
def test_every_class_of_distinct_pictures_has_some_to_learn_from(rows):
    distinct = {group: label for label, group in rows}
    rows = [(label, group) for group, label in distinct.items()]
    chosen = _split(rows)
    for label in {label for label, _ in rows}:
        assert "train" in [s for (name, _), s in zip(rows, chosen, strict=True) if name == label]


def test_the_seed_decides_and_nothing_else():
    rows = [("cat", i) for i in range(60)]
    assert _split(rows, seed=3) == _split(rows, seed=3)
    assert _split(rows, seed=3) != _split(rows, seed=4)
    backwards = _split(rows[::-1], seed=3)[::-1]
    assert backwards == _split(rows, seed=3)  # the order of files does not matter


def test_two_of_a_class_leave_one_to_be_tested_on():
    assert sorted(_split([("cat", 1), ("cat", 2)])) == ["test", "train"]
    assert _split([("cat", 1)]) == ["train"]


def test_a_copy_of_a_known_picture_goes_where_the_known_one_is():
    existing = [("cat", "g1", "test"), ("cat", "g2", "train")]
    assert _split([("dog", 1), ("cat", 2)], existing=existing) == ["test", "train"]


def test_growth_fills_up_to_the_shares():
    first = [("cat", i) for i in range(20)]
    chosen = _split(first)
    existing = [("cat", f"g{i}", split) for i, split in enumerate(chosen)]
    more = _split([("cat", i) for i in range(20, 100)], existing=existing)
    together = Counter([*chosen, *more])
    assert together == {"train": 70, "val": 15, "test": 15}


def test_a_frozen_test_split_gets_nothing_new():
    existing = [("cat", f"g{i}", "test" if i < 3 else "train") for i in range(20)]
    more = _split([("cat", i) for i in range(20, 200)], existing=existing, allowed=("train", "val"))
    assert "test" not in more
    assert "val" in more
