"""Where images come from: a path on this computer, or files dropped into the browser."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.ingest.archives import is_archive, stem_of
from core.workspace import Workspace
from dashboard import state, wording
from dashboard.widgets import dropzone

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be imported: ``text`` names it for the preview, ``batch`` is set for an upload."""

    text: str
    batch: str = ""


def draw(workspace: Workspace, names: list[str]) -> Source | None:
    """The path field and the drop zone. Returns the source that the person named, ``None`` before that."""
    st.text_input(
        "Folder, archive or table on this computer",
        key="import.folder",
        placeholder="/home/me/pictures/cats-and-dogs",
        help="A folder of images, a zip or tar of one, a CSV, JSON Lines or Parquet table of paths and labels, or "
        "fiftyone:NAME for a FiftyOne dataset in this workspace's database.",
        on_change=_path_changed,
        args=(names,),
        icon=":material/folder_open:",
    )
    st.caption("Your files are never moved or changed: labelloop reads them where they are.")
    uploaded = dropzone.draw("import-drop")
    if uploaded:
        _take(workspace, uploaded, names)
    text = str(state.get("folder", "")).strip()
    batch = str(state.get("batch", ""))
    if text:
        return Source(text)
    if not batch:
        return None
    _dropped()
    return Source(str(workspace.uploads.source(batch)), batch)


def clear() -> None:
    """Forget what was named, for the next import. Call it from a widget's callback."""
    state.put("folder", "")
    state.put("batch", "")
    state.put("preview", None)


def propose(name: str, names: list[str]) -> None:
    """Propose a name for the dataset; one that there is means: add to it."""
    proposed = re.sub(r"\s+", " ", name).strip(" .")
    state.put("name", proposed)
    state.put("into", "Add to a dataset" if proposed in names else "New dataset")
    state.put("problem", "")


def _path_changed(names: list[str]) -> None:
    text = str(state.get("folder", "")).strip().strip("\"'").rstrip("/\\")
    path = Path(text.removeprefix("fiftyone:"))
    state.put("batch", "")
    propose(stem_of(path) if is_archive(path) else path.stem if path.suffix and path.is_file() else path.name, names)


def _take(workspace: Workspace, uploaded: dict[str, Any], names: list[str]) -> None:
    batch = str(uploaded["batch"])
    if state.get("batch") == batch:
        return
    workspace.uploads.tidy()
    state.put("upload", uploaded)
    state.put("batch", batch)
    if not str(state.get("folder", "")).strip():
        propose(workspace.uploads.name_of(batch), names)


def _dropped() -> None:
    uploaded: dict[str, Any] = state.get("upload", {})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Uploaded** · {wording.counted(int(uploaded.get('files', 0)), 'file')}", width="content")
        st.button("Take something else", icon=":material/close:", type="tertiary", on_click=clear)
    left = [(str(name), str(why)) for name, why in uploaded.get("left", [])]
    if left:
        with st.expander(f"{wording.counted(int(uploaded.get('count', len(left))), 'file')} not uploaded"):
            st.dataframe({"File": [name for name, _ in left], "Why": [why for _, why in left]}, hide_index=True)
