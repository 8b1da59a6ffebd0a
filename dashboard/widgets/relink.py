"""Missing files that were moved: the folder where they lie now, what is found there, and the button that takes it."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.workspace import Workspace
from core.workspace.relinking import Relinks
from dashboard import state
from dashboard.wording import counted, escaped

SHOWN = 5


def draw(workspace: Workspace, dataset: DatasetInfo, missing: int) -> None:
    """A folder to look in, and what relinking would do. ``missing`` files are found to be so."""
    folder = st.text_input(
        "Were they moved? Where they lie now",
        key="health.relink-folder",
        placeholder="/path/to/the/folder",
        help="They are found by their contents. Labels, splits and history stay; no file is touched.",
    )
    if not folder.strip():
        return
    try:
        found = _found(workspace, dataset, folder, missing)
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    st.markdown(escaped(found.sentence))
    for move in found.moves[:SHOWN]:
        st.caption(f"{escaped(move.old)} → {escaped(move.new)}")
    if len(found.moves) > SHOWN:
        st.caption(f"and {len(found.moves) - SHOWN:,} more")
    if found.moves:
        st.button(
            f"Take the new {'path' if len(found.moves) == 1 else 'paths'} of {counted(len(found.moves), 'image')}",
            type="primary",
            icon=":material/drive_file_move:",
            key="health.relink",
            on_click=_carry_out,
            args=(workspace, dataset.name, folder),
        )


def _found(workspace: Workspace, dataset: DatasetInfo, folder: str, missing: int) -> Relinks:
    """Looked for once a folder: each widget on the page runs the page again."""
    asked = (dataset.name, folder, missing)
    known, found = state.get("relinks", (None, None))
    if known != asked:
        found = workspace.relinking.preview(dataset.name, folder)
        state.put("relinks", (asked, found))
    seen: Relinks = found
    return seen


def _carry_out(workspace: Workspace, dataset: str, folder: str) -> None:
    try:
        done = workspace.relinking.relink(dataset, folder)
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:", duration="long")
        return
    state.put("told", f"{counted(len(done.moves), 'image')} relinked.")
