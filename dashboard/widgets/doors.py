"""The ways into an empty workspace: import a folder, watch a generator's output, or try the demonstration."""

import io
import zipfile

import streamlit as st
from PIL import Image

from core.demo.dataset import ARCHIVE, NAME, unpack
from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import navigation, state
from dashboard.wording import escaped

_ACROSS, _DOWN, _TILE = 8, 2, 112  # pictures of the demonstration in its card; pixels of one
_FOLDERS = (("cats", 62, "#2b87d8"), ("dogs", 45, "#d87f1a"), ("unsure", 18, "#a2a574"))


def draw(workspace: Workspace, *, first: bool) -> None:
    """Draw the doors that are open: the demonstration is there once. ``first``: nothing else is on the page."""
    with st.container(key="doors", horizontal=True, gap="medium"):
        with st.container(border=True, key="door-import"):
            if first:
                st.html(_folders())
            st.markdown("### Import a folder")
            st.markdown("Class folders, train/val/test, or just images. Your files stay where they are, as they are.")
            st.page_link(navigation.page("import"), label="Choose a folder", icon=":material/create_new_folder:")
        with st.container(border=True, key="door-watch"):
            if first:
                st.html(_arriving())
            st.markdown("### Watch a generator's output")
            st.markdown("What Stable Diffusion writes is taken in within seconds, with its prompt, model and seed.")
            st.page_link(
                navigation.page("import"),
                label="Choose its output folder",
                icon=":material/visibility:",
                query_params={"watch": "new"},
            )
        if NAME not in workspace.names():
            with st.container(border=True, key="door-demo"):
                if first:
                    st.image(_collage(), width="stretch")
                st.markdown("### Try the demonstration")
                st.markdown(
                    "Hundreds of small pictures, some with wrong labels that wait to be found. A minute to set up."
                )
                st.button(
                    "Start",
                    key="start-demo",
                    icon=":material/play_arrow:",
                    type="primary" if first else "secondary",
                    on_click=_start_demo,
                    args=(workspace,),
                )
    if state.get("problem"):
        st.error(escaped(state.get("problem")), icon=":material/error:")


def _start_demo(workspace: Workspace) -> None:
    """The same as ``labelloop demo``: import, embed, and a first model when that is done."""
    try:
        job = workspace.start_import(unpack(workspace.paths.root / "demo-images"), NAME)
    except LabelloopError as error:
        state.put("problem", str(error))
        return
    state.put("problem", "")
    state.train_after(job)


def _folders() -> str:
    """Three folders as the import would see them: a name, and as many images as the bar is long."""
    rows = "".join(
        f'<li><span>{name}/</span><i style="width:{width}%;background:{colour}"></i></li>'
        for name, width, colour in _FOLDERS
    )
    return f'<ul class="ll-folders" aria-hidden="true">{rows}</ul>'


def _arriving() -> str:
    """A row of pictures of which the last are still to come."""
    tiles = "".join(f'<i style="opacity:{opacity}"></i>' for opacity in (1, 0.85, 0.7, 0.5, 0.3, 0.15))
    return f'<div class="ll-arriving" aria-hidden="true">{tiles}</div>'


@st.cache_data(show_spinner=False)
def _collage() -> bytes:
    """Pictures from all over the demonstration, side by side."""
    sheet = Image.new("RGB", (_ACROSS * _TILE, _DOWN * _TILE))
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        step = max(1, len(names) // (_ACROSS * _DOWN))
        for place, name in enumerate(names[step // 2 :: step][: _ACROSS * _DOWN]):
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB").resize((_TILE, _TILE))
            sheet.paste(picture, (place % _ACROSS * _TILE, place // _ACROSS * _TILE))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
