"""All runs over the corrections made."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.evaluation.timeline import Moment
from dashboard.charts.ink import Template, of_template, plain, text

_FEW = 12  # corrections that have a tick each


def timeline(moments: Sequence[Moment], *, template: Template = "light") -> go.Figure:
    """Accuracy of each run by the number of labels corrected so far: as it said itself, and under the labels of now."""
    ink = of_template(template)
    figure = go.Figure()
    for name, colour, dash, values in (
        ("under its own labels", ink.muted, "dot", [one.own for one in moments]),
        ("under the labels of now", ink.accent, "solid", [one.now for one in moments]),
    ):
        shown = [(moment, value) for moment, value in zip(moments, values, strict=True) if value is not None]
        figure.add_trace(
            go.Scatter(
                x=[moment.corrections for moment, _ in shown],
                y=[value.value for _, value in shown],
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker={"size": 8},
                error_y={
                    "array": [value.high - value.value for _, value in shown],
                    "arrayminus": [value.value - value.low for _, value in shown],
                    "color": colour,
                    "thickness": 1,
                    "width": 3,
                },
                hovertext=[
                    f"{text(moment.run)} after {moment.corrections:,} corrections<br>{value.value:.1%} {name}, "
                    f"likely between {value.low:.1%} and {value.high:.1%}"
                    for moment, value in shown
                ],
                hoverinfo="text",
            )
        )
    plain(figure, ink=ink, height=300)
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, margin={"t": 34, "b": 40})
    first = text(moments[0].run) if moments else "the first run"
    figure.update_xaxes(title_text=f"labels corrected since {first}", tickformat="d")
    if not moments or moments[-1].corrections <= _FEW:
        figure.update_xaxes(dtick=1)  # else a tick would stand at each half, and read as its neighbour
    figure.update_yaxes(tickformat=".0%")
    return figure
