"""Shares with their intervals, and counts."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain, shorten, text


def shares(
    names: Sequence[str],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    template: Template = "light",
) -> go.Figure:
    """Shares in [0, 1] as dots with their intervals, first name on top."""
    ink = of_template(template)
    rows = list(range(len(names)))
    figure = go.Figure(
        go.Scatter(
            x=list(middle),
            y=rows,
            mode="markers+text",
            text=[f"{value:.1%}" for value in middle],
            textposition="top center",
            cliponaxis=False,
            marker={"size": 12, "color": [ink.muted] * (len(rows) - 1) + [ink.accent]},
            error_x={
                "array": [up - value for up, value in zip(high, middle, strict=True)],
                "arrayminus": [value - down for down, value in zip(low, middle, strict=True)],
                "color": ink.muted,
                "thickness": 1.5,
                "width": 5,
            },
            hovertext=[
                f"{text(name, width=60)}<br>{value:.1%}, likely between {down:.1%} and {up:.1%}"
                for name, value, down, up in zip(names, middle, low, high, strict=True)
            ],
            hoverinfo="text",
        )
    )
    plain(figure, ink=ink, height=60 + 56 * len(rows))
    figure.update_layout(margin={"t": 12, "b": 28, "l": 0, "r": 16})
    figure.update_xaxes(tickformat=".0%", automargin=True)
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[text(shorten(name)) for name in names],
        range=[len(rows) - 0.5, -0.75],
        showgrid=False,
        automargin=True,
    )
    return figure


def class_counts(
    counts: Mapping[str, int], *, colours: Sequence[str] | None = None, template: Template = "light"
) -> go.Figure:
    """A bar a class, in the order given, with the count at its end."""
    ink = of_template(template)
    rows = list(range(len(counts)))
    figure = go.Figure(
        go.Bar(
            x=list(counts.values()),
            y=rows,
            orientation="h",
            text=[f"{count:,}" for count in counts.values()],
            textposition="outside",
            cliponaxis=False,
            marker={"color": list(colours) if colours else ink.accent},
            hovertext=[f"{text(name, width=60)}: {count:,}" for name, count in counts.items()],
            hoverinfo="text",
        )
    )
    plain(figure, ink=ink, height=24 + 26 * max(1, len(rows)))
    figure.update_layout(margin={"t": 4, "b": 4, "l": 0, "r": 48}, bargap=0.3)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[text(shorten(name, 28)) for name in counts],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
    )
    return figure
