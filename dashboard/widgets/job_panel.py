"""The live panel of one run or job: phase, progress, rate, time left, controls. It reads a folder, owns no state."""

from collections.abc import Callable

import streamlit as st

from core.cluster.place import Place
from core.domain.errors import LabelloopError
from core.domain.runs import ACTIVE_STATES
from core.workspace import RunView, Workspace
from dashboard import progress, state
from dashboard.wording import counted, duration, escaped

_STATES = {
    "succeeded": ("Finished", "check_circle", "green"),
    "failed": ("Failed", "error", "red"),
    "cancelled": ("Cancelled", "cancel", "gray"),
    "lost": ("Lost", "power_off", "red"),
    "paused": ("Paused", "pause", "gray"),
}


def draw(workspace: Workspace, name: str, *, edits: bool = False) -> None:
    """Draw the panel of ``name``. It refreshes itself; the frame draws the page again when the job ends.

    ``edits``: it also counts what was labelled since a run was started, which is not in it.
    """
    st.fragment(_panel, run_every=_pace(workspace.run(name)))(workspace, name, edits)


def _pace(run: RunView) -> float | None:
    if run.state not in ACTIVE_STATES:
        return None
    return 0.3 if run.spec.get("options", {}).get("model") == "instant" else 1.0


def _panel(workspace: Workspace, name: str, edits: bool) -> None:
    try:
        run = workspace.run(name)
    except LabelloopError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    with st.container(border=True, key=f"job-{name}"):
        if run.state in ACTIVE_STATES:
            _going(workspace, run)
            if edits:
                _edits(workspace, run)
        else:
            _ended(workspace, run)


def _going(workspace: Workspace, run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{progress.title(run)}** · {_phase(workspace, run)}", width="content")
        _controls(workspace, run)
    st.progress(progress.share_done(run))
    st.caption("  ·  ".join(_figures(run)))
    if run.status.get("message"):
        st.caption(escaped(run.status["message"]))


def _edits(workspace: Workspace, run: RunView) -> None:
    if run.kind != "train" or run.trial:  # a trial's snapshot has no test: it is no measure of what changed
        return
    try:
        said = progress.changes(workspace.not_in(run.name))
    except LabelloopError:
        return
    if said:
        st.caption(f":material/edit_note: Not in this run: {said}")


def _phase(workspace: Workspace, run: RunView) -> str:
    place = workspace.control.place(run.name) if run.state == "queued" else None
    if place is None:
        return progress.phase(run)
    device, before = place
    where = "the GPU" if device.startswith("gpu") else "the processor"
    return f"Waiting for {where}, " + ("the next in line" if before == 0 else f"{counted(before, 'run')} before it")


def _controls(workspace: Workspace, run: RunView) -> None:
    """Pause, stop, cancel, or what undoes them; each says at once that it was heard."""
    asked = workspace.control.asked(run.name)
    network = run.kind in ("train", "search") and run.options.get("model") != "instant"
    with st.container(horizontal=True, width="content", gap="small"):
        if run.state == "queued" and (workspace.control.place(run.name) or ("", 0))[1] > 0:
            _button("Make it next", "vertical_align_top", run, _move_first, workspace)
        if run.state == "paused" or asked == "pause":
            _button("Resume", "play_arrow", run, _resume, workspace)
            if asked == "pause" and run.state == "running":
                st.caption("Pausing …", width="content")
        elif network:
            _button("Pause", "pause", run, _pause, workspace, disabled=bool(asked))
        if run.kind == "train" and network and run.metrics:
            words = "Stopping …" if asked == "stop" else "Stop and keep best"
            _button(words, "stop_circle", run, _stop, workspace, disabled=asked in ("stop", "cancel"))
        cancelling = asked == "cancel" or state.is_cancelled(run.name)
        _button("Cancelling …" if cancelling else "Cancel", "close", run, _cancel, workspace, disabled=cancelling)


def _button(
    words: str,
    icon: str,
    run: RunView,
    act: Callable[[Workspace, str], None],
    workspace: Workspace,
    *,
    disabled: bool = False,
) -> None:
    st.button(
        words,
        key=state.widget_key(f"{act.__name__}-{run.name}"),
        icon=f":material/{icon}:",
        disabled=disabled,
        on_click=_guarded,
        args=(act, workspace, run.name),
    )


def _figures(run: RunView) -> list[str]:
    status = run.status
    figures = []
    if status.get("epochs", 0) > 1 and status.get("phase") == "training":
        figures.append(f"epoch {status.get('epoch', 0)} of {status['epochs']}")
    if status.get("total"):
        what = "trials" if run.kind == "search" else "images"
        figures.append(f"{status.get('done', 0):,} of {status['total']:,} {what}")
    figures += [text for text in (progress.rate(run), progress.time_left(run)) if text]
    if run.seconds is not None:
        figures.append(f"{duration(run.seconds)} so far")
    if status.get("place"):
        figures.append(str(status["place"]))
    elif status.get("device"):
        figures.append("on the GPU" if status["device"] == "cuda" else "on the processor")
    return figures


def _ended(workspace: Workspace, run: RunView) -> None:
    word, icon, colour = _STATES[run.state]
    took = f" in {duration(run.seconds)}" if run.state == "succeeded" else f" after {duration(run.seconds)}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":{colour}[:material/{icon}: **{word}**] · {progress.title(run)}{took}", width="content")
        if run.state == "paused":
            _controls(workspace, run)
        elif run.state in ("failed", "cancelled", "lost"):
            again = "Go on from its last epoch" if run.metrics else "Retry"
            if workspace.cluster.of(run.name).ray:
                _button("Go on on this machine", "computer", run, _retry_here, workspace)
            _button(again, "replay", run, _retry, workspace)
    if run.error and run.kind not in ("train", "search"):  # a run's page says it, and has its log, beside this
        st.markdown(escaped(run.error))
        with st.expander("Log"):
            st.code(workspace.log_tail(run.name) or "The log is empty.", language=None)


def _guarded(act: Callable[[Workspace, str], None], workspace: Workspace, name: str) -> None:
    """What was right when the button was drawn may not be any more: the run has ended meanwhile."""
    try:
        act(workspace, name)
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/info:")


def _move_first(workspace: Workspace, name: str) -> None:
    workspace.control.move(name, 0)


def _pause(workspace: Workspace, name: str) -> None:
    workspace.control.pause(name)


def _resume(workspace: Workspace, name: str) -> None:
    workspace.control.resume(name)


def _stop(workspace: Workspace, name: str) -> None:
    workspace.control.stop(name)


def _retry(workspace: Workspace, name: str) -> None:
    workspace.control.retry(name)
    state.forget_cancelled(name)


def _retry_here(workspace: Workspace, name: str) -> None:
    workspace.cluster.move(name, Place())
    _retry(workspace, name)


def _cancel(workspace: Workspace, name: str) -> None:
    workspace.cancel(name)
    state.mark_cancelled(name)
