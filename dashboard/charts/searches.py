"""A search in figures: trials as lines through their values, and how much each field matters."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain, shorten, text


def parallel(
    trials: Sequence[Mapping[str, Any]], names: Mapping[str, str], objective: str, *, template: Template = "light"
) -> go.Figure:
    """A line a finished trial through its values; the last axis is what it reached on val, which colours the line.

    ``names`` are the fields in order, each with its words. Words, switches and values on a logarithmic scale are put on
    their axis by place, and the axis says them.
    """
    ink = of_template(template)
    done = [trial for trial in trials if trial.get("value") is not None]
    dimensions = [_axis([trial["params"].get(name) for trial in done], words) for name, words in names.items()]
    reached = [float(trial["value"]) for trial in done]
    dimensions.append({"label": text(objective), "values": reached})
    best_last = objective == "loss"
    low, high = ink.wrong[0], ink.right[1]
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions,
            line={"color": reached, "colorscale": [[0, high if best_last else low], [1, low if best_last else high]]},
            labelfont={"color": ink.font, "size": 13},
            tickfont={"color": ink.muted, "size": 11},
            rangefont={"color": ink.muted, "size": 1},
        )
    )
    plain(figure, ink=ink, height=360)
    figure.update_layout(margin={"l": 90, "r": 60, "t": 50, "b": 24})
    return figure


def importance(shares: Mapping[str, float], *, template: Template = "light") -> go.Figure:
    """How much of the difference between trials each field explains, as bars; the shares add up to 1."""
    ink = of_template(template)
    rows = list(range(len(shares)))
    figure = go.Figure(
        go.Bar(
            x=list(shares.values()),
            y=rows,
            orientation="h",
            text=[f"{share:.0%}" for share in shares.values()],
            textposition="outside",
            cliponaxis=False,
            marker={"color": ink.accent},
            hoverinfo="skip",
        )
    )
    plain(figure, ink=ink, height=30 + 30 * max(1, len(rows)))
    figure.update_layout(margin={"t": 4, "b": 4, "l": 0, "r": 48}, bargap=0.35)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[text(shorten(name, 28)) for name in shares],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
    )
    return figure


def _axis(values: list[Any], words: str) -> dict[str, Any]:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    wide = len(numbers) == len(values) and numbers and min(numbers) > 0 and max(numbers) / min(numbers) > 50
    if len(numbers) == len(values) and not wide:
        return {"label": text(words), "values": values}
    known: list[Any] = sorted(set(numbers)) if wide else list(dict.fromkeys(map(str, values)))
    if wide:
        shown = known if len(known) <= 6 else [known[round(place * (len(known) - 1) / 5)] for place in range(6)]
        return {
            "label": text(words),
            "values": [math.log10(value) for value in values],
            "tickvals": [math.log10(value) for value in shown],
            "ticktext": [f"{value:.2g}" for value in shown],
        }
    return {
        "label": text(words),
        "values": [known.index(str(value)) for value in values],
        "tickvals": list(range(len(known))),
        "ticktext": [text(shorten(name, 14)) for name in known],
    }
