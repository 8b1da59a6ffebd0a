"""What is remembered, and what goes when something new is."""

from core.workspace.remembered import Remembered


def test_what_is_made_anew_takes_nobody_else_s_place():
    known = Remembered(2)
    assert known.of("a", (1,), lambda: "a1") == "a1"
    assert known.of("b", (1,), lambda: "b1") == "b1"
    assert known.of("b", (2,), lambda: "b2") == "b2"
    assert known.of("a", (1,), lambda: "made again") == "a1"
    assert known.of("c", (1,), lambda: "c1") == "c1"
    assert known.of("a", (1,), lambda: "made again") == "made again"  # the oldest went
