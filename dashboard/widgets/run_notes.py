"""Star, tags, note, put away and deleting of one run; what is typed is kept at once."""

from typing import Any

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import state
from dashboard.widgets import deleting
from dashboard.wording import escaped


def draw(workspace: Workspace, name: str, known_tags: list[str]) -> None:
    """The widgets. ``known_tags`` are offered; any other can be typed."""
    notes = workspace.history.notes(name)

    def key(field: str) -> str:
        return f"{state.current_page()}.{field}-{name}"

    def change(field: str, value: Any) -> None:
        try:
            workspace.history.annotate(name, **{field: value})
        except LabelloopError as error:
            st.toast(escaped(error), icon=":material/error:")

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            "Starred" if notes.star else "Star",
            key=key("star"),
            icon=":material/star:" if notes.star else ":material/star_border:",
            on_click=change,
            args=("star", not notes.star),
        )
        st.button(
            "Bring back" if notes.archived else "Put away",
            key=key("archived"),
            icon=":material/unarchive:" if notes.archived else ":material/archive:",
            help="Runs that are put away are kept; the table shows them on demand.",
            on_click=change,
            args=("archived", not notes.archived),
        )
        if notes.archived and st.button("Delete for good", key=key("delete"), icon=":material/delete_forever:"):
            _delete(workspace, name)
        st.multiselect(
            "Tags",
            sorted({*known_tags, *notes.tags}),
            default=list(notes.tags),
            key=key("tags"),
            accept_new_options=True,
            placeholder="Add a tag",
            label_visibility="collapsed",
            width=320,
            on_change=lambda: change("tags", state.chosen(key("tags"))),
        )
    st.text_area(
        "Note",
        value=notes.text,
        key=key("text"),
        placeholder="What was tried here, and what came of it",
        height="content",
        on_change=lambda: change("text", state.chosen(key("text"))),
    )


@st.dialog("Delete a run for good")
def _delete(workspace: Workspace, name: str) -> None:
    deleting.ask(
        f"**{name}** goes: its network, predictions, figures and log. Nothing brings that back. Labels and images stay "
        "as they are.",
        lambda: _deleted(workspace, name),
        key="delete-run",
    )


def _deleted(workspace: Workspace, name: str) -> None:
    size = workspace.history.delete(name)
    state.set_params(run=None)
    state.put("said", f"{name} is deleted: {size / 1e6:,.1f} MB are free.")
