"""The journal as CSV and JSON Lines: the same columns as the command line's, guarded against formulas."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from core.domain.decisions import JournalEntry
from core.domain.samples import DatasetInfo
from core.review import journal
from core.workspace import Workspace
from dashboard.wording import csv_safe, printable


def buttons(workspace: Workspace, dataset: DatasetInfo, entries: Sequence[JournalEntry]) -> None:
    """Two downloads of ``entries``; written when they are asked for."""
    for name, write, kind in (("CSV", as_csv, "text/csv"), ("JSON Lines", as_json_lines, "application/jsonl")):
        st.download_button(
            name,
            partial(_written, write, workspace, dataset, entries),
            file_name=f"{dataset.name}-journal.{'csv' if name == 'CSV' else 'jsonl'}",
            mime=kind,
            icon=":material/download:",
            on_click="ignore",
        )


def as_csv(records: Sequence[dict[str, object]]) -> str:
    """One line a decision under ``core.review.journal.COLUMNS``."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(journal.COLUMNS)
    writer.writerows([csv_safe(printable(value)) for value in line] for line in journal.rows(records))
    return text.getvalue()


def as_json_lines(records: Sequence[dict[str, object]]) -> str:
    """One JSON object a line."""
    return "".join(printable(json.dumps(record, ensure_ascii=False)) + "\n" for record in records)


def _written(
    write: Callable[[Sequence[dict[str, object]]], str],
    workspace: Workspace,
    dataset: DatasetInfo,
    entries: Sequence[JournalEntry],
) -> str:
    return write(_records(workspace, dataset, entries))


def _records(workspace: Workspace, dataset: DatasetInfo, entries: Sequence[JournalEntry]) -> list[dict[str, object]]:
    frame = workspace.samples(dataset.name)
    files = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
    return [journal.record(entry, files) for entry in entries]
