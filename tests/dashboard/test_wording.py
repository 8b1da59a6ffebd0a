import pytest

from dashboard import wording


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "*a* _b_ `c` $d$ [l](http://x) # - 1.", ":red[x] :smile:"]
)
def test_escaped_shows_letter_by_letter(name):
    shown = wording.escaped(name)
    assert shown.replace("\\", "").replace("\u2060", "") == name
    for special in "<*_`$[(":
        assert all(shown[at - 1] == "\\" for at, letter in enumerate(shown) if letter == special)
    assert ":red" not in shown
    assert ":smile" not in shown


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(cell):
    assert wording.csv_safe(cell) == "'" + cell


@pytest.mark.parametrize(("share", "shown"), [(1.0, "100%"), (0.99999, "99.9%"), (0.915, "91.5%"), (0.0, "0.0%")])
def test_percent_is_never_a_false_hundred(share, shown):
    assert wording.percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (0.84, "0.8 s"), (42.3, "42 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")]
)
def test_duration(seconds, shown):
    assert wording.duration(seconds) == shown


def test_points_and_ago():
    assert wording.points(0.014) == "+1.4 points"
    assert wording.points(-0.01) == "−1 point"
    assert wording.points(0.0001) == "no change"
    assert wording.ago(0, now=59) == "just now"
    assert wording.ago(0, now=7300) == "2 hours ago"


@pytest.mark.parametrize(
    ("value", "words"), [(0.6, "0.600"), (0.0, "0.000"), (1.0, "1.000"), (0.9995, "0.9995"), (0.999975, "0.999975")]
)
def test_a_threshold_keeps_the_digits_that_set_it_apart(value, words):
    assert wording.threshold(value) == words
