"""Charts of a dataset whose bars and points open their images in Review."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.workspace import Workspace
from dashboard import state
from dashboard.widgets import plot

Chosen = Callable[[list[Any]], tuple[Sequence[str], str]]


def clickable(workspace: Workspace, figure: go.Figure, *, key: str, alt: str, chosen: Chosen) -> None:
    """Draw ``figure``; a click on a bar or point opens its images. ``chosen`` gets the point's customdata and returns
    the sample ids with what they are called.
    """
    number = state.get(f"clicks-{key}", 0)
    event = st.plotly_chart(
        figure,
        key=f"overview.{key}-{number}",
        on_select="rerun",
        selection_mode="points",
        config=plot.CONFIG,
        width="stretch",
        alt=alt,
    )
    points = event.selection.points
    if not points:
        return
    state.put(f"clicks-{key}", number + 1)  # another key: the way back must not find the click again
    ids, called = chosen(list(points[0]["customdata"]))
    if ids:
        state.open_queue(workspace.review.pick(ids, called), page="review")
