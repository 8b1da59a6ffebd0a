"""The drop zone: files, folders and archives go to the workspace over our own route, streamed, however many."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.workspace.uploads import named, taken

_HERE = Path(__file__).parent


def draw(key: str) -> dict[str, Any] | None:
    """Draw it. Returns what was uploaded in this very run: ``batch``, ``files`` (how many), ``left`` (name, reason)."""
    result = _component()(key=key, data={"taken": taken(), "named": named()}, on_uploaded_change=_nothing)
    found = result.get("uploaded")
    return found if isinstance(found, dict) and found.get("batch") else None


def _nothing() -> None:
    """The component's trigger starts a rerun, which reads it."""


@cache
def _component() -> Any:
    return st.components.v2.component(
        "labelloop-dropzone",
        js=(_HERE / "dropzone.js").read_text(encoding="utf-8"),
        css=(_HERE / "dropzone.css").read_text(encoding="utf-8"),
        html=(_HERE / "dropzone.html").read_text(encoding="utf-8"),
    )
