"""The slim bar over the FiftyOne App: its queue, what is selected there, class buttons, undo, the way to the grid."""

import hashlib
import time
import uuid

import streamlit as st

from core.domain.decisions import Decision, Outcome, of_samples
from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.review.queues import QueueSpec
from core.services.app_client import LARGEST_VIEW, AppClient, Selection
from core.workspace import Workspace
from core.workspace.review import LEASE
from dashboard import navigation, state
from dashboard.widgets import queue_picker
from dashboard.wording import counted, escaped

_BUTTONS = 9  # classes that get a button; with more, a list
_RENEW = LEASE / 3  # seconds between two renewals of what is reserved
_IDLE = 600.0  # seconds without a change in the App, after which its person is taken to be away
_EVERY = 1.0  # seconds between looks at the App's selection


def show(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, client: AppClient) -> int:
    """Have the App show the queue, once: what the person does with the view in the App stays. Returns its size.

    Raises:
        LabelloopError: no such queue, or the App does not answer.
    """
    wanted = (dataset.id, tuple(sorted(spec.to_params().items())), client.port, client.token)
    if state.get("shown") != wanted:
        size, others = workspace.show_in_app(dataset.name, spec, who=state.person())
        state.put("size", size)
        state.put("shown", wanted)
        if others:
            names = escaped(", ".join(sorted(others)))
            st.toast(f"Others have some of these images before them ({names}): those come last.")
    return int(state.get("size", 0))


def draw(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, size: int) -> None:
    """Draw the bar. Its right half looks at the App every second and also journals what was edited there natively."""
    with st.container(key="appbar", horizontal=True, vertical_alignment="center", gap="small"):
        queue_picker.draw_way_back()
        beyond = f", the first {LARGEST_VIEW:,} shown" if size > LARGEST_VIEW and spec != QueueSpec() else ""
        st.markdown(f"**{escaped(spec.title())}** · {counted(size, 'image')}{beyond}", width="content")
        with st.container(key="appbar-live", width="stretch"):
            st.fragment(_selected, run_every=_EVERY)(workspace, dataset)
        st.button(
            "Show the queue again",
            key="app-again",
            icon=":material/filter_alt:",
            type="tertiary",
            on_click=_again,
            help="Have the App show this queue again after you filtered or left it there",
        )
        st.page_link(
            navigation.page("review"),
            label="Open in the grid",
            icon=":material/grid_view:",
            query_params={"dataset": dataset.name, **spec.to_params()},
        )


def draw_waiting(workspace: Workspace, *, starting: bool) -> None:
    """What stands here while the App does not answer; looks again every two seconds."""
    with st.container(border=True, key="app-waiting"):
        if starting:
            st.markdown("### :material/hourglass_top: &nbsp;The FiftyOne server is starting")
            st.markdown("That takes some ten seconds after `labelloop` was started. This page goes on by itself.")
            st.skeleton(height=120)
        else:
            st.markdown("### :material/power: &nbsp;The FiftyOne server is not running")
            st.markdown(
                "It runs beside the dashboard when you start both with the command `labelloop`. This page goes on by "
                "itself once it is there. The keyboard grid in Review does without it."
            )
            st.page_link(navigation.page("review"), label="Open Review", icon=":material/arrow_forward:")
    st.fragment(_look_again, run_every=2.0)(workspace)


def _look_again(workspace: Workspace) -> None:
    client = workspace.app_server()
    if client is not None and client.alive():
        st.rerun(scope="app")


def _selected(workspace: Workspace, dataset: DatasetInfo) -> None:
    client = workspace.app_server()
    if client is None:
        st.rerun(scope="app")
    try:
        selection = client.selection()
        workspace.reconcile(dataset.name)
    except LabelloopError as error:
        st.caption(escaped(error))
        return
    ids: tuple[str, ...] = ()
    if selection.dataset == dataset.name:
        ids = selection.ids
        _reserve(workspace, dataset, client, selection)
    classes = workspace.dataset(dataset.name).classes
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="appbar-classes"):
        st.markdown(f"{len(ids)} selected" if ids else ":gray[Select images in the App]", width="content")
        if len(classes) <= _BUTTONS:
            for place, name in enumerate(classes, start=1):
                st.button(
                    f"{place} · {escaped(name)}",
                    key=f"app-class-{place}",
                    disabled=not ids,
                    on_click=_label,
                    args=(workspace, dataset, client, selection, name),
                )
        else:
            chosen = st.menu_button("Give class …", classes, key="app-classes", disabled=not ids)
            if chosen is not None:
                _label(workspace, dataset, client, selection, chosen)
        st.button(
            "Undo", key="app-undo", icon=":material/undo:", type="tertiary", on_click=_undo, args=(workspace, dataset)
        )


def _reserve(workspace: Workspace, dataset: DatasetInfo, client: AppClient, selection: Selection) -> None:
    """What the App has on its screen is its person's, as in the grid: others are handed other images. Whoever does
    nothing there for a while has gone, and gives them back.
    """
    now, shown = time.monotonic(), (selection.before, selection.ids)
    known, renewed, moved = state.get("app-reserved", (None, 0.0, now))
    if shown == known and (now - renewed < _RENEW or now - moved > _IDLE):
        return
    frame = workspace.samples(dataset.name)
    waits = frame["sample_id"].isin(selection.before) & ~frame["reviewed"].astype(bool)
    holder = "app-" + hashlib.sha256(client.token.encode()).hexdigest()[:16]
    workspace.review.lease(dataset.id, list(frame.loc[waits, "sample_id"]), who=state.person(), holder=holder)
    state.put("app-reserved", (shown, now, moved if shown == known else now))


def _label(workspace: Workspace, dataset: DatasetInfo, client: AppClient, selection: Selection, label: str) -> None:
    try:
        frame = workspace.samples(dataset.name).set_index("sample_id")["label"]
        wanted = []
        for one in selection.ids:
            suggestion, evidence = selection.says.get(one, (None, ""))
            seen, excluded = selection.seen.get(one, (frame.get(one), None))
            token = uuid.uuid4().hex
            wanted.append(Decision(one, "relabel", label, seen, token, suggestion, evidence, seen_excluded=excluded))
        outcomes = workspace.decide(
            dataset.name, wanted, source="fiftyone", queue=selection.queue, batch=uuid.uuid4().hex, who=state.person()
        )
        client.refresh(clear=True, told=outcomes)
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:")
        return
    _tell(outcomes, f"→ {escaped(label)}")


def _undo(workspace: Workspace, dataset: DatasetInfo) -> None:
    try:
        outcomes = workspace.review.undo(dataset.name, who=state.person(), own=True, source="fiftyone")
        client = workspace.app_server()
        if client is not None:
            client.refresh(told=[outcome for outcome in outcomes if outcome.saved])
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:")
        return
    if not outcomes:
        st.toast("There is nothing to undo.")
    _tell(outcomes, "taken back")


def _tell(outcomes: list[Outcome], done: str) -> None:
    saved = sum(outcome.saved for outcome in of_samples(outcomes))
    refused = [outcome.reason for outcome in outcomes if not outcome.saved]
    if len(outcomes) > len(refused):
        what = counted(saved, "image") if saved else "Change of the classes"
        st.toast(f"{what} {done}", icon=":material/check:")
    if refused:
        st.toast(f"{len(refused)} not saved: {escaped(refused[0])}", icon=":material/error:")


def _again() -> None:
    state.put("shown", None)
