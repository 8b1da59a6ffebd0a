"""Journal: what was decided, by whom and when; undo one, many, or everything since a run or a time."""

import pandas as pd
import streamlit as st

from core.domain.decisions import JournalEntry
from core.domain.errors import LabelloopError
from core.review import journal as reading
from dashboard import frame, journal_export, state
from dashboard.widgets import address, empty_state, journal_filter, journal_table
from dashboard.wording import counted, escaped

workspace, dataset = frame.begin()
if dataset is None:
    empty_state.draw(
        "Nothing was decided yet",
        "Every decision on an image is kept here and can be taken back. First bring some images in.",
        page="import",
        label="Import a folder",
    )
    st.stop()
workspace.reconcile(dataset.name)
entries = workspace.review.entries(dataset.name)
if not entries:
    empty_state.draw(
        "Nothing was decided yet",
        f"Every decision on an image of **{escaped(dataset.name)}** is kept here and can be taken back.",
        page="review",
        label="Review images",
    )
    st.stop()


def take_back(chosen: list[JournalEntry]) -> None:
    """Undo, and say what became of it; a callback."""
    try:
        outcomes = workspace.review.undo_entries(dataset.name, chosen, who=state.person())
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:", duration="long")
        return
    refused = [one for one in outcomes if not one.saved]
    told = f"Took back {counted(len(outcomes) - len(refused), 'decision')}."
    if refused:
        told += f" {counted(len(refused), 'image')} had been decided on again since and stayed as they are."
    st.toast(told, icon=":material/undo:")


def do_again() -> None:
    """Redo the newest undo; a callback."""
    try:
        outcomes = workspace.review.redo(dataset.name, who=state.person())
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:", duration="long")
        return
    done = sum(one.saved for one in outcomes)
    st.toast(f"Did {counted(done, 'decision')} again." if done else "There is nothing to do again.")


wanted = journal_filter.draw(workspace, dataset, entries)
found = [entry for entry in entries if wanted.takes(entry)]
standing = [entry for entry in found if reading.Filter(standing=True).takes(entry)]
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(
        f"**{counted(len(found), 'decision')}**" + (f" of {len(entries):,}" if len(found) < len(entries) else "")
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        undone = next((entry for entry in entries if entry.undoes and not entry.undone), None)
        st.button(
            "Redo",
            icon=":material/redo:",
            on_click=do_again,
            disabled=undone is None,
            help="What the last undo took back",
        )
        journal_export.buttons(workspace, dataset, found)
if not found:
    st.caption("No decision is like that.")
    st.stop()
key = address.key("table", (len(found), found[0].id), put=False)
chosen = journal_table.draw(workspace, dataset, found, key=key)
batches = {entry.batch for entry in chosen}
together = [entry for entry in standing if entry.batch in batches]
mine = [entry for entry in chosen if entry in standing]
with st.container(horizontal=True, vertical_alignment="center"):
    st.button(
        f"Undo {counted(len(mine), 'decision')}" if mine else "Undo",
        type="primary" if mine else "secondary",
        icon=":material/undo:",
        disabled=not mine,
        on_click=take_back,
        args=(mine,),
        help=None if mine else "Choose decisions in the table",
    )
    if len(together) > len(mine):
        st.button(f"Undo all {len(together):,} that were made with them", on_click=take_back, args=(together,))
    every = f"Undo all {len(standing):,} shown …" if len(standing) > 1 else "Undo what is shown …"
    with st.popover(every, disabled=not standing, type="tertiary"):
        people = pd.Series([entry.who for entry in standing]).value_counts()
        who = ", ".join(f"{count:,} by {escaped(name)}" for name, count in people.items())
        st.markdown(f"Takes back **{counted(len(standing), 'decision')}** ({who}), the newest first.")
        st.caption("Images that were decided on again outside this list keep their newer label. Redo brings all back.")
        st.button("Undo them", type="primary", icon=":material/undo:", on_click=take_back, args=(standing,))
