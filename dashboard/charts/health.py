"""Raw values of a check: where they lie, and which of them count as findings."""

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain

_BINS = 48


def raw_values(
    raw: npt.NDArray[np.floating[Any]],
    *,
    threshold: float,
    low: float,
    high: float,
    beyond_low: bool,
    template: Template = "light",
) -> go.Figure:
    """A histogram between ``low`` and ``high``, what lies outside at its ends; bars beyond the threshold stand out."""
    ink = of_template(template)
    counts, edges = np.histogram(np.clip(raw[~np.isnan(raw)], low, high), bins=_BINS, range=(low, high))
    middle = (edges[:-1] + edges[1:]) / 2
    bad = middle <= threshold if beyond_low else middle >= threshold
    figure = go.Figure(
        go.Bar(
            x=middle,
            y=np.sqrt(counts),  # few among many are to be seen
            width=np.diff(edges),
            marker={"color": [ink.wrong[1] if one else ink.right[0] for one in bad], "line": {"width": 0}},
            customdata=counts,
            hovertemplate="%{x:.2f}: %{customdata} images<extra></extra>",
        )
    )
    plain(figure, ink=ink, height=110)
    figure.add_vline(x=threshold, line={"color": ink.accent, "width": 2})
    figure.update_layout(margin={"t": 4, "b": 24, "l": 0, "r": 0}, bargap=0)
    figure.update_yaxes(visible=False)
    figure.update_xaxes(range=[low, high])
    return figure
