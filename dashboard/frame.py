"""The frame of every page: the top bar with the dataset, what is running, the newest result, and Retrain."""

import contextlib
import threading
import time
from collections.abc import Iterable

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.models import INSTANT
from core.domain.recipes import usual
from core.domain.runs import ACTIVE_STATES, MODEL_NAMES, Model, TrainOptions
from core.domain.samples import DatasetInfo
from core.workspace import RunView, StaleMeter, Workspace
from dashboard import gate, navigation, results, state
from dashboard.progress import changes, headline, share_done
from dashboard.widgets import notice, preset_card
from dashboard.wording import escaped

FAST, BUSY, CALM = 0.25, 1.0, 2.0  # seconds between looks at the run folders: an instant run goes / any job / none
_DOUBLE_CLICK = 1.0  # a second start of the same model within this many seconds is the same click
_OFFERED = ("instant", "cnn", "efficientnet-lite0", "resnet18")  # the Train page has all of them
_starting = threading.Lock()
_started: dict[tuple[str, str], float] = {}


def begin() -> tuple[Workspace, DatasetInfo | None]:
    """Draw the top bar; every page calls this first. The dataset is ``None`` while there is none.

    Where the workspace cannot be opened, the page says why and ends here.
    """
    try:
        workspace = state.workspace()
        infos = workspace.datasets()
        name = state.dataset_name(infos)
        dataset = next((info for info in infos if info.name == name), None)
    except LabelloopError as error:
        st.error(f"**The workspace cannot be opened.** {escaped(error)}", icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=state.forget_workspace)
        st.stop()
    with st.container(key="topbar", horizontal=True, vertical_alignment="center", gap="small"):
        _dataset_switch([info.name for info in infos], name)
        live = st.container(key="topbar-live")
    asked = state.param("dataset")
    if dataset is not None and asked and asked != name and not workspace.keeping.called_now(asked):
        gone = f"There is no dataset {asked!r} here; this is {name!r}."
        if state.news(gone):
            st.toast(escaped(gone), icon=":material/help:", duration="long")
    model = state.model()
    if dataset is not None and model != INSTANT:
        workspace.training.warm_up()  # whoever chose a network trains networks: the next one starts at once
    active = _active(workspace)
    _announce(workspace, active)
    gate.ask(workspace)  # before the bar, which runs the page again while a start is held
    with live:
        st.fragment(_live, run_every=_pace(active))(workspace, dataset, tuple(run.name for run in active))
    return workspace, dataset


def _dataset_switch(names: list[str], current: str | None) -> None:
    if not names:
        st.markdown("**No dataset yet**", width="content")
        return
    st.selectbox(
        "Dataset",
        names,
        index=names.index(current) if current in names else 0,
        key=state.widget_key(f"dataset-{current}-{len(names)}"),
        label_visibility="collapsed",
        width=230,
        on_change=_switched,
        args=(state.widget_key(f"dataset-{current}-{len(names)}"),),
    )


def _switched(key: str) -> None:
    state.set_dataset(state.chosen(key))


def _active(workspace: Workspace) -> list[RunView]:
    runs = [run for run in workspace.runs() if run.state in ACTIVE_STATES]
    runs.sort(key=lambda run: run.state != "running")  # the one that works before those that wait
    jobs = [job for job in workspace.jobs() if job.kind != "watch"]  # a watch goes on for days
    return runs + [job for job in [*workspace.searches.all(), *jobs] if job.state in ACTIVE_STATES]


def _pace(active: list[RunView]) -> float:
    if any(run.kind == "train" and _model(run) == "instant" for run in active):
        return FAST
    return BUSY if active else CALM


def _live(workspace: Workspace, dataset: DatasetInfo | None, known: tuple[str, ...]) -> None:
    """What changes by itself. When a run begins or ends, the whole page is drawn again."""
    active = _active(workspace)
    if tuple(run.name for run in active) != known or state.training_held():
        st.rerun(scope="app")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if active:
            _job_chip(active)
        elif dataset is not None:
            _result_chip(workspace, dataset)
        if dataset is not None:
            _retrain(workspace, dataset, active)


def _job_chip(active: list[RunView]) -> None:
    shown = active[0]
    more = f" · and {len(active) - 1} more" if len(active) > 1 else ""
    page, param = {"train": ("runs", "run"), "search": ("search", "search")}.get(shown.kind, ("import", "job"))
    with st.container(key="chip-job", width="content", gap=None):
        st.page_link(
            navigation.page(page),
            label=headline(shown) + more,
            icon=":material/progress_activity:",
            query_params={"dataset": shown.dataset, param: shown.name},
        )
        st.progress(share_done(shown))


def _result_chip(workspace: Workspace, dataset: DatasetInfo) -> None:
    done = results.finished(workspace, dataset.name)
    sentence = results.sentence(workspace, done)
    if not sentence:
        return
    fresh = state.is_fresh(done[0].name)
    with st.container(key="chip-fresh" if fresh else "chip-result", width="content"):
        st.page_link(
            navigation.page("matrix"),
            label=sentence + (" · open matrix" if fresh else ""),
            icon=":material/check_circle:" if fresh else ":material/monitoring:",
            query_params={"dataset": dataset.name, "run": done[0].name},
        )


def _retrain(workspace: Workspace, dataset: DatasetInfo, active: list[RunView]) -> None:
    meter = workspace.stale(dataset.name)
    model = state.model()
    going, busy = _newest(active, dataset.name, model), _busy(workspace, active, dataset.name, model)
    words = f"Train {MODEL_NAMES[model]} on all labels of {escaped(dataset.name)} as they are now"
    if going is not None and not busy:
        words += f"; {going.name} goes on, and this run waits for it"
    # An instant run is over in a moment.
    takes = "" if model == INSTANT else _estimated(workspace, dataset.name, model, dataset.samples)
    with st.container(key="retrain", horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.caption(stale_sentence(meter), width="content")
        st.button(
            "Training …" if busy else "Retrain" + ("" if model == INSTANT else f" · {MODEL_NAMES[model]}"),
            key="retrain-button",
            icon=":material/autorenew:",
            type="primary" if meter.stale else "secondary",
            disabled=busy,
            help=". ".join(part for part in (words, takes) if part),
            on_click=_start,
            args=(workspace, dataset.name, model),
        )
        chosen = st.menu_button(
            "",
            list(_OFFERED),
            key="retrain-menu",
            format_func=lambda name: f"Retrain with {MODEL_NAMES[name]}",
            help="Choose the model",
        )
        if chosen is not None:
            state.set_model(chosen)
            _start(workspace, dataset.name, chosen)
            st.rerun(scope="app")


@st.cache_data(show_spinner=False, ttl=60, max_entries=64)
def _estimated(_workspace: Workspace, dataset: str, model: Model, samples: int) -> str:
    """What Retrain will take, in a sentence."""
    del samples  # part of the cache's key
    try:
        return preset_card.sentence(_workspace.training.estimate(dataset, _options(_workspace, dataset, model)))
    except LabelloopError:
        return ""


def _newest(runs: Iterable[RunView], dataset: str, model: Model) -> RunView | None:
    """The newest run of a model on a dataset among those that wait or work."""
    mine = (run for run in runs if run.active and run.dataset == dataset and _model(run) == model)
    return max(mine, key=lambda run: run.created_at, default=None)


def _outdated(workspace: Workspace, going: RunView) -> bool:
    """Whether labels changed since a network's run was started: then one more is wanted, which waits in the queue."""
    if _model(going) == INSTANT:
        return False
    try:
        return workspace.not_in(going.name).stale
    except LabelloopError:
        return False


def retrain(workspace: Workspace, dataset: str) -> None:
    """What the Retrain button does, for the buttons of pages; a callback."""
    _start(workspace, dataset, state.model())


def training(workspace: Workspace, dataset: str) -> bool:
    """Whether a run goes on, or waits, that knows all there is to learn: Retrain has to wait for it."""
    return _busy(workspace, workspace.runs(dataset), dataset, state.model())


def _busy(workspace: Workspace, runs: Iterable[RunView], dataset: str, model: Model) -> bool:
    active = [run for run in runs if run.active and run.dataset == dataset]
    going = _newest(active, dataset, model)
    return any(_model(run) == INSTANT for run in active) or (going is not None and not _outdated(workspace, going))


def stale_sentence(meter: StaleMeter) -> str:
    """What changed since the newest run, in words."""
    if meter.run is None:
        return "Never trained"
    run = meter.run.replace("-", " ")
    said = changes(meter)
    if not said:
        return f"Up to date with {run}"
    share = "" if meter.in_test == meter.touched else f"{meter.in_test:,} of them "
    return f"{said} since {run}" + (f"; {share}in test" if meter.in_test else "")


def _start(workspace: Workspace, dataset: str, model: Model) -> None:
    """Start one run; the second click of a double click finds it started."""
    with _starting:
        if time.monotonic() - _started.get((dataset, model), -_DOUBLE_CLICK) < _DOUBLE_CLICK:
            return
        going = _newest(workspace.runs(dataset), dataset, model)
        if going is not None and not _outdated(workspace, going):
            return
        try:
            options = _options(workspace, dataset, model)
            if gate.holds(workspace, dataset, lambda: workspace.retrain(dataset, options)):
                return
            workspace.retrain(dataset, options)
        except LabelloopError as error:
            st.toast(escaped(error), icon=":material/error:", duration="long")
            return
        _started[dataset, model] = time.monotonic()
        gate.tell(workspace, dataset)


def _options(workspace: Workspace, dataset: str, model: Model) -> TrainOptions:
    """The options that this model was trained with last, or those of its preset."""
    for run in workspace.runs(dataset):
        if _model(run) == model:
            with contextlib.suppress(LabelloopError):  # of another version, whose fields mean something else
                return TrainOptions.read(run.options)
    return usual(model)


def _announce(workspace: Workspace, active: list[RunView]) -> None:
    """Tell once of each run that this session saw going and that has ended since."""
    for name in state.ended_since([run.name for run in active]):
        try:
            ended = workspace.run(name)
        except LabelloopError:
            continue
        if ended.state == "succeeded" and ended.kind == "train":
            done = results.finished(workspace, ended.dataset)
            done = done[next((at for at, run in enumerate(done) if run.name == name), 0) :]
            told = results.sentence(workspace, done) or f"{name} is trained"
            st.toast(f"**{told}**", icon=":material/check_circle:")
            notice.tell(name, f"{name} has ended", told)
            state.mark_fresh(name)
        elif ended.state == "succeeded" and state.trains_after(name):
            _start(workspace, ended.dataset, "instant")
            st.rerun()
        elif ended.state in ("failed", "lost"):
            st.toast(f"**{name} failed.** {escaped(ended.error)}", icon=":material/error:", duration="long")
            notice.tell(name, f"{name} failed", ended.error)


def _model(run: RunView) -> str:
    return str(run.spec.get("options", {}).get("model", ""))
