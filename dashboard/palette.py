"""Colours that mean something: one a class, and the pair for right and wrong. Plain data, no streamlit.

The first eight class colours stay far apart (25 in CIELAB) for full sight and for each of the three kinds of colour
blindness, and can be seen on the light and on the dark ground; past twelve they begin again.
A class is always named beside its colour.
"""

from collections.abc import Sequence

CLASS_COLOURS = (
    "#2b87d8",
    "#d87f1a",
    "#8e1df2",
    "#a2a574",
    "#d897ba",
    "#bf2626",
    "#62628c",
    "#8c6262",
    "#2f9e86",
    "#b79a1e",
    "#4fa9cf",
    "#b0589b",
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
