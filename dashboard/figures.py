"""What a run reached, kept per run: its predictions never change, so neither do its figures as trained."""

from pathlib import Path

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS, Split
from core.evaluation.metrics import Evaluation
from core.runs.layout import RunPaths
from core.workspace import RunView, Workspace


def of_run(workspace: Workspace, run: RunView) -> dict[Split, Evaluation]:
    """Evaluations by split under the labels that the run was trained with; only splits with labelled samples."""
    path = RunPaths(workspace.paths.runs / run.name).predictions
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _evaluations(str(path), stamp, workspace)


def finished(workspace: Workspace, dataset: str) -> list[RunView]:
    """The succeeded runs of a dataset, newest first."""
    return [run for run in workspace.runs(dataset) if run.state == "succeeded"]


def model_of(run: RunView) -> str:
    """The run's model key ("instant", "cnn", "resnet18"); "" where its spec is broken."""
    return str(run.spec.get("options", {}).get("model", ""))


@st.cache_data(show_spinner=False, max_entries=500)
def _evaluations(path: str, stamp: int, _workspace: Workspace) -> dict[Split, Evaluation]:  # noqa: ARG001 - part of the key
    name = Path(path).parent.name
    found: dict[Split, Evaluation] = {}
    for split in SPLITS:
        try:
            evaluation = _workspace.evaluation(name, split)
        except LabelloopError:
            continue
        if evaluation.samples:
            found[split] = evaluation
    return found
