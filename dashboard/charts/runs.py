"""Curves of several runs in one figure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain, text
from dashboard.palette import CLASS_COLOURS

Measure = Literal["loss", "accuracy"]
MEASURES: tuple[Measure, ...] = ("loss", "accuracy")
SPLITS = {"val": "solid", "train": "dot"}


def overlay(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], measure: Measure, *, template: Template = "light"
) -> go.Figure:
    """One colour a run (keyed by its name, each a list of metrics lines), val drawn through and train dotted."""
    ink = of_template(template)
    figure = go.Figure()
    for place, (name, lines) in enumerate(runs.items()):
        for split, dash in SPLITS.items():
            points = [(line["epoch"], line.get(f"{split}_{measure}")) for line in lines]
            points = [(epoch, value) for epoch, value in points if value is not None]
            if not points:
                continue
            figure.add_trace(
                go.Scatter(
                    x=[epoch for epoch, _ in points],
                    y=[value for _, value in points],
                    mode="lines+markers" if len(points) < 3 else "lines",
                    name=text(f"{name} {split}"),
                    legendgroup=name,
                    line={
                        "color": CLASS_COLOURS[place % len(CLASS_COLOURS)],
                        "dash": dash,
                        "width": 2 if split == "val" else 1.5,
                    },
                    hovertemplate=f"{text(name)} {split}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
                )
            )
    plain(figure, ink=ink, height=300)
    figure.update_layout(
        margin={"t": 8, "b": 4, "l": 0, "r": 8},
        legend={"orientation": "h", "y": -0.18, "font": {"color": ink.muted}},
        showlegend=True,
        hovermode="x unified",
    )
    figure.update_xaxes(title={"text": "epoch", "font": {"size": 12, "color": ink.muted}}, tickformat="d")
    if measure == "accuracy":
        figure.update_yaxes(tickformat=".0%")
    return figure
