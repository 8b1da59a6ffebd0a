"""Choosing a finished run. The page's address is the truth, so that reload, links and the way back keep the choice."""

from collections.abc import Sequence

import streamlit as st

from core.domain.models import model_title
from core.workspace import RunView, Workspace
from dashboard import figures, state, wording
from dashboard.widgets import address


def pick(
    workspace: Workspace,
    runs: Sequence[RunView],
    *,
    label: str = "Run",
    param: str = "run",
    default: int = 0,
    forgets: Sequence[str] = (),
    dataset: str | None = None,
) -> RunView:
    """The run that the address names under ``param``, else ``runs[default]``. Choosing another forgets ``forgets``.

    With ``dataset``, runs of other datasets are told by their dataset's name.
    """
    by_name = {run.name: run for run in runs}
    wanted = state.param(param)
    if wanted is not None and wanted not in by_name:
        st.caption(f"There is no finished {wording.escaped(wanted)} in this dataset; another run is shown.")
    chosen = wanted if wanted in by_name else runs[min(default, len(runs) - 1)].name
    names = list(by_name)

    def changed() -> None:
        name = address.picked(param)
        if name in by_name:
            state.set_params(**{param: name, **dict.fromkeys(forgets)})

    st.selectbox(
        label,
        names,
        key=address.key(param, chosen),
        format_func=lambda name: (
            describe(workspace, by_name[name])
            + (f" · {by_name[name].dataset}" if dataset is not None and by_name[name].dataset != dataset else "")
        ),
        on_change=changed,
    )
    return by_name[str(chosen)]


def describe(workspace: Workspace, run: RunView) -> str:
    """One line: "run-7 · ResNet-18 · 91.2% on test · 22 Nov 17:03".

    The browser knows an option by its text, so nothing in it may change by itself ("2 hours ago" would).
    """
    parts = [run.name, model_title(figures.model_of(run))]
    reached = figures.of_run(workspace, run)
    for split in ("test", "val"):
        if split in reached:
            parts.append(f"{wording.percent(reached[split].accuracy)} on {split}")
            break
    parts.append(wording.moment(run.created_at))
    return " · ".join(part for part in parts if part)
