"""Curves of a training run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain


def curve(
    metrics: Sequence[Mapping[str, Any]],
    measure: Literal["loss", "accuracy"],
    *,
    epochs: int,
    best: int | None = None,
    template: Template = "light",
) -> go.Figure:
    """Train and validation ``measure`` by epoch, the best epoch marked; the axis spans all ``epochs``."""
    ink = of_template(template)
    steps = [int(line["epoch"]) for line in metrics]
    shown = ".1%" if measure == "accuracy" else ".3f"
    figure = go.Figure()
    for split, colour, width, name in (("train", ink.muted, 1.5, "train"), ("val", ink.accent, 2.5, "validation")):
        values = [line.get(f"{split}_{measure}") for line in metrics]
        if all(value is None for value in values):
            continue
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=values,
                name=name,
                mode="lines+markers" if len(steps) < 40 else "lines",
                line={"color": colour, "width": width},
                marker={"size": 5},
                hovertemplate=f"epoch %{{x}}: %{{y:{shown}}}<extra>{name}</extra>",
            )
        )
    marked = next((line for line in metrics if line["epoch"] == best), {})
    judged = [marked.get(f"{split}_{measure}") for split in ("val", "train")]
    value = next((float(found) for found in judged if found is not None), None)
    if value is not None:
        figure.add_vline(x=best, line={"color": ink.accent, "width": 1, "dash": "dot"})
        figure.add_trace(
            go.Scatter(
                x=[best],
                y=[value],
                mode="markers",
                name=f"best, epoch {best}: {value:{shown}}",
                marker={"color": ink.accent, "size": 11, "symbol": "star"},
                hoverinfo="skip",
            )
        )
    plain(figure, ink=ink, height=260)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hovermode="x unified",
        margin={"t": 34, "b": 40},
    )
    last = max([epochs, *steps, 1])
    figure.update_xaxes(title_text="epoch", range=[0.5, last + 0.5], tickformat="d", dtick=max(1, math.ceil(last / 8)))
    if measure == "accuracy":
        known = [float(y) for one in figure.data for y in one.y if y is not None]
        figure.update_yaxes(tickformat=".0%", range=[max(0.0, min(known, default=0.0) - 0.05), 1.01])
    else:
        figure.update_yaxes(rangemode="tozero")
    return figure
