"""Images an hour: breaks do not count, and each person has their own."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from core.review.pace import pace

START = datetime(2026, 1, 1, tzinfo=UTC)


def entries(*seconds, who="ann", kind="confirm"):
    return [
        SimpleNamespace(who=who, kind=kind, at=START + timedelta(seconds=second), undoes=None) for second in seconds
    ]


def test_breaks_are_left_out():
    made = pace(entries(0, 2, 4, 6, 4000, 4002))
    assert (made.images, made.seconds) == (6, 2 + 6 + 2 + 2)
    assert made.per_hour == 6 / 12 * 3600


def test_two_people_work_side_by_side():
    both = pace([*entries(0, 1, 2), *entries(0, 1, 2, who="bob")])
    assert (both.images, both.seconds) == (6, 2 * (2 + 2))


def test_many_at_once_count_as_many_and_undoing_as_none():
    undone = SimpleNamespace(who="ann", kind="relabel", at=START, undoes="entry")
    assert pace([*entries(0, 0, 0), undone]).images == 3
    assert pace([]).per_hour is None
    assert pace(entries(0, 1)).per_hour is None
