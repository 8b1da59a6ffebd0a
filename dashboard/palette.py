"""Colours that mean something: one a class, and the pair for right and wrong. Plain data, no streamlit.

The first eight class colours stay apart for people with any of the three kinds of colour blindness and are legible on
the light and the dark ground; past twelve they begin again. A class is always named beside its colour.
"""

from collections.abc import Sequence

CLASS_COLOURS = (
    "#3f87d6",
    "#e0881c",
    "#25a287",
    "#c75a9c",
    "#8f7ae0",
    "#b79a1e",
    "#d65a41",
    "#4bb2dc",
    "#7b9a3e",
    "#a8637a",
    "#64798c",
    "#9a7549",
)
NO_LABEL = "#8b8f98"
RIGHT = "#2f86c1"
WRONG = "#e2662b"


def colour_of(class_name: str | None, classes: Sequence[str]) -> str:
    """The colour of a class: by its place in the dataset's classes, which only grow, so it never changes."""
    if class_name is None or class_name not in classes:
        return NO_LABEL
    return CLASS_COLOURS[list(classes).index(class_name) % len(CLASS_COLOURS)]


def colours_of(classes: Sequence[str]) -> dict[str, str]:
    """The colours of all classes by name."""
    return {name: CLASS_COLOURS[place % len(CLASS_COLOURS)] for place, name in enumerate(classes)}
