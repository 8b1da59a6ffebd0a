"""What a run reached, kept per run: its predictions never change, so neither do its figures as trained.

After a day of Retrain there are a hundred runs, and reading all their predictions takes seconds. So the matrices are
kept in the workspace's cache folder as well; what lies there can be thrown away at any time.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS, Labels, Split
from core.evaluation.metrics import Evaluation, from_matrix
from core.evaluation.scores import Scores
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.workspace import RunView, Workspace
from core.workspace.remembered import Remembered


def of_run(workspace: Workspace, run: RunView) -> dict[Split, Evaluation]:
    """Evaluations by split under the labels that the run was trained with; only splits with labelled samples."""
    path = RunPaths(workspace.paths.runs / run.name).predictions
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _evaluations(str(path), stamp, workspace)


def scored(workspace: Workspace, run: RunView, split: Split, labels: Labels) -> tuple[Evaluation, Scores]:
    """The matrix and all figures, without the rows behind them: what a page may hold on to as long as its tab is open.

    Raises:
        LabelloopError: the run's predictions can't be read.
    """
    answers = workspace.review.answers(run.dataset, run.name)
    made_of = (answers, workspace.samples(run.dataset) if labels == "now" else None)
    return _scored.of(
        (run.name, split, labels), made_of, lambda: workspace.understanding.scores(run.name, split, labels=labels)
    )


_scored: Remembered[tuple[Evaluation, Scores]] = Remembered(4)


def model_of(run: RunView) -> str:
    """The run's model key ("instant", "cnn", "resnet18"); "" where its spec is broken."""
    return str(run.spec.get("options", {}).get("model", ""))


@st.cache_resource(show_spinner=False, max_entries=300)  # nobody writes into them, so nobody needs a copy
def _evaluations(path: str, stamp: int, _workspace: Workspace) -> dict[Split, Evaluation]:
    name = Path(path).parent.name
    kept = _workspace.paths.cache / "figures" / f"{name}-{stamp}.json"
    try:
        return _from_json(read_json(kept))
    except (TypeError, KeyError, ValueError):  # not there yet, or not ours
        pass
    found: dict[Split, Evaluation] = {}
    for split in SPLITS:
        try:
            evaluation = _workspace.evaluation(name, split)
        except LabelloopError:
            continue
        if evaluation.samples:
            found[split] = evaluation
    write_json(kept, _as_json(found))
    return found


def _as_json(found: dict[Split, Evaluation]) -> dict[str, Any]:
    return {
        split: {
            "classes": list(one.classes),
            "cells": [*(places.tolist() for places in np.nonzero(one.matrix)), one.matrix[one.matrix > 0].tolist()],
            "unlabelled": one.unlabelled,
            "out_of_fold": one.out_of_fold,
        }
        for split, one in found.items()
    }


def _from_json(kept: dict[Split, dict[str, Any]]) -> dict[Split, Evaluation]:
    return {
        split: from_matrix(
            kept[split]["classes"],
            _matrix(len(kept[split]["classes"]), *kept[split]["cells"]),
            unlabelled=kept[split]["unlabelled"],
            out_of_fold=kept[split]["out_of_fold"],
        )
        for split in SPLITS
        if split in kept
    }


def _matrix(size: int, rows: list[int], columns: list[int], counts: list[int]) -> npt.NDArray[np.int64]:
    matrix = np.zeros((size, size), dtype=np.int64)
    matrix[rows, columns] = counts
    return matrix
