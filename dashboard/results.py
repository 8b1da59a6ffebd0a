"""The newest results in a line, read once a run: what runs have measured never changes."""

from dataclasses import dataclass

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import Split
from core.workspace import RunView, Workspace
from dashboard.wording import percent, points

_BEST_FIRST: tuple[Split, ...] = ("test", "val")


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's accuracy on ``split``, with its 95 % interval."""

    run: str
    split: Split
    accuracy: float
    low: float
    high: float


def measured(workspace: Workspace, run: str) -> Measured | None:
    """What a finished run reached on test, else on val; ``None`` where it was measured on neither."""
    return _measured(str(workspace.paths.root), run, workspace)


def finished(workspace: Workspace, dataset: str) -> list[RunView]:
    """The dataset's succeeded runs, newest first."""
    return [run for run in workspace.runs(dataset) if run.state == "succeeded"]


def sentence(workspace: Workspace, done: list[RunView]) -> str:
    """In words, as "run-8: 91.2% on test, +1.4 points" (``done``: newest first); empty without a measured run.

    The difference is that of both runs on the same images under the newer one's labels: labels that were put right in
    test raise the figure of both, and are no merit of the newer network.
    """
    newest = measured(workspace, done[0].name) if done else None
    if newest is None:
        return ""
    text = f"{newest.run}: {percent(newest.accuracy)} on {newest.split}"
    gain = (
        _gain(str(workspace.paths.root), done[1].name, newest.run, newest.split, workspace) if len(done) > 1 else None
    )
    return text if gain is None else f"{text}, {points(gain)}"


@st.cache_data(show_spinner=False, max_entries=2000)
def _gain(root: str, old: str, new: str, split: Split, _workspace: Workspace) -> float | None:  # noqa: ARG001 (the same)
    try:
        found = _workspace.compare(old, new, split=split, labels="run")
    except LabelloopError:
        return None
    return found.new_accuracy - found.old_accuracy if found.samples else None


@st.cache_data(show_spinner=False, max_entries=2000)
def _measured(root: str, run: str, _workspace: Workspace) -> Measured | None:  # noqa: ARG001 (root is part of the key)
    for split in _BEST_FIRST:
        try:
            found = _workspace.evaluation(run, split)
        except LabelloopError:
            continue
        if found.samples:
            return Measured(run, split, float(found.accuracy), *found.interval)
    return None
