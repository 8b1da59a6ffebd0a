"""The stylesheet on top of ``.streamlit/config.toml``: what the configuration has no word for."""

from functools import cache
from pathlib import Path

import streamlit as st

LOGO = Path(__file__).parent / "static" / "logo.svg"


def apply() -> None:
    """Put the stylesheet on the page.

    With an element beside it: Streamlit would put a lone style where toasts go, and the next toast would replace it.
    """
    with st.container(key="theme"):
        st.html(f"<style>{_css()}</style><i></i>")


@cache
def _css() -> str:
    return (Path(__file__).parent / "theme.css").read_text(encoding="utf-8")
