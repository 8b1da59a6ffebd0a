from hypothesis import given
from hypothesis import strategies as st

from core.snapshots import mending
from core.snapshots.groups import group
from core.snapshots.mending import mend


def test_copies_likenesses_and_seeds_tie_samples_together_and_it_is_told_which():
    groups = group(["b", "a", "b", "c", "d", "e"], [("a", "b"), ("gone", "c")], [None] * 3 + ["7", "7", None])
    assert groups.of == ["a", "a", "a", "c", "c", "e"]
    assert groups.why == {"a": ("copy", "likeness"), "c": ("seed",)}
    assert groups.members() == {"a": [0, 1, 2], "c": [3, 4]}


def test_before_test_was_used_the_larger_side_wins_and_a_tie_goes_to_test():
    groups = group(["a", "a", "a", "b", "b", "c", "c"])
    moves = mend(groups, ["train", "train", "test", "train", "test", "train", "val"], frozen_test=False)
    assert [(move.position, move.old, move.new) for move in moves] == [
        (2, "test", "train"),
        (3, "train", "test"),
        (5, "train", "val"),
    ]


def test_once_test_was_used_its_images_stay_and_their_twins_join_them():
    groups = group(["a", "a", "a", "b", "b"])
    moves = mend(groups, ["train", "train", "test", "train", "val"], frozen_test=True)
    assert [(move.position, move.new) for move in moves] == [(0, "test"), (1, "test"), (3, "val")]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(("train", "val", "test"))), max_size=30), st.booleans()
)
def test_mending_leaves_no_group_in_two_splits_and_keeps_a_frozen_test(samples, frozen):
    contents, splits = [content for content, _ in samples], [split for _, split in samples]
    groups, after = group(contents), list(splits)
    for move in mend(groups, splits, frozen_test=frozen):
        assert after[move.position] == move.old
        after[move.position] = move.new
    assert mending.crossing(groups, after) == {}
    if frozen:
        assert all(now == "test" for then, now in zip(splits, after, strict=True) if then == "test")
    single = [i for i, content in enumerate(contents) if contents.count(content) == 1]
    assert [after[i] for i in single] == [splits[i] for i in single]
