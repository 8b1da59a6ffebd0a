"""The options that runs were trained with, side by side."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.models import model_title
from core.domain.runs import FIELDS
from core.workspace import RunView
from dashboard import wording

_WEIGHTS = {"auto": "as the model comes", "none": "from scratch", "bundled": "shipped", "download": "downloaded"}
_FIRST = ("epochs", "image_size", "batch_size", "learning_rate", "seed")  # shown even where they are the defaults


def draw(runs: Sequence[RunView], *, folded: bool = True) -> None:
    """A row an option, a column a run; ``folded``: what somebody chose, and behind a click what was left alone."""
    everything = pd.DataFrame({run.name: options(run, defaults=True) for run in runs}).fillna("–")
    chosen = pd.DataFrame({run.name: options(run) for run in runs}).fillna("–")
    st.dataframe(chosen if folded else everything, height="content")
    rest = everything.drop(index=list(chosen.index))
    if folded and len(rest):
        with st.expander(f"{len(rest)} options that were left as they come"):
            st.dataframe(rest, height="content")


def options(run: RunView, *, defaults: bool = False) -> dict[str, str]:
    """Option and value in words, with ``defaults`` those too that were left alone; an instant run has a seed only."""
    given: dict[str, Any] = run.options
    model = str(given.get("model", ""))
    shown = {"Model": model_title(model) or "–"}
    for name, value in given.items():
        if name == "model" or (model == "instant" and name != "seed"):
            continue
        default = name in FIELDS and value == FIELDS[name].default and name not in _FIRST
        if defaults or not default:
            label = FIELDS[name].label if name in FIELDS else name.replace("_", " ").capitalize()
            shown[label] = _value(name, value)
    shown["Images"] = f"{run.status.get('total'):,}" if isinstance(run.status.get("total"), int) else "–"
    shown["Classes"] = f"{len(run.spec.get('classes', [])):,}"
    shown["Device"] = "GPU" if run.status.get("device") == "cuda" else "CPU"
    shown["Took"] = wording.duration(run.seconds)
    shown["Snapshot"] = str(run.spec.get("snapshot", ""))[:12]
    return shown


def _value(name: str, value: Any) -> str:
    if name == "learning_rate":
        return f"{value:.3g}" if value else "the model's own"
    if name == "image_size":
        return f"{value} px"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return _WEIGHTS.get(str(value), str(value)) if name == "weights" else str(value)
