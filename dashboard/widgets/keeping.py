"""What a person does with a dataset as a whole: another name, written as files, out of sight, back again, gone."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.workspace import Workspace
from core.workspace.keeping import PutAway
from dashboard import state
from dashboard.widgets import deleting, export
from dashboard.wording import counted, escaped, moment

_MENU = {"rename": "Rename …", "export": "Export …", "put-away": "Put away"}


def menu(workspace: Workspace, dataset: DatasetInfo) -> None:
    """The menu at the end of a dataset's line."""
    chosen = st.menu_button(
        f"More on {escaped(dataset.name)}",
        list(_MENU),
        key=f"more-{dataset.id}",
        type="tertiary",
        icon=":material/more_vert:",
        format_func=_MENU.__getitem__,
        help=f"Rename {escaped(dataset.name)}, export it or put it away",
    )
    if chosen == "rename":
        _rename(workspace, dataset)
    elif chosen == "export":
        _export(workspace, dataset)
    elif chosen == "put-away":
        try:
            workspace.keeping.put_away(dataset.name)
        except LabelloopError as error:
            st.toast(escaped(error), icon=":material/error:", duration="long")
        else:
            state.put("just-away", dataset.id)
            state.set_params(dataset=None)
            st.rerun()


def draw_away(workspace: Workspace) -> None:
    """The datasets that are put away, folded together; open while one has just come there."""
    away = workspace.keeping.away()
    if not away:
        return
    fresh = any(one.id == state.get("just-away") for one in away)
    with st.expander(f"Put away ({len(away)})", icon=":material/archive:", expanded=fresh):
        for one in away:
            _line(workspace, one)


def _line(workspace: Workspace, one: PutAway) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"away-{one.id}"):
        st.markdown(f"**{escaped(one.name)}** &nbsp;:gray[{_extent(one)} · {moment(one.since)}]", width="stretch")
        if st.button("Bring back", icon=":material/unarchive:", key=f"back-{one.id}"):
            try:
                workspace.keeping.bring_back(one.id)
            except LabelloopError as error:
                _bring_back(workspace, one, str(error))
            else:
                _look_at(one.name)
        if st.button("Delete for good", icon=":material/delete_forever:", type="tertiary", key=f"delete-{one.id}"):
            _delete(workspace, one)


@st.dialog("Rename a dataset")
def _rename(workspace: Workspace, dataset: DatasetInfo) -> None:
    st.caption("Its labels, journal, queues and runs go with it.")
    _ask_name("Rename", dataset.name, lambda name: workspace.keeping.rename(dataset.name, name))


@st.dialog("Export a dataset")
def _export(workspace: Workspace, dataset: DatasetInfo) -> None:
    st.markdown(
        f"Copies of the images of **{escaped(dataset.name)}** with the labels and splits that they have now, and a "
        "table of where each came from. What is excluded stays out. Your own files are only read."
    )
    export.draw(dataset.name, partial(workspace.keeping.export, dataset.name))


@st.dialog("Bring a dataset back")
def _bring_back(workspace: Workspace, one: PutAway, problem: str) -> None:
    st.caption(escaped(problem))
    _ask_name("Bring back", f"{one.name} (older)", lambda name: workspace.keeping.bring_back(one.id, name))


@st.dialog("Delete a dataset for good")
def _delete(workspace: Workspace, one: PutAway) -> None:
    deleting.ask(
        f"**{escaped(one.name)}** goes, with the labels of {_extent(one)}. Nothing brings that back. "
        "The image files stay where they are.",
        lambda: workspace.keeping.delete(one.id),
        key="delete",
    )


def _ask_name(word: str, proposed: str, act: Callable[[str], str]) -> None:
    with st.form("dataset-name", border=False):
        name = st.text_input("Name", proposed, max_chars=100)
        if st.form_submit_button(word, type="primary"):
            try:
                called = act(name)
            except LabelloopError as error:
                st.error(escaped(error))
            else:
                _look_at(called)


def _look_at(dataset: str) -> None:
    state.set_dataset(dataset)
    st.rerun()


def _extent(one: PutAway) -> str:
    parts = [counted(one.samples, "image"), counted(one.decisions, "decision")]
    if one.runs:
        parts.append(f"{counted(one.runs, 'run')} ({one.size_bytes / 1e6:,.1f} MB)")
    return ", ".join(parts)
