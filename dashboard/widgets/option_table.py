"""The options that runs were trained with, side by side."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.runs import MODEL_NAMES
from core.workspace import RunView
from dashboard import wording

_WEIGHTS = {"none": "from scratch", "download": "ImageNet, downloaded"}
_ONLY_NETWORKS = ("epochs", "image_size", "batch_size", "learning_rate", "weights")


def draw(runs: Sequence[RunView]) -> None:
    """A row an option, a column a run."""
    columns = {run.name: options(run) for run in runs}
    st.dataframe(pd.DataFrame(columns).fillna("–"), height="content")


def options(run: RunView) -> dict[str, str]:
    """Option and value in words; what the run's model does not use is left out."""
    given: dict[str, Any] = run.options
    model = str(given.get("model", ""))
    shown = {"Model": MODEL_NAMES.get(model, model)}
    for name, value in given.items():
        if name == "model" or (model == "instant" and name in _ONLY_NETWORKS):
            continue
        if name == "weights" and model != "resnet18":
            continue
        shown[name.replace("_", " ").capitalize()] = _value(name, value)
    shown["Images"] = f"{run.status.get('total'):,}" if isinstance(run.status.get("total"), int) else "–"
    shown["Classes"] = f"{len(run.spec.get('classes', [])):,}"
    shown["Device"] = "GPU" if run.status.get("device") == "cuda" else "CPU"
    shown["Took"] = wording.duration(run.seconds)
    shown["Snapshot"] = str(run.spec.get("snapshot", ""))[:12]
    return shown


def _value(name: str, value: Any) -> str:
    if name == "learning_rate":
        return f"{value:g}" if value else "the model's own"
    if name == "image_size":
        return f"{value} px"
    return _WEIGHTS.get(str(value), str(value)) if name == "weights" else str(value)
