"""The only reader and writer of ``st.session_state`` and ``st.query_params``, and the one Workspace of this process."""

import os
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from core.review.queues import QueueSpec
from core.workspace import Workspace
from dashboard import navigation

_DATASET = "labelloop.dataset"
_PAGE = "labelloop.page"
_BACK = "labelloop.back"


@st.cache_resource(show_spinner="Opening the workspace …")
def workspace() -> Workspace:
    """The workspace of this server: ``LABELLOOP_WORKSPACE``, or the user's data folder.

    Raises:
        LabelloopError: it cannot be opened.
    """
    root = os.environ.get("LABELLOOP_WORKSPACE")
    return Workspace.open(Path(root) if root else None)


def enter(url_path: str) -> None:
    """Remember which page runs: the prefix of :func:`get` and :func:`put`."""
    st.session_state[_PAGE] = "home" if url_path in ("", "home") else url_path


def current_page() -> str:
    """The key of the page that runs ("home", "review", ...)."""
    return str(st.session_state.get(_PAGE, "home"))


def dataset_name() -> str | None:
    """The dataset being looked at: of the address, else the last one chosen, else the first; ``None`` without any."""
    names = [info.name for info in workspace().datasets()]
    for wanted in (st.query_params.get("dataset"), st.session_state.get(_DATASET)):
        if wanted in names:
            st.session_state[_DATASET] = wanted
            return str(wanted)
    return names[0] if names else None


def set_dataset(name: str) -> None:
    """Look at another dataset from the next run on."""
    st.session_state[_DATASET] = name
    if "dataset" in st.query_params:
        st.query_params["dataset"] = name


def param(key: str, default: str | None = None) -> str | None:
    """One value of the address's query."""
    return st.query_params.get(key, default)


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
    """Show a queue on ``page`` ("review" or "fiftyone"). The page left is remembered for the way back. Ends this run."""
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


def get(key: str, default: Any = None) -> Any:
    """A value that this page keeps for the session."""
    return st.session_state.get(f"{current_page()}.{key}", default)


def put(key: str, value: Any) -> None:
    """Keep a value for this page and session."""
    st.session_state[f"{current_page()}.{key}"] = value


def _dataset_param() -> dict[str, str]:
    name = dataset_name()
    return {"dataset": name} if name else {}
