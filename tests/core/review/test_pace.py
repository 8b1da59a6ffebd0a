"""Images an hour: breaks do not count, and each person has their own."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from core.review.pace import pace

START = datetime(2026, 1, 1, tzinfo=UTC)


def entries(*seconds, who="ann", kind="confirm", source="grid", undone=False, undoes=None):
    said = {"who": who, "kind": kind, "source": source, "undone": undone, "undoes": undoes}
    return [SimpleNamespace(at=START + timedelta(seconds=second), **said) for second in seconds]


def test_breaks_are_left_out():
    made = pace(entries(0, 2, 4, 6, 4000, 4002))
    assert (made.images, made.seconds) == (6, 2 + 6 + 2 + 2)
    assert made.per_hour == 6 / 12 * 3600


def test_two_people_work_side_by_side():
    both = pace([*entries(0, 1, 2), *entries(0, 1, 2, who="bob")])
    assert (both.images, both.seconds) == (6, 2 * (2 + 2))


def test_many_at_once_count_as_many_and_undoing_as_none():
    assert pace([*entries(0, 0, 0), *entries(0, undoes="entry")]).images == 3
    assert pace([]).per_hour is None
    assert pace(entries(0, 1)).per_hour is None


def test_what_a_script_set_and_what_was_taken_back_is_nothing_decided():
    by_hand = entries(0, 2, 4)
    assert pace([*by_hand, *entries(*range(100), source="native"), *entries(1, 3, source="cli")]) == pace(by_hand)
    with_mistake = pace([*by_hand, *entries(6, undone=True)])
    assert (with_mistake.images, with_mistake.seconds) == (3, 2 + 6)
