"""Switches to read a source otherwise than recognised: its layout, the class's level, the table and its columns."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.ingest.layouts import Preview
from core.ingest.readings import Layout, Reading
from core.ingest.tables import NoPathColumn
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
        if preview.layout == "table":
            _table(preview, source)
            _paths(preview.columns, preview.path_column, source, reading)
        if preview.layout in ("table", "FiftyOne dataset"):
            _labels(preview, source, reading)


def ask_for_paths(error: NoPathColumn, source: str) -> None:
    """The choice that makes a table readable whose columns say nothing by their names."""
    _paths(error.columns, "", source, chosen(source))


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


def _table(preview: Preview, source: str) -> None:
    if len(preview.tables) < 2 or preview.table not in preview.tables:
        return
    key = f"import.table-{preview.table}-{abs(hash(source))}"
    st.selectbox(
        "Table",
        preview.tables,
        index=preview.tables.index(preview.table),
        format_func=wording.printable,
        key=key,
        width=260,
        on_change=lambda: _keep(source, Reading("table", table=state.chosen(key))),
    )


def _paths(columns: Sequence[str], known: str, source: str, reading: Reading) -> None:
    if not columns:
        return
    key = f"import.paths-{known}-{abs(hash(source))}"
    st.selectbox(
        "Column of file names",
        columns,
        index=columns.index(known) if known in columns else None,
        placeholder="Choose a column",
        format_func=wording.printable,
        key=key,
        width=220,
        on_change=lambda: _keep(source, replace(reading, layout="table", path_column=state.chosen(key))),
    )


def _labels(preview: Preview, source: str, reading: Reading) -> None:
    columns = [name for name in preview.columns if name != preview.path_column]
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
        on_change=lambda: _keep(source, replace(reading, layout=preview.layout, label_column=state.chosen(key))),
    )


def _keep(source: str, reading: Reading) -> None:
    state.put("reading", (source, reading))
    state.put("preview", None)
