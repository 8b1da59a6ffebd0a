"""What a run reached, kept per run: its predictions never change, so neither do its figures as trained.

After a day of Retrain there are a hundred runs, and reading all their predictions takes seconds. So the matrices are
kept in the workspace's cache folder as well; what lies there can be thrown away at any time.
"""

from collections import deque
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS, Split
from core.evaluation import scores as scoring
from core.evaluation.metrics import Evaluation, evaluate, from_matrix
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.predictions import Predictions
from core.workspace import RunView, Workspace


def of_run(workspace: Workspace, run: RunView) -> dict[Split, Evaluation]:
    """Evaluations by split under the labels that the run was trained with; only splits with labelled samples."""
    path = RunPaths(workspace.paths.runs / run.name).predictions
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _evaluations(str(path), stamp, workspace)


def judged(workspace: Workspace, run: RunView, split: Split, labels: Literal["run", "now"]) -> "Judged":
    """The run's rows on one split and what follows from them, kept while run and labels are the same: a click on a
    cell, a sort or a slider changes neither.

    Raises:
        LabelloopError: the run's predictions can't be read.
    """
    asked = (run.name, split, labels)
    of = (workspace.predictions(run.name), workspace.samples(run.dataset) if labels == "now" else None)
    for known, made_of, found in list(_judged):
        if known == asked and all(one is other for one, other in zip(made_of, of, strict=True)):
            return found
    found = Judged(*workspace.understanding.judged(run.name, split, labels=labels))
    if of[0].probabilities.nbytes <= _LARGE:  # what is larger is kept once only, by whoever reads it
        _judged.append((asked, of, found))
    return found


class Judged:
    """A run's rows and the label of each under which they are judged; figures and examples are made when asked for."""

    def __init__(self, rows: Predictions, given: list[str | None]) -> None:
        self.rows, self.given = rows, given

    @cached_property
    def evaluation(self) -> Evaluation:
        """The confusion matrix."""
        return evaluate(self.rows, self.given)

    @cached_property
    def scores(self) -> scoring.Scores:
        """All figures with their intervals."""
        return scoring.score(self.rows, self.evaluation, self.given)


_LARGE = 64 * 2**20  # bytes
_judged: deque[tuple[tuple[str, ...], tuple[Any, ...], Judged]] = deque(maxlen=2)


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
