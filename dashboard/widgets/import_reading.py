"""Switches to read a source otherwise than recognised: its layout, the level of the class, the column of labels."""

import streamlit as st

from core.ingest.layouts import Preview
from core.ingest.readings import Layout, Reading
from core.ingest.tables import PATH_COLUMNS
from dashboard import state, wording

_MEANING: dict[Layout, str] = {
    "class folders": "One folder a class",
    "split folders": "Train, val and test folders",
    "nested folders": "Nested folders",
    "flat folder": "No labels",
    "file names": "The class in the file's name",
    "table": "The table's labels",
    "FiftyOne dataset": "As FiftyOne exported it",
}


def chosen(source: str) -> Reading:
    """What was chosen for this source so far; nothing for another one."""
    known, reading = state.get("reading", ("", Reading()))
    return reading if known == source and isinstance(reading, Reading) else Reading()


def forget() -> None:
    """Read it as recognised again."""
    state.put("reading", ("", Reading()))
    state.put("preview", None)


def draw(preview: Preview, source: str) -> None:
    """The switches. A change is kept for the source and the page is drawn again."""
    reading = chosen(source)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(preview.layouts) > 1:
            _layout(preview, source)
        if preview.layout == "nested folders" and preview.levels:
            _level(preview, source, reading)
        if preview.columns and preview.layout in ("table", "FiftyOne dataset"):
            _column(preview, source)


def _layout(preview: Preview, source: str) -> None:
    key = f"import.layout-{preview.layout}-{abs(hash(source))}"
    st.selectbox(
        "Read it as",
        preview.layouts,
        index=preview.layouts.index(preview.layout),
        format_func=lambda layout: _MEANING[layout],
        key=key,
        width=260,
        on_change=lambda: _keep(source, Reading(layout=state.chosen(key))),
    )


def _level(preview: Preview, source: str, reading: Reading) -> None:
    numbers = [level.number for level in preview.levels]
    at = reading.class_level if reading.class_level in numbers else 1
    key = f"import.level-{at}-{abs(hash(source))}"
    named = {level.number: level for level in preview.levels}

    def label(number: int) -> str:
        level = named[number]
        names = ", ".join(wording.printable(name) for name in level.names[:3])
        return f"Level {number}: {names}{' …' if level.count > 3 else ''}"

    st.selectbox(
        "The class is the folder at",
        numbers,
        index=numbers.index(at),
        format_func=label,
        key=key,
        width=320,
        on_change=lambda: _keep(source, Reading("nested folders", class_level=state.chosen(key))),
    )


def _column(preview: Preview, source: str) -> None:
    columns = [name for name in preview.columns if name.lower() not in PATH_COLUMNS[:7]]
    if not columns:
        return
    at = columns.index(preview.label_column) if preview.label_column in columns else None
    key = f"import.column-{preview.label_column}-{abs(hash(source))}"
    st.selectbox(
        "Label field" if preview.layout == "FiftyOne dataset" else "Column of labels",
        columns,
        index=at,
        format_func=wording.printable,
        key=key,
        width=220,
        on_change=lambda: _keep(source, Reading(preview.layout, label_column=state.chosen(key))),
    )


def _keep(source: str, reading: Reading) -> None:
    state.put("reading", (source, reading))
    state.put("preview", None)
