"""The stylesheet on top of ``.streamlit/config.toml``: what the configuration has no word for."""

from functools import cache
from pathlib import Path

import streamlit as st

LOGO = Path(__file__).parent / "static" / "logo.svg"


def apply() -> None:
    """Put the stylesheet on the page."""
    st.html(f"<style>{_css()}</style>")


@cache
def _css() -> str:
    return (Path(__file__).parent / "theme.css").read_text(encoding="utf-8")
