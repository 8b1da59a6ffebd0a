"""What an import did: the counts, and behind each the files it counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import wording

_NUMBERS = (
    ("added", "Added", "New images, now in the dataset."),
    ("present", "There already", "The same file was imported before and has not changed."),
    ("changed", "Changed", "Files whose contents changed since they were imported; the dataset has the new contents."),
    (
        "duplicate",
        "Duplicates",
        "Exact copies of another image. They come in too, on the same side of the split as what they copy.",
    ),
    ("quarantined", "Quarantined", "Files that cannot be used, each with its reason."),
    ("skipped", "Skipped", "Files that were not read: not images by their names, or links out of the folder."),
)


def draw(report: Mapping[str, Any], *, key: str) -> None:
    """The card of one report.json."""
    with st.container(border=True, key=f"report-{key}"):
        with st.container(horizontal=True, gap="medium"):
            for name, label, meaning in _NUMBERS:
                if name in ("added", "present") or report.get(name):
                    st.metric(label, f"{report.get(name, 0):,}", help=meaning, width="content")
        st.caption(_summary(report))
        for note in report.get("notes", []):
            st.info(wording.escaped(note), icon=":material/info:")
        _files(report)


def _summary(report: Mapping[str, Any]) -> str:
    parts = [
        f"{wording.counted(report.get('files', 0), 'image file')} read in {wording.duration(report.get('seconds'))}"
    ]
    if splits := report.get("splits"):
        parts.append("; ".join(f"{count:,} in {name}" for name, count in splits.items()))
    return " · ".join(parts)


def _files(report: Mapping[str, Any]) -> None:
    if labels := report.get("labels"):
        rows = [{"Class": name, "Images": count} for name, count in labels.items()]
        _table("Labels", len(rows), rows)
    _table(
        "Duplicates",
        report.get("duplicate", 0),
        [
            {
                "File": line["path"],
                "Copy of": line["copy_of"],
                "Its label": line["label"],
                "Label of that": line["other_label"],
            }
            for line in report.get("duplicates", [])
        ],
    )
    _table("Added", report.get("added", 0), _labelled(report.get("added_files", [])))
    _table("Changed", report.get("changed", 0), _labelled(report.get("changed_files", [])))
    _table("There already", report.get("present", 0), _labelled(report.get("present_files", [])))
    _table(
        "Other label in the source",
        report.get("kept", 0),
        [
            {"File": line["path"], "Label here, kept": line["label"], "In the source": line["label_of_source"]}
            for line in report.get("kept_labels", [])
        ],
    )
    _table("Quarantined", report.get("quarantined", 0), _reasons(report.get("quarantine", [])))
    _table("Skipped", report.get("skipped", 0), _reasons(report.get("skipped_files", [])))


def _labelled(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"File": line["path"], "Label": line["label"]} for line in lines]


def _reasons(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"File": line["path"], "Why": line["reason"]} for line in lines]


def _table(title: str, count: int, rows: list[dict[str, Any]]) -> None:
    if not count:
        return
    with st.expander(f"{title} ({count:,})"):
        if not rows:
            st.caption("The report does not list them.")
            return
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        if len(rows) < count:
            st.caption(f"The first {len(rows):,} of {count:,}.")
