"""Bars, sizes and the map of a dataset. Every bar and point carries in ``customdata`` what it stands for."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.ink import Template, of_template, plain, shorten, text

SPLIT_SHADES = {"train": 1.0, "val": 0.62, "test": 0.34}
MAP_HEIGHT = 620


def bars(
    counts: Sequence[tuple[str, int]],
    *,
    of: str,
    colours: Mapping[str, str] | None = None,
    template: Template = "light",
) -> go.Figure:
    """One bar a value, the first on top. ``of`` says what the numbers count."""
    ink, rows = of_template(template), list(range(len(counts)))
    figure = go.Figure(
        go.Bar(
            x=[count for _, count in counts],
            y=rows,
            orientation="h",
            customdata=[[name] for name, _ in counts],
            text=[f"{count:,}" for _, count in counts],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [(colours or {}).get(name, ink.accent) for name, _ in counts]},
            hovertext=[f"{text(name, width=60)}<br><b>{count:,} {of}</b>" for name, count in counts],
            hoverinfo="text",
        )
    )
    return _rows(figure, [name for name, _ in counts], template=template)


def by_class_and_split(
    counts: Mapping[str, Mapping[str, int]], *, colours: Mapping[str, str], template: Template = "light"
) -> go.Figure:
    """One bar a class, parted by split: train in the class's full colour, val and test lighter."""
    names = list(counts)
    figure = go.Figure(
        [
            go.Bar(
                x=[counts[name].get(split, 0) for name in names],
                y=list(range(len(names))),
                orientation="h",
                name=split,
                customdata=[[name, split] for name in names],
                marker={"color": [colours[name] for name in names], "opacity": shade},
                hovertext=[
                    f"{text(name, width=60)}, {split}<br><b>{counts[name].get(split, 0):,} images</b>" for name in names
                ],
                hoverinfo="text",
            )
            for split, shade in SPLIT_SHADES.items()
        ]
    )
    _rows(figure, names, template=template)
    for row, name in enumerate(names):
        total = sum(counts[name].values())
        figure.add_annotation(
            x=total, y=row, text=f"{total:,}", showarrow=False, xanchor="left", xshift=5, font={"size": 12}
        )
    return figure.update_layout(barmode="stack")


def sizes(table: pd.DataFrame, *, template: Template = "light") -> go.Figure:
    """Width against height in pixels; a circle's area is how many images have that size."""
    ink = of_template(template)
    most = int(table["images"].max()) if len(table) else 1
    figure = go.Figure(
        go.Scatter(
            x=table["width"],
            y=table["height"],
            mode="markers",
            customdata=table[["width", "height"]].to_numpy().tolist(),
            marker={
                "size": table["images"],
                "sizemode": "area",
                "sizeref": 2 * most / 46**2,
                "sizemin": 4,
                "color": ink.accent,
                "opacity": 0.65,
                "line": {"width": 1, "color": ink.font},
            },
            hovertext=[f"{w} × {h} pixels<br><b>{n:,} images</b>" for w, h, n in table.itertuples(index=False)],
            hoverinfo="text",
        )
    )
    plain(figure, ink=ink, height=300)
    figure.update_layout(margin={"l": 0, "r": 12, "t": 12, "b": 0}, hovermode="closest", clickmode="event+select")
    title = {"font": {"size": 12, "color": ink.muted}}
    figure.update_xaxes(title={"text": "width", **title}, rangemode="tozero", automargin=True, tickformat="d")
    figure.update_yaxes(title={"text": "height", **title}, rangemode="tozero", automargin=True, tickformat="d")
    return figure


def embedding_map(
    points: pd.DataFrame, groups: Sequence[str], *, colours: Mapping[str, str], template: Template = "light"
) -> go.Figure:
    """``points`` (x, y) coloured by ``groups``, one trace a group in the order of ``colours``, to be lassoed.

    ``customdata`` is the point's row.
    """
    ink = of_template(template)
    names = pd.Series(list(groups))
    size = 9 if len(points) < 500 else 6 if len(points) < 5_000 else 4 if len(points) < 30_000 else 3
    figure = go.Figure()
    for name, colour in colours.items():
        rows = names.index[names == name]
        figure.add_trace(
            go.Scattergl(
                x=points["x"].to_numpy()[rows].round(3),
                y=points["y"].to_numpy()[rows].round(3),
                mode="markers",
                name=f"{text(shorten(name, 28))} ({len(rows):,})",
                customdata=[[int(row)] for row in rows],
                marker={"size": size, "color": colour, "opacity": 0.8},
                hovertext=text(name, width=60),
                hoverinfo="text",
                unselected={"marker": {"opacity": 0.12}},
            )
        )
    plain(figure, ink=ink, height=MAP_HEIGHT)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        dragmode="lasso",
        hovermode="closest",
        showlegend=True,
        legend={
            "itemsizing": "constant",
            "font": {"color": ink.font},
            "orientation": "h",
            "y": -0.02,
            "yanchor": "top",
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": ink.muted, "activecolor": ink.accent},
    )
    hidden = {"showgrid": False, "showticklabels": False, "zeroline": False, "showline": False, "ticks": ""}
    figure.update_xaxes(**hidden, fixedrange=False)
    figure.update_yaxes(**hidden, fixedrange=False, scaleanchor="x", scaleratio=1)
    return figure


def _rows(figure: go.Figure, names: Sequence[str], *, template: Template) -> go.Figure:
    ink = of_template(template)
    plain(figure, ink=ink, height=34 + 27 * max(1, len(names)))
    figure.update_layout(
        margin={"l": 0, "r": 52, "t": 4, "b": 4},
        bargap=0.28,
        hovermode="closest",
        clickmode="event+select",
        showlegend=False,
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[text(shorten(name, 28)) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
        ticks="",
        tickfont={"size": 12.5},
    )
    return figure
