"""Confidence against accuracy."""

import plotly.graph_objects as go

from core.evaluation.calibration import Reliability
from dashboard.charts.ink import Template, of_template, plain


def reliability(before: Reliability, after: Reliability | None = None, *, template: Template = "light") -> go.Figure:
    """Accuracy by confidence with intervals; on the diagonal a confidence of 90 % is right in 9 of 10."""
    ink = of_template(template)
    figure = go.Figure(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": ink.muted, "dash": "dot", "width": 1}, hoverinfo="skip",
            showlegend=False,
        )
    )  # fmt: skip
    shown = [("as trained", before, ink.muted if after is not None else ink.accent)]
    if after is not None:
        shown.append(("at its temperature", after, ink.accent))
    for name, found, colour in shown:
        figure.add_trace(
            go.Scatter(
                x=found.confidence,
                y=found.accuracy,
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"size": 7},
                error_y={
                    "array": found.high - found.accuracy,
                    "arrayminus": found.accuracy - found.low,
                    "color": colour,
                    "thickness": 1,
                    "width": 3,
                },
                hovertext=[
                    f"confidence about {sure:.0%}: {right:.0%} of {count:,} right, likely {low:.0%} to {high:.0%}"
                    for sure, right, low, high, count in zip(
                        found.confidence, found.accuracy, found.low, found.high, found.samples, strict=True
                    )
                ],
                hoverinfo="text",
            )
        )
    plain(figure, ink=ink, height=360)
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, margin={"t": 34, "b": 40})
    figure.update_xaxes(title_text="how sure the run was", tickformat=".0%", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="how often it was right", tickformat=".0%", range=[-0.02, 1.04])
    return figure
