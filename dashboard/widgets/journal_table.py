"""Decisions as a table with their pictures; any number of them can be chosen."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.domain.decisions import JournalEntry
from core.domain.samples import DatasetInfo
from core.workspace import Workspace
from dashboard.widgets.journal_filter import KINDS, SOURCES
from dashboard.wording import printable

SHOWN = 1000  # lines: more are reached by the filter, and all are exported


def draw(
    workspace: Workspace, dataset: DatasetInfo, entries: Sequence[JournalEntry], *, key: str
) -> list[JournalEntry]:
    """Draw the newest of ``entries``; those that are ticked."""
    shown = entries[:SHOWN]
    frame = workspace.samples(dataset.name)
    files = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
    table = pd.DataFrame(
        [
            {
                "Picture": f"/thumb/{dataset.id}/{entry.sample_id}" if entry.sample_id in files else None,
                "When": entry.at,
                "Who": entry.who,
                "What": _what(entry),
                "Label": _labels(entry),
                "Queue": printable(entry.queue),
                "Through": SOURCES.get(entry.source, entry.source),
                "File": printable(files.get(entry.sample_id, "not in the dataset any more")).rpartition("/")[2]
                if entry.sample_id
                else "",
            }
            for entry in shown
        ]
    )
    event = st.dataframe(
        table,
        key=key,
        hide_index=True,
        row_height=52,
        height="content" if len(shown) <= 11 else 620,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Picture": st.column_config.ImageColumn("", width=64),
            "When": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss", width=130),
        },
    )
    if len(entries) > SHOWN:
        st.caption(f"The newest {SHOWN:,} are shown; the filter and the export reach all {len(entries):,}.")
    return [shown[row] for row in event["selection"]["rows"] if row < len(shown)]


def _what(entry: JournalEntry) -> str:
    said = KINDS.get(entry.kind, entry.kind)
    if entry.undoes:
        return f"Undo: {said.lower()}"
    said = f"Redo: {said.lower()}" if entry.redoes else said
    return f"{said} (taken back)" if entry.undone else said


def _labels(entry: JournalEntry) -> str:
    if entry.kind == "class" and None in (entry.old, entry.new):
        return f"{printable(entry.new)} added" if entry.old is None else f"{printable(entry.old)} removed"
    old, new = (printable(name) if name is not None else "no label" for name in (entry.old, entry.new))
    return new if old == new else f"{old} → {new}"
