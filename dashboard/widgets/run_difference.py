"""Two runs side by side: which fields of the recipe differ, and which labels."""

import pandas as pd
import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.runs import FIELDS
from core.snapshots.differences import SnapshotDifference
from core.workspace import Workspace
from dashboard.wording import counted, escaped

SHOWN = 500  # rows of a table


def draw(workspace: Workspace, old: str, new: str) -> None:
    """What was another way in ``new``."""
    try:
        found = workspace.history.difference(old, new)
    except LabelloopError as error:
        st.warning(escaped(error), icon=":material/info:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Recipe**, {old} and {new}")
        fields = {FIELDS[name].label if name in FIELDS else name: values for name, values in found.recipe.items()}
        fields.update({f"version of {name}": values for name, values in found.versions.items()})
        if fields:
            rows = {name: [_shown(value) for value in values] for name, values in fields.items()}
            st.dataframe(pd.DataFrame.from_dict(rows, orient="index", columns=[old, new]), height="content")
        else:
            st.caption("The same in every field, with the same versions.")
    with right:
        st.markdown(f"**Labels and images**, {old} and {new}")
        data(found.data, old, new)


def data(found: SnapshotDifference, old: str, new: str) -> None:
    """What changed in the samples, in a sentence and as a table of the labels."""
    st.caption(sentence(found) or "The same images, labels and splits.")
    if len(found.relabelled):
        table = found.relabelled.head(SHOWN).drop(columns="sample_id")
        names = {"filepath": "Image", "split": "Split", "old": f"Label in {old}", "new": f"Label in {new}"}
        st.dataframe(table.rename(columns=names), hide_index=True, placeholder="none", height="content")
        if len(found.relabelled) > SHOWN:
            st.caption(f"and {len(found.relabelled) - SHOWN:,} more")


def sentence(found: SnapshotDifference) -> str:
    """The counts in words; empty where nothing changed."""
    in_test = int((found.relabelled["split"] == "test").sum())
    relabelled = counted(len(found.relabelled), "label") + " changed" + (f" ({in_test} in test)" if in_test else "")
    parts = [
        (len(found.relabelled), relabelled),
        (len(found.added), counted(len(found.added), "image") + " added"),
        (len(found.removed), counted(len(found.removed), "image") + " removed"),
        (len(found.moved), counted(len(found.moved), "image") + " in another split"),
        (len(found.changed_files), counted(len(found.changed_files), "file") + " with other contents"),
        (len(found.classes_added), "classes added: " + ", ".join(map(escaped, found.classes_added))),
        (len(found.classes_removed), "classes removed: " + ", ".join(map(escaped, found.classes_removed))),
    ]
    return "; ".join(words for count, words in parts if count)


def _shown(value: object) -> str:
    return "–" if value is None else str(value)
