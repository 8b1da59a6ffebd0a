"""Whose run was it? Names come and go; the dataset that had the name on that day is the one."""

import pytest

from core.domain.naming import Naming, owner, whereabouts

FIRST = Naming("a", "pets", put_away=100.0)
SECOND = Naming("b", "pets", former=(("animals", 150.0),))


@pytest.mark.parametrize(
    ("namings", "name", "at", "expected"),
    [
        ([Naming("a", "pets")], "pets", 5.0, "a"),
        ([Naming("a", "pets")], "cats", 5.0, None),
        ([FIRST], "pets", 99.0, "a"),
        ([FIRST], "pets", 101.0, None),
        ([FIRST, SECOND], "pets", 99.0, "a"),
        ([FIRST, SECOND], "pets", 120.0, "b"),  # asked for before the dataset was there: its first import
        ([SECOND, FIRST], "pets", 200.0, "b"),
        ([FIRST, SECOND], "animals", 149.0, "b"),
        ([FIRST, SECOND], "animals", 151.0, None),
    ],
)
def test_the_dataset_that_had_the_name(namings, name, at, expected):
    found = owner(namings, name, at)
    assert (found and found.id) == expected


def test_what_was_brought_back_has_its_own_days_and_another_those_between():
    back = Naming("a", "pets", former=(("pets", 100.0),))
    between = Naming("b", "pets", put_away=200.0)
    owners = [owner([back, between], "pets", at).id for at in (50.0, 150.0, 250.0)]
    assert owners == ["a", "b", "a"]


def test_a_title_says_what_is_put_away():
    assert (FIRST.title, SECOND.title) == ("pets (put away)", "pets")
    assert not FIRST.plain
    assert not SECOND.plain
    assert Naming("a", "pets").plain


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("animals", " 'animals' is called 'pets' now."),
        ("pets (put away)", " 'pets' is put away; bring it back first."),
        ("pets", " 'pets' is put away; bring it back first."),
        ("cars", ""),
    ],
)
def test_what_became_of_a_name(name, said):
    assert whereabouts([FIRST, SECOND], name) == said
