"""What more work is likely to bring, as bars with their intervals, and the learning curve."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.suspicion.learning import Gain
from dashboard.charts.ink import Template, of_template, plain, shorten, text


def gains(rows: Sequence[tuple[str, Gain]], *, template: Template) -> go.Figure:
    """One bar a class, its interval as a whisker, in points of recall."""
    ink = of_template(template)
    places = list(range(len(rows)))
    expected = [100 * gain.expected for _, gain in rows]
    figure = go.Figure(
        go.Bar(
            y=places,
            x=expected,
            orientation="h",
            marker={"color": ink.accent},
            customdata=[text(name) for name, _ in rows],
            error_x={
                "type": "data",
                "array": [100 * (gain.high - gain.expected) for _, gain in rows],
                "arrayminus": [100 * (gain.expected - gain.low) for _, gain in rows],
                "thickness": 1.2,
                "width": 4,
                "color": ink.muted,
            },
            hovertemplate="%{customdata}: %{x:+.1f} points<extra></extra>",
        )
    )
    plain(figure, ink=ink, height=70 + 34 * len(rows))
    figure.update_layout(margin={"l": 8, "r": 16, "t": 4, "b": 40})
    figure.update_xaxes(title="points of recall", rangemode="tozero")
    ticks = [text(shorten(name)) for name, _ in rows]
    figure.update_yaxes(tickvals=places, ticktext=ticks, autorange="reversed", automargin=True)
    return figure


def learning(points: Sequence[tuple[float, float]], images: int, *, template: Template) -> go.Figure:
    """Accuracy against the number of training images; ``points`` are (share of them, accuracy)."""
    ink = of_template(template)
    figure = go.Figure(
        go.Scatter(
            x=[round(share * images) for share, _ in points],
            y=[accuracy for _, accuracy in points],
            mode="lines+markers",
            line={"color": ink.accent},
            hovertemplate="%{x} images: %{y:.1%}<extra></extra>",
        )
    )
    plain(figure, ink=ink, height=260)
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 40})
    figure.update_xaxes(title="training images", rangemode="tozero")
    figure.update_yaxes(title="right", tickformat=".0%", automargin=True)
    return figure
