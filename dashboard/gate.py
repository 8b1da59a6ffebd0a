"""The gate before training: leaks are named, with an offer to mend them, before a run starts on flattering splits."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import Workspace
from dashboard import navigation, state
from dashboard.wording import counted, escaped

Start = Callable[[], object]


def holds(workspace: Workspace, dataset: str, start: Start, word: str = "train") -> bool:
    """Whether training must wait for a person's word; the next run of the page then asks for it.

    ``start`` is what is done on that word, and ``word`` what it is called.
    """
    if not workspace.splits.gate(dataset).shut:
        return False
    state.hold_training(dataset, start, word)
    return True


def tell(workspace: Workspace, dataset: str) -> None:
    """Say, once, what no check has compared yet and which labels are no class; that holds nothing up."""
    for icon, sentence in _told(workspace, dataset):
        if state.news(f"{dataset}: {sentence}"):
            st.toast(escaped(sentence), icon=icon, duration="long")


def caption(workspace: Workspace, dataset: str) -> None:
    """The same, for a page that starts training: it stays there."""
    for icon, sentence in _told(workspace, dataset):
        st.caption(f"{icon} {escaped(sentence)}")


def ask(workspace: Workspace) -> None:
    """Ask, if a start was held; called once by every page."""
    held = state.held_training()
    if held is not None:
        _dialog(workspace, *held)


def _told(workspace: Workspace, dataset: str) -> list[tuple[str, str]]:
    pending = workspace.health.pending(dataset)
    told = [(":material/health_and_safety:", pending)] if pending else []
    return told + [(":material/label_off:", sentence) for sentence in workspace.labels_without_class(dataset)]


@st.dialog("The same picture lies in two splits", width="medium")
def _dialog(workspace: Workspace, dataset: str, start: Start, word: str) -> None:
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
    if gate.pending:
        st.caption(escaped(gate.pending))
    frozen = " Images of test stay, since a run was read on them; their twins join them." if gate.frozen_test else ""
    st.markdown(f"Mending moves {counted(len(moves), 'image')} so that each group lies in one split.{frozen}")
    with st.container(horizontal=True, gap="small"):
        if st.button(f"Mend, then {word}", type="primary", icon=":material/healing:", key="gate-mend"):
            _go(workspace, dataset, start, mend=True)
        anyway = f"{word.capitalize()} all the same"
        if st.button(anyway, key="gate-train", help="Asked again only when there is another leak."):
            _go(workspace, dataset, start, mend=False)
        st.page_link(
            navigation.page("health"),
            label="Look at them",
            icon=":material/grid_view:",
            query_params={"dataset": dataset, "kind": "leak"},
        )


def _go(workspace: Workspace, dataset: str, start: Start, *, mend: bool) -> None:
    try:
        if mend:
            workspace.splits.mend(dataset)
        else:
            workspace.splits.accept(dataset)
        start()
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    st.rerun(scope="app")
