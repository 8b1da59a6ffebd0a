"""What a recipe's augmentation makes of the dataset's own images: each as it is, and as training would see it."""

import json
from collections.abc import Callable
from dataclasses import asdict

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.runs import TrainOptions
from core.workspace import Workspace
from dashboard import state, wording

_LOOKS = ("augmentation", "flip", "flip_vertical", "rotation", "shift", "zoom", "colour", "erase", "image_size", "seed")
IMAGES, VERSIONS = 3, 5


def draw(workspace: Workspace, dataset: str, chosen: Callable[[], TrainOptions]) -> None:
    """A switch, and under it the images; nothing is computed before it is asked for."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle("Show it on my images", key="train.preview", persist_state="session")
        if state.get("preview"):
            st.button("Others", key="train.again", icon=":material/casino:", type="tertiary", on_click=_another)
    if not state.get("preview"):
        return
    try:
        options = chosen()
        with st.spinner("Drawing; the first time takes a few seconds …", show_time=True):
            rows = _images(workspace, dataset, _key(options), int(state.get("draw", 0)), options)
    except LabelloopError as error:
        st.info(wording.escaped(error), icon=":material/hide_image:")
        return
    if not rows:
        st.info("None of the train images can be read here.", icon=":material/hide_image:")
        return
    head = st.columns([1, VERSIONS], gap="medium")
    head[0].caption("As it is")
    head[1].caption("As training sees it")
    for row in rows:
        plain, varied = st.columns([1, VERSIONS], gap="medium")
        plain.image(row[0], width="stretch")
        for column, image in zip(varied.columns(VERSIONS, gap="small"), row[1:], strict=True):
            column.image(image, width="stretch")


def _another() -> None:
    state.put("draw", int(state.get("draw", 0)) + 1)


def _key(options: TrainOptions) -> str:
    values = asdict(options)
    return json.dumps([values[name] for name in _LOOKS])


@st.cache_data(show_spinner=False, max_entries=64, ttl=600)
def _images(
    _workspace: Workspace, dataset: str, look: str, draw_number: int, _options: TrainOptions
) -> list[list[bytes]]:
    del look  # part of the cache's key
    seed = _options.seed + draw_number
    return _workspace.training.augmented(dataset, _options, images=IMAGES, versions=VERSIONS, seed=seed)
