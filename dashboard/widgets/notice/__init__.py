"""Notifications of the browser: allowed by a click, shown when a run has ended, also while another tab is in front."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def ask() -> None:
    """A button that asks the browser for leave; where it was given, or refused, a word of that."""
    _component()(key="notice-ask", data={"ask": True})


def tell(run: str, title: str, body: str = "") -> None:
    """Show one, where the person allowed it; once a tab for the same ``run``. Both are plain text."""
    _component()(key=f"notice-{run}", data={"id": run, "title": title, "body": body})


@cache
def _component() -> Any:
    return st.components.v2.component(
        "labelloop-notice",
        js=(_HERE / "notice.js").read_text(encoding="utf-8"),
        css=(_HERE / "notice.css").read_text(encoding="utf-8"),
        html='<div class="notice"></div>',
    )
