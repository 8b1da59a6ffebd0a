"""The gate before training: leaks are named, with an offer to mend them, before a run starts on flattering splits."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.runs import TrainOptions
from core.workspace import Workspace
from dashboard import navigation, state
from dashboard.wording import counted, escaped

Start = Callable[[Workspace, str, TrainOptions], None]


def holds(workspace: Workspace, dataset: str, options: TrainOptions) -> bool:
    """Whether training must wait for a person's word; the next run of the page then asks for it."""
    if not workspace.splits.gate(dataset).shut:
        return False
    state.hold_training(dataset, options)
    return True


def ask(workspace: Workspace, start: Start) -> None:
    """Ask, if a start was held; called once by every page."""
    held = state.held_training()
    if held is not None:
        _dialog(workspace, *held, start)


@st.dialog("The same picture lies in two splits", width="medium")
def _dialog(workspace: Workspace, dataset: str, options: TrainOptions, start: Start) -> None:
    gate = workspace.splits.gate(dataset)
    moves = workspace.splits.plan(dataset)
    st.markdown(escaped(gate.sentence))
    for leak in gate.leaks[:3]:
        where = ", ".join(
            f"{sum(split == name for _, split in leak.samples)} in {name}"
            for name in ("train", "val", "test")
            if any(split == name for _, split in leak.samples)
        )
        st.caption(f"{where}: {leak.why}")
    if len(gate.leaks) > 3:
        st.caption(f"and {counted(len(gate.leaks) - 3, 'more group')}")
    frozen = " Images of test stay, since a run was read on them; their twins join them." if gate.frozen_test else ""
    st.markdown(f"Mending moves {counted(len(moves), 'image')} so that each group lies in one split.{frozen}")
    with st.container(horizontal=True, gap="small"):
        if st.button("Mend, then train", type="primary", icon=":material/healing:", key="gate-mend"):
            _go(workspace, dataset, options, start, mend=True)
        if st.button("Train all the same", key="gate-train", help="Asked again only when there is another leak."):
            _go(workspace, dataset, options, start, mend=False)
        st.page_link(
            navigation.page("health"),
            label="Look at them",
            icon=":material/grid_view:",
            query_params={"dataset": dataset, "kind": "leak"},
        )


def _go(workspace: Workspace, dataset: str, options: TrainOptions, start: Start, *, mend: bool) -> None:
    try:
        if mend:
            workspace.splits.mend(dataset)
        else:
            workspace.splits.accept(dataset)
        start(workspace, dataset, options)
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    st.rerun(scope="app")
