"""The only reader and writer of ``st.session_state`` and ``st.query_params``, and the one Workspace of this process."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import streamlit as st

from core.domain.runs import MODELS, Model
from core.domain.samples import DatasetInfo
from core.review.queues import QueueSpec
from core.services import public_address
from core.workspace import Workspace
from dashboard import navigation, persons

_DATASET = "labelloop.dataset"
_PAGE = "labelloop.page"
_BACK = "labelloop.back"
_MODEL = "labelloop.model"
_SEEN = "labelloop.active-seen"
_FRESH = "labelloop.fresh"
_HELD = "labelloop.held-training"
_TOLD = "labelloop.told"
_FRESH_SECONDS = 90.0
_serving = threading.Event()


def serve() -> None:
    """Say that this process is the server: its workspace keeps a process ready for the next instant retrain."""
    _serving.set()


@st.cache_resource(show_spinner=False, on_release=Workspace.close)
def workspace() -> Workspace:
    """The workspace of this process: ``LABELLOOP_WORKSPACE``, or the user's data folder. Opened once.

    Raises:
        LabelloopError: it cannot be opened.
    """
    root = os.environ.get("LABELLOOP_WORKSPACE")
    return Workspace.open(Path(root) if root else None, keep_spare=_serving.is_set())


def person() -> str:
    """The name of whoever looks at the page (dashboard.persons)."""
    return persons.who(st.context.headers, workspace().user)


def forget_workspace() -> None:
    """Open the workspace anew at the next use."""
    workspace.clear()


def enter(url_path: str) -> None:
    """Remember which page runs: the prefix of :func:`get` and :func:`put`."""
    st.session_state[_PAGE] = "home" if url_path in ("", "home") else url_path


def current_page() -> str:
    """The key of the page that runs ("home", "review", ...)."""
    return str(st.session_state.get(_PAGE, "home"))


def dataset_name(infos: Sequence[DatasetInfo] | None = None) -> str | None:
    """The dataset being looked at: of the address, else the last one chosen, else the first; ``None`` without any.
    One that was renamed since is found by the name that it had.
    """
    names = [info.name for info in (workspace().datasets() if infos is None else infos)]
    for wanted in (st.query_params.get("dataset"), st.session_state.get(_DATASET)):
        name = workspace().keeping.called_now(wanted) if wanted and wanted not in names else wanted
        if name in names:
            st.session_state[_DATASET] = name
            return str(name)
    return names[0] if names else None


def set_dataset(name: str) -> None:
    """Look at another dataset from the next run on."""
    st.session_state[_DATASET] = name
    st.session_state.pop(_BACK, None)
    st.query_params.clear()  # the address spoke of the other dataset: its queue, its run


def param(key: str, default: str | None = None) -> str | None:
    """One value of the address's query."""
    return st.query_params.get(key, default)


def host() -> str:
    """The host name in the browser's address: cookies of the FiftyOne server hang on it."""
    name = urlsplit(st.context.url or "").hostname
    return name if name in ("localhost", "127.0.0.1") else "127.0.0.1"


def elsewhere() -> bool:
    """Whether the browser came through a reverse proxy: what listens on this computer alone is out of its reach."""
    name = urlsplit(st.context.url or "").hostname
    return name in {one.name for one in public_address.known()} - {"localhost", "127.0.0.1"}


def look() -> str | None:
    """The theme that the page shows, "light" or "dark"; ``None`` where the browser has not said yet."""
    return st.context.theme.type


def set_params(**values: str | None) -> None:
    """Change the address's query; ``None`` removes a value."""
    for key, value in values.items():
        if value is not None:
            st.query_params[key] = value
        elif key in st.query_params:
            del st.query_params[key]


def go(page: str, **params: str) -> NoReturn:
    """Switch to another page. Ends this run (do not call it from a widget's callback)."""
    st.switch_page(navigation.page(page), query_params=params)


def open_queue(spec: QueueSpec, page: str = "review") -> NoReturn:
    """Show a queue on ``page`` ("review" or "fiftyone"). The page left is kept for the way back. Ends this run."""
    st.session_state[_BACK] = (current_page(), dict(st.query_params))
    go(page, **_dataset_param(), **spec.to_params())


def back() -> tuple[str, dict[str, str]] | None:
    """The page and query from which the queue on show was opened, if it was opened from one."""
    found = st.session_state.get(_BACK)
    return found if found else None


def forget_back() -> None:
    """Drop the way back: the person chose another queue here."""
    st.session_state.pop(_BACK, None)


def current_queue() -> QueueSpec:
    """The queue of the address; all samples where it names none.

    Raises:
        BadInput: the address names a queue that cannot be.
    """
    params = {key: value for key, value in st.query_params.items() if key != "dataset"}
    return QueueSpec.from_params(params) if params else QueueSpec(kind="all")


def show_queue(spec: QueueSpec) -> None:
    """Have the address name another queue; for callbacks on a page that shows queues."""
    kept = _dataset_param()
    st.query_params.clear()
    st.query_params.update({**kept, **spec.to_params()})


def with_split(spec: QueueSpec, split: str | None) -> QueueSpec:
    """The same queue on one split, or on all of them."""
    return replace(spec, split=split)


def get(key: str, default: Any = None) -> Any:
    """A value that this page keeps for the session."""
    return st.session_state.get(f"{current_page()}.{key}", default)


def put(key: str, value: Any) -> None:
    """Keep a value for this page and session."""
    st.session_state[f"{current_page()}.{key}"] = value


def widget_key(name: str) -> str:
    """The key of a widget that belongs to the frame rather than to a page."""
    return f"labelloop.widget.{name}"


def chosen(key: str) -> Any:
    """The value of the widget with this key, for callbacks."""
    return st.session_state[key]


def model() -> Model:
    """The model that Retrain starts: the one chosen last in this session, else instant."""
    found = st.session_state.get(_MODEL)
    return found if found in MODELS else "instant"


def set_model(name: Model) -> None:
    """Make ``name`` the model that Retrain starts."""
    st.session_state[_MODEL] = name


def ended_since(active: Sequence[str]) -> list[str]:
    """The runs and jobs that this session saw going the last time and that are not in ``active`` any more."""
    ended = [name for name in st.session_state.get(_SEEN, ()) if name not in active]
    st.session_state[_SEEN] = tuple(active)
    return ended


def mark_cancelled(job: str) -> None:
    """Note that this person asked a run or job to stop."""
    st.session_state[f"labelloop.cancelled.{job}"] = True


def is_cancelled(job: str) -> bool:
    """Whether this person asked it to stop."""
    return bool(st.session_state.get(f"labelloop.cancelled.{job}"))


def forget_cancelled(job: str) -> None:
    """It was started again."""
    st.session_state.pop(f"labelloop.cancelled.{job}", None)


def train_after(job: str) -> None:
    """Have a first model trained when this import has succeeded (as long as this session looks on)."""
    st.session_state[f"labelloop.train-after.{job}"] = True


def trains_after(job: str) -> bool:
    """Whether :func:`train_after` was asked for; only once."""
    return bool(st.session_state.pop(f"labelloop.train-after.{job}", False))


def mark_fresh(run: str) -> None:
    """Note that a run has just ended before this person's eyes."""
    st.session_state[_FRESH] = (run, time.monotonic())


def is_fresh(run: str) -> bool:
    """Whether a run ended here in the last minute and a half."""
    found, moment = st.session_state.get(_FRESH, ("", 0.0))
    return bool(found == run and time.monotonic() - moment < _FRESH_SECONDS)


def news(text: str) -> bool:
    """Whether this person has not been told this yet; only once."""
    told: set[str] = st.session_state.setdefault(_TOLD, set())
    if text in told:
        return False
    told.add(text)
    return True


def hold_training(dataset: str, start: Callable[[], object], word: str) -> None:
    """Keep a start that waits for a person's word (dashboard.gate)."""
    st.session_state[_HELD] = (dataset, start, word)


def training_held() -> bool:
    """Whether a start waits."""
    return _HELD in st.session_state


def held_training() -> tuple[str, Callable[[], object], str] | None:
    """The start that waits, if one does; only once."""
    found: tuple[str, Callable[[], object], str] | None = st.session_state.pop(_HELD, None)
    return found


def _dataset_param() -> dict[str, str]:
    name = dataset_name()
    return {"dataset": name} if name else {}
