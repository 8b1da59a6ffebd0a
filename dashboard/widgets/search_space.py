"""What a search is to try: a recipe to begin with, fields that vary, and fields with a value of their own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.fields import Field
from core.domain.models import INSTANT, MODELS, model_title
from core.domain.recipes import NETWORKS
from core.domain.runs import FIELDS, STARTS, TrainOptions
from core.workspace import RunView
from dashboard import state
from dashboard.widgets import recipe_form

_RUNS = 20  # whose recipes are offered
_VARIED, _SET = ("learning_rate", "weight_decay"), ("epochs", "image_size")
_EPOCHS = 5  # of a trial, where the recipe has more: a search is to compare, not to finish
_USUAL = {"learning_rate": (1e-4, 1e-2), "weight_decay": (1e-4, 0.1), "batch_size": (16, 128), "mixup": (0.0, 0.4)}
_STEPS = {"image_size": 32}  # pixels: every network takes these sizes
_KNOWN = {"model": MODELS, "weights": STARTS, "device": ("auto", "cpu", "cuda")}


def draw(runs: Sequence[RunView], *, grid: bool) -> dict[str, Any]:
    """The widgets, and the space that they say (see core.search.space). ``runs``: whose recipes can be begun with;
    ``grid``: each field that varies needs a list of values.

    Raises:
        BadInput: a value that a field cannot have.
    """
    titles, recipes = _recipes(runs)
    base = st.selectbox(
        "Begin with",
        list(recipes),
        index=list(recipes).index(recipe_form.START),
        key=_key("base"),
        format_func=titles.__getitem__,
        help="A recipe, or that of an earlier run: what is not named below stays as it is there.",
        width=320,
    )
    recipe = recipes[base]
    with st.container(horizontal=True):
        varied = _fields("Fields that vary", "varied", _VARIED)
        fixed = _fields("Fields set for all trials", "set", _SET)
    given = asdict(recipe)
    space = {name: value for name, value in given.items() if name == "model" or value != FIELDS[name].default}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in fixed:
            if name not in varied:
                value = min(_EPOCHS, given[name]) if name == "epochs" else given[name]
                space[name] = _one(name, FIELDS[name], value, key=_key(f"{name}-set-{base}"))
    for name in varied:
        space[name] = _dimension(name, FIELDS[name], given[name], grid=grid, key=_key(f"{name}-{base}"))
    return space


def _recipes(runs: Sequence[RunView]) -> tuple[dict[str, str], dict[str, TrainOptions]]:
    """Titles and recipes by name: presets, then runs."""
    titles, recipes = {}, {}
    for one in NETWORKS:
        titles[one.name], recipes[one.name] = one.title, one.options
    for run in runs[:_RUNS]:
        try:
            options = TrainOptions.read(run.options)
        except LabelloopError:  # of another version
            continue
        if options.model != INSTANT:
            titles[run.name], recipes[run.name] = f"{run.name} · {model_title(options.model)}", options
    return titles, recipes


def _fields(label: str, name: str, default: Sequence[str]) -> list[str]:
    return st.multiselect(
        label, list(FIELDS), default=default, key=_key(name), format_func=lambda one: FIELDS[one].label, width=420
    )


def _one(name: str, field: Field, value: Any, *, key: str) -> Any:
    """A widget for one value, and the value."""
    if field.kind in ("choice", "text"):
        known: Sequence[str] = field.choices or _KNOWN.get(name, ())
        if not known:
            return field.checked(st.text_input(field.label, value, key=key, help=field.meaning, width=420))
        options = list(dict.fromkeys([value, *known]))
        more = field.kind == "text"
        picked = st.selectbox(field.label, options, key=key, accept_new_options=more, help=field.meaning, width=240)
        return field.checked(picked or value)
    if field.kind == "switch":
        return st.toggle(field.label, value, key=key, help=field.meaning)
    return _number(field, field.label, value, key=key, meaning=field.meaning)


def _dimension(name: str, field: Field, value: Any, *, grid: bool, key: str) -> Any:
    """Widgets for a field that varies, and what the space says of it."""
    if field.kind == "switch":
        st.caption(f"{field.label}: on and off")
        return [False, True]
    if field.kind == "choice" or name in _KNOWN:
        known = list(dict.fromkeys([value, *(field.choices or _KNOWN[name])]))
        chosen = known if field.kind == "choice" else [value]
        more = field.kind == "text"
        picked = st.multiselect(
            field.label, known, default=chosen, key=key, accept_new_options=more, help=field.meaning
        )
        return [field.checked(one) for one in picked]
    if field.kind == "text":
        lines = st.text_area(f"{field.label}, one a line", value, key=key, help=field.meaning)
        return [field.checked(line) for line in lines.splitlines() if line.strip()]
    low, high = _USUAL.get(name, _around(value, field))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if grid or st.checkbox("a list", key=f"{key}-list", help="Just these values, rather than all in between"):
            return _values(field, low, high, key=key)
        least = _number(field, f"{field.label}, from", low, key=f"{key}-low", meaning=field.meaning)
        most = _number(field, "to", high, key=f"{key}-high")
        if name in _STEPS:
            return {"low": least, "high": most, "step": _STEPS[name]}
        return {"low": least, "high": most, "log": st.checkbox("by factors", field.log and low > 0, key=f"{key}-log")}


def _values(field: Field, low: float, high: float, *, key: str) -> list[Any]:
    """A line for values that are typed; three in the usual range are there to begin with."""
    middle = (low * high) ** 0.5 if field.log and low > 0 else (low + high) / 2
    usual = (round(one) if field.kind == "whole" else one for one in (low, middle, high))
    words = ", ".join(dict.fromkeys(str(one) if field.kind == "whole" else f"{one:.3g}" for one in usual))
    said = st.text_input(f"{field.label}, values", words, key=f"{key}-values", help=field.meaning, width=420)
    return [field.checked(part.strip()) for part in said.split(",") if part.strip()]


def _number(field: Field, label: str, value: float, *, key: str, meaning: str | None = None) -> float:
    whole = field.kind == "whole"
    kind: Any = int if whole else float
    found: float = st.number_input(
        label,
        kind(field.low),
        kind(field.high),
        kind(value),
        1 if whole else None,
        "%d" if whole else "%g",
        key=key,
        help=meaning,
        width=200,
    )
    return found


def _around(value: float, field: Field) -> tuple[float, float]:
    """A range around a recipe's value, within the field's own."""
    if not value:
        return field.low, min(field.high, max(field.low + 0.5, 1 if field.kind == "whole" else 0))
    return max(field.low, value / 2), min(field.high, value * 2)


def _key(name: str) -> str:
    return f"{state.current_page()}.space-{name}"
