"""What a search is to vary: fields of the recipe, each with its range or choices."""

from typing import Any

import streamlit as st

from core.domain.runs import FIELDS, MODEL_NAMES
from dashboard import state

_FIRST = ("learning_rate", "weight_decay")
_FIXED = ("epochs", "image_size")
_NOT_OFFERED = ("model", "layers", "weights", "device", "seed", *_FIXED)
_USUAL = {"learning_rate": (1e-4, 1e-2), "weight_decay": (1e-4, 0.1), "batch_size": (16, 128), "mixup": (0.0, 0.4)}


def draw() -> dict[str, Any]:
    """The widgets, and the space that they say (see core.search.space)."""
    offered = [name for name in FIELDS if name not in _NOT_OFFERED]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        models = st.multiselect(
            "Models",
            [name for name in MODEL_NAMES if name != "instant"],
            default=["cnn"],
            key=_key("models"),
            format_func=lambda name: MODEL_NAMES[name],
            help="Several: the search chooses among them too.",
            width=320,
        )
        epochs = st.number_input("Epochs of a trial", 1, 10_000, 5, key=_key("epochs"), width=160)
        size = st.number_input("Image size", 16, 1024, 96, 16, key=_key("image_size"), width=140)
    varied = st.multiselect(
        "Fields that vary",
        offered,
        default=list(_FIRST),
        key=_key("fields"),
        format_func=lambda name: FIELDS[name].label,
    )
    space: dict[str, Any] = {"model": models if len(models) > 1 else (models or ["cnn"])[0]}
    space |= {"epochs": int(epochs), "image_size": int(size)}
    for name in varied:
        space[name] = _dimension(name)
    return space


def _dimension(name: str) -> Any:
    described = FIELDS[name]
    if described.kind == "choice":
        return st.multiselect(
            described.label, described.choices, default=described.choices, key=_key(name), help=described.meaning
        )
    if described.kind == "switch":
        st.caption(f"{described.label}: on and off")
        return [False, True]
    whole = described.kind == "whole"
    low, high = _USUAL.get(name, _around(described.default, described.low, described.high))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind: Any = int if whole else float
        options: dict[str, Any] = {
            "min_value": kind(described.low),
            "max_value": kind(described.high),
            "step": 1 if whole else None,
            "format": "%d" if whole else "%g",
            "width": 200,
        }
        least = st.number_input(
            f"{described.label}, from", value=kind(low), key=_key(f"{name}-low"), help=described.meaning, **options
        )
        most = st.number_input("to", value=kind(high), key=_key(f"{name}-high"), **options)
        log = st.checkbox("by factors", value=described.log and low > 0, key=_key(f"{name}-log"))
    return {"low": least, "high": most, "log": log}


def _around(default: float, low: float, high: float) -> tuple[float, float]:
    return (max(low, default / 2), min(high, default * 2)) if default else (low, min(high, low + 0.5))


def _key(name: str) -> str:
    return f"{state.current_page()}.space-{name}"
