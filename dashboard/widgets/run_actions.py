"""What can be made of a past run: run again, its labels restored, its dataset exported. Each asks before it does."""

from functools import partial

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import RunView, Workspace
from dashboard import state
from dashboard.widgets import export, run_difference
from dashboard.wording import counted, escaped


def draw(workspace: Workspace, run: RunView) -> None:
    """The menu of a run that has ended."""
    if st.button(
        "Run again exactly",
        icon=":material/replay:",
        help="The same recipe and seed on the same images and labels, whatever the dataset holds now.",
    ):
        _again(workspace, run.name)
    if st.button("Restore its labels", icon=":material/settings_backup_restore:"):
        _restore(workspace, run.name)
    if st.button("Export its dataset", icon=":material/folder_zip:"):
        _export(workspace, run.name)


def _again(workspace: Workspace, name: str) -> None:
    try:
        started = workspace.history.again(name)
        for sentence in workspace.history.differing(name):
            st.toast(escaped(f"Not exactly the same: {sentence}"), icon=":material/info:", duration="long")
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:")
        return
    state.set_params(run=started)
    st.rerun()


@st.dialog("Restore the labels of a run")
def _restore(workspace: Workspace, name: str) -> None:
    try:
        changes = workspace.history.edits_since(name)
    except LabelloopError as error:
        st.error(escaped(error))
        return
    count = len(changes.relabelled)
    if not count:
        st.markdown(f"Every image of **{name}** that is still in the dataset has the label that it had then.")
        return
    st.markdown(
        f"{counted(count, 'label')} changed since **{name}**. They get the label back that they had then; the journal "
        "keeps what they are now, and one undo takes all of it back."
    )
    run_difference.data(changes, name, "the dataset now")
    if st.button(
        f"Restore {counted(count, 'label')}",
        type="primary",
        icon=":material/settings_backup_restore:",
        on_click=_restored,
        args=(workspace, name),
    ):
        st.rerun()


def _restored(workspace: Workspace, name: str) -> None:
    try:
        done = workspace.history.restore_labels(name)
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:")
        return
    state.put("said", f"{counted(done.restored, 'label')} of {name} restored.")


@st.dialog("Export the dataset of a run")
def _export(workspace: Workspace, name: str) -> None:
    st.markdown(
        f"Copies of the images that **{name}** was trained on, with its labels and splits, and a table of where each "
        "came from. Your own files are only read."
    )
    export.draw(name, partial(workspace.history.export, name))
