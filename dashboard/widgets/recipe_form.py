"""A recipe of one's own: every field with a sentence, those that do nothing in this recipe left out."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import streamlit as st

from core.domain.errors import BadInput, LabelloopError
from core.domain.fields import Field
from core.domain.models import INSTANT, MODELS, model_info, model_title
from core.domain.recipes import NETWORKS, as_toml, parse_recipe, preset
from core.domain.runs import FIELDS, LOOKED_AT, TrainOptions
from dashboard import state, wording

_GROUPS = tuple(dict.fromkeys(field.group for field in FIELDS.values()))
START = "small-cnn"  # whose recipe is shown first
_STARTS = {
    "auto": "What is shipped, else from scratch",
    "none": "From scratch",
    "bundled": "The weights that are shipped",
    "download": "Download ImageNet weights",
    "file": "A file of weights",
}
_WORDS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD", "fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}

Options = Mapping[str, Any]


def draw(*, images: Callable[[], None]) -> None:
    """The form. ``images`` draws what belongs below the group of the images; :func:`chosen` reads the recipe."""
    if state.get("recipe") is None:
        fill(preset(START).options)
        state.put("recipe", START)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Begin with",
            [one.name for one in NETWORKS],
            key="train.base",
            format_func=lambda name: preset(name).title,
            index=[one.name for one in NETWORKS].index(START),
            on_change=_begin,
            width=260,
        )
        with st.popover("Recipe file", icon=":material/description:"):
            st.file_uploader("Open a recipe", ["toml", "json"], key="train.file", on_change=_opened)
            try:
                words = as_toml(chosen())
            except LabelloopError as error:
                words = f"# {error}\n"
            st.download_button("Save this recipe", words, "recipe.toml", icon=":material/download:")
    source = preset(str(state.get("base") or START)).source
    if source:
        st.caption(f"Published by {wording.escaped(source)}.")
    for group, tab in zip(_GROUPS, st.tabs(list(_GROUPS), key="train.groups"), strict=True):
        with tab:
            _group(group)
            if group == "Images":
                images()


def fill(options: TrainOptions) -> None:
    """Show a recipe; call it before the form is drawn, or in a callback."""
    for name, value in asdict(options).items():
        state.put(name, value)
    known = options.weights in _STARTS
    state.put("weights", options.weights if known else "file")
    state.put("weights_file", "" if known else options.weights)


def chosen() -> TrainOptions:
    """The recipe in the form.

    Raises:
        BadInput: a value is out of range, or two do not go together.
    """
    values = _values()
    if values["weights"] == "file":
        values["weights"] = str(state.get("weights_file") or "").strip().strip("\"'")
        if not values["weights"]:
            raise BadInput("Name the file of weights, or choose other weights to start from.")
    return TrainOptions.read(values)


def _values() -> dict[str, Any]:
    found = {name: state.get(name) for name in FIELDS}
    return {name: FIELDS[name].default if value is None else value for name, value in found.items()}


def _begin() -> None:
    fill(preset(str(state.chosen("train.base"))).options)


def _opened() -> None:
    file = state.chosen("train.file")
    if file is None:
        return
    try:
        fill(parse_recipe(file.name, file.getvalue().decode("utf-8", "replace")))
    except LabelloopError as error:
        state.put("problem", str(error))


def _model_chosen() -> None:
    """Another network has weights and a size of its own."""
    try:
        info = model_info(str(state.chosen("train.model")))
    except BadInput:
        return
    state.put("image_size", info.size)
    state.put("weights", "auto")


def _group(group: str) -> None:
    values = _values()
    names = [name for name, field in FIELDS.items() if field.group == group]
    names = [name for name in names if _looked_at(name, values)]
    if group == "Fine-tuning" and not names:
        st.caption("Only for networks that start from pretrained weights; this one learns from nothing.")
        return
    columns = st.columns(3, gap="large")
    for place, name in enumerate(names):
        with columns[place % 3]:
            _draw(name, FIELDS[name], values)
            st.caption(FIELDS[name].meaning)


def _looked_at(name: str, values: Options) -> bool:
    try:
        return name not in LOOKED_AT or LOOKED_AT[name](values)
    except BadInput:  # of a network that there is not
        return False


def _draw(name: str, field: Field, values: Options) -> None:
    key = f"train.{name}"
    if name == "model":
        st.selectbox(
            field.label,
            [one for one in MODELS if one != INSTANT],
            key=key,
            format_func=model_title,
            accept_new_options=True,
            on_change=_model_chosen,
            help="Or type the name of any other, such as torchvision:efficientnet_b3 or timm:resnet10t.",
            persist_state="session",
        )
    elif name == "weights":
        _weights(values, key)
    elif field.kind == "choice":
        st.selectbox(field.label, field.choices, key=key, format_func=_word, persist_state="session")
    elif field.kind == "switch":
        st.toggle(field.label, key=key, persist_state="session")
    elif field.kind == "text":
        st.text_input(field.label, key=key, persist_state="session")
    elif field.kind == "whole":
        st.number_input(field.label, int(field.low), int(field.high), key=key, step=1, persist_state="session")
    else:
        step = 0.0001 if field.log else 0.01
        st.number_input(
            field.label, float(field.low), float(field.high), key=key, step=step, format="%g", persist_state="session"
        )


def _weights(values: Options, key: str) -> None:
    try:
        starts = ("auto", *model_info(str(values["model"])).starts)
    except BadInput:
        starts = ("auto", "none", "file")
    if values["weights"] not in starts:
        state.put("weights", "auto")
    st.selectbox("Weights to start from", starts, key=key, format_func=_STARTS.__getitem__, persist_state="session")
    if state.get("weights") == "file":
        st.text_input(
            "Path of the file",
            key="train.weights_file",
            placeholder="/home/me/resnet18.safetensors",
            persist_state="session",
        )


def _word(value: str) -> str:
    return _WORDS.get(value, value.replace("-", " ").capitalize())
