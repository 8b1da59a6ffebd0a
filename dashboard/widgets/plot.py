"""A Plotly figure on the page: one configuration, and the template that fits the reader's theme."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard.charts import Template

CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}


def template() -> Template:
    """Light or dark, as the browser shows the page now."""
    return "dark" if st.context.theme.type == "dark" else "light"


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure to look at, as wide as it asks for, else as the page. ``alt`` says in words what it is."""
    st.plotly_chart(figure, key=key, alt=alt, config=CONFIG, width="content" if figure.layout.width else "stretch")
