"""The live panel of one run or job: phase, progress, rate, time left, Cancel. It reads a folder and owns no state."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.runs import ACTIVE_STATES
from core.workspace import RunView, Workspace
from dashboard import progress, state
from dashboard.wording import duration, escaped

_STATES = {
    "succeeded": ("Finished", "check_circle", "green"),
    "failed": ("Failed", "error", "red"),
    "cancelled": ("Cancelled", "cancel", "gray"),
    "lost": ("Lost", "power_off", "red"),
    "paused": ("Paused", "pause", "gray"),
}


def draw(workspace: Workspace, name: str) -> None:
    """Draw the panel of ``name``. It refreshes itself; the frame draws the page again when the job ends."""
    st.fragment(_panel, run_every=_pace(workspace.run(name)))(workspace, name)


def _pace(run: RunView) -> float | None:
    if run.state not in ACTIVE_STATES:
        return None
    return 0.3 if run.spec.get("options", {}).get("model") == "instant" else 1.0


def _panel(workspace: Workspace, name: str) -> None:
    try:
        run = workspace.run(name)
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    with st.container(border=True, key=f"job-{name}"):
        if run.state in ACTIVE_STATES:
            _going(workspace, run)
        else:
            _ended(workspace, run)


def _going(workspace: Workspace, run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{progress.title(run)}** · {progress.phase(run)}", width="content")
        cancelling = state.is_cancelled(run.name)
        st.button(
            "Cancelling …" if cancelling else "Cancel",
            key=state.widget_key(f"cancel-{run.name}"),
            icon=":material/close:",
            disabled=cancelling,
            on_click=_cancel,
            args=(workspace, run.name),
        )
    st.progress(progress.share_done(run))
    st.caption("  ·  ".join(_figures(run)))
    if run.status.get("message"):
        st.caption(escaped(run.status["message"]))


def _figures(run: RunView) -> list[str]:
    status = run.status
    figures = []
    if status.get("epochs", 0) > 1 and status.get("phase") == "training":
        figures.append(f"epoch {status.get('epoch', 0)} of {status['epochs']}")
    if status.get("total"):
        figures.append(f"{status.get('done', 0):,} of {status['total']:,} images")
    figures += [text for text in (progress.rate(run), progress.time_left(run)) if text]
    if run.seconds is not None:
        figures.append(f"{duration(run.seconds)} so far")
    if status.get("device"):
        figures.append("on the GPU" if status["device"] == "cuda" else "on the processor")
    return figures


def _ended(workspace: Workspace, run: RunView) -> None:
    word, icon, colour = _STATES[run.state]
    took = f" in {duration(run.seconds)}" if run.state == "succeeded" else f" after {duration(run.seconds)}"
    st.markdown(f":{colour}[:material/{icon}: **{word}**] · {progress.title(run)}{took}")
    if run.error:
        st.markdown(escaped(run.error))
        with st.expander("Log"):
            st.code(workspace.log_tail(run.name) or "The log is empty.", language=None)


def _cancel(workspace: Workspace, name: str) -> None:
    workspace.cancel(name)
    state.mark_cancelled(name)
