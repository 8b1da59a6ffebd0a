"""Arrays and metrics to Plotly figures. No streamlit, no store: values in, figure out.

Plotly reads a small HTML in every text it draws, so whatever a user named goes through :func:`text` first.
"""

import html
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

Template = Literal["light", "dark"]
Counts = npt.NDArray[np.integer[Any]]

TICK_LENGTH = 18  # characters of a class name beside a matrix; the whole name is in the hover text
SPACIOUS = 8  # classes up to which a cell has room for what it was before
NUMBERED = 40  # classes up to which cells carry their number; past it only colour and hover text
CLICK_TRACE = "cells"  # the trace whose points are clicked; its customdata is [row, column]


@dataclass(frozen=True, slots=True)
class _Ink:
    """Colours of one template. The two scales of the matrix differ in hue, so that few errors stand out."""

    empty: str
    right: tuple[str, str]
    wrong: tuple[str, str]
    accent: str
    muted: str
    grid: str
    font: str


_INKS: dict[Template, _Ink] = {
    "light": _Ink(
        empty="#f2f0ec",
        right=("#d9e8f4", "#2170a8"),
        wrong=("#fadfd0", "#c9531a"),
        accent="#3457d5",
        muted="#6c6f76",
        grid="#e4e1db",
        font="#1e2024",
    ),
    "dark": _Ink(
        empty="#1f2126",
        right=("#213a4d", "#5aa9dd"),
        wrong=("#4d2e1e", "#f08a55"),
        accent="#8aa2ff",
        muted="#a3a6ad",
        grid="#2c2f36",
        font="#e8e6e1",
    ),
}


def text(name: object, *, width: int = 0) -> str:
    """``name`` safe for Plotly: escaped, on one line, and with ``width`` wrapped at that many characters."""
    plain = " ".join(str(name).split()) or "(no name)"
    lines = textwrap.wrap(plain, width) if width else [plain]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def shorten(name: object, length: int = TICK_LENGTH) -> str:
    """At most ``length`` characters, the middle left out: long class names tend to differ at their ends."""
    plain = " ".join(str(name).split())
    if len(plain) <= length:
        return plain
    head = math.ceil((length - 1) * 0.6)
    return f"{plain[:head]}…{plain[len(plain) - (length - 1 - head) :]}"


def confusion(
    classes: Sequence[str],
    matrix: Counts,
    *,
    percent: bool = False,
    chosen: tuple[int, int] | None = None,
    before: Counts | None = None,
    template: Template = "light",
) -> go.Figure:
    """The matrix: rows are labels, columns predictions; counts, or per cent of each row.

    A heatmap alone never tells Streamlit of a click; the points of the trace ``cells`` do. ``chosen`` draws its ring.
    ``before`` (the same matrix earlier) adds what each cell was to its hover text.
    """
    ink, size = _INKS[template], len(classes)
    values = _shares(matrix) if percent else matrix.astype(float)
    diagonal = np.eye(size, dtype=bool)
    words = [[_cell_text(values[i, j], percent=percent, size=size) for j in range(size)] for i in range(size)]
    if before is not None and not percent and size <= SPACIOUS:
        for i, j in np.argwhere(before != matrix):
            words[i][j] = f"{matrix[i, j]:,}<br><span style='font-size:10px'>was {before[i, j]:,}</span>"
    wrong = _strength(np.where(diagonal, 0, values))
    right = _strength(np.where(diagonal, values, 0))
    figure = go.Figure(
        [
            _tiles(np.where(diagonal, np.nan, wrong), _scale(ink.empty, ink.wrong), name="errors"),
            _tiles(np.where(diagonal, right, np.nan), _scale(ink.empty, ink.right), name="right"),
            *_numbers(words, wrong - right, ink=ink),
        ]
    )
    names = [text(name, width=60) for name in classes]
    hover = [[_cell_hover(names, matrix, i, j, before=before) for j in range(size)] for i in range(size)]
    figure.add_trace(_targets(hover, chosen=chosen, ink=ink))
    _matrix_axes(figure, classes, ink=ink)
    return figure


def least_width(classes: Sequence[str]) -> int:
    """Pixels under which a matrix of these classes cannot be read."""
    longest = max((len(shorten(name)) for name in classes), default=1)
    return min(300, longest * 8 + 40) + len(classes) * (36 if len(classes) <= 10 else 15 if len(classes) <= 20 else 14)


def difference(classes: Sequence[str], old: Counts, new: Counts, *, template: Template = "light") -> go.Figure:
    """What changed from ``old`` to ``new``: better (more right, fewer errors) in one hue, worse in the other."""
    ink, size = _INKS[template], len(classes)
    change = new.astype(int) - old.astype(int)
    better = np.where(np.eye(size, dtype=bool), change, -change)
    words = [[f"{change[i, j]:+d}".replace("-", "−") if change[i, j] else "" for j in range(size)] for i in range(size)]
    worse = -np.sign(better) * _strength(np.abs(better).astype(float))
    scale = [[0, ink.right[1]], [0.4999, ink.right[0]], [0.5, ink.empty], [0.5001, ink.wrong[0]], [1, ink.wrong[1]]]
    names = [text(name, width=60) for name in classes]
    tiles = _tiles(worse, scale, name="change").update(
        zmin=-1,
        hoverinfo="text",
        hovertext=[
            [f"{_pair(names, i, j)}<br><b>{old[i, j]:,} → {new[i, j]:,}</b>" for j in range(size)] for i in range(size)
        ],
    )
    figure = go.Figure([tiles, *_numbers(words, worse, ink=ink)])
    _matrix_axes(figure, classes, ink=ink)
    return figure


def aligned(
    classes: Sequence[str], matrix: Counts, other_classes: Sequence[str], other: Counts
) -> tuple[tuple[str, ...], Counts, Counts]:
    """Two matrices over the classes of both, so that they can be laid side by side."""
    names = tuple(dict.fromkeys([*other_classes, *classes]))
    found = []
    for own, counts in ((classes, matrix), (other_classes, other)):
        places = [names.index(name) for name in own]
        wide = np.zeros((len(names), len(names)), dtype=np.int64)
        wide[np.ix_(places, places)] = counts
        found.append(wide)
    return names, found[0], found[1]


def curve(
    metrics: Sequence[Mapping[str, Any]],
    measure: Literal["loss", "accuracy"],
    *,
    epochs: int,
    best: int | None = None,
    template: Template = "light",
) -> go.Figure:
    """Train and validation ``measure`` by epoch, the best epoch marked; the axis spans all ``epochs``."""
    ink = _INKS[template]
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
    _plain(figure, ink=ink, height=260)
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


def shares(
    names: Sequence[str],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    template: Template = "light",
) -> go.Figure:
    """Shares in [0, 1] as dots with their intervals, first name on top."""
    ink = _INKS[template]
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
    _plain(figure, ink=ink, height=60 + 56 * len(rows))
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
    ink = _INKS[template]
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
    _plain(figure, ink=ink, height=24 + 26 * max(1, len(rows)))
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


def _shares(matrix: Counts) -> npt.NDArray[np.float64]:
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.zeros(matrix.shape, dtype=np.float64)
    np.divide(matrix, totals, out=shares, where=totals > 0)
    return shares


def _strength(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """In [0, 1]; by the root, so that one error among hundreds is still seen."""
    top = float(values.max(initial=0))
    return np.asarray(np.sqrt(values / top) if top else np.zeros_like(values), dtype=np.float64)


def _scale(empty: str, ends: tuple[str, str]) -> list[list[Any]]:
    return [[0, empty], [1e-6, ends[0]], [1, ends[1]]]


def _tiles(values: npt.NDArray[np.float64], scale: list[list[Any]], *, name: str) -> go.Heatmap:
    return go.Heatmap(
        z=values,
        name=name,
        zmin=0,
        zmax=1,
        colorscale=scale,
        showscale=False,
        hoverinfo="skip",
        hoverongaps=False,
        **_gaps(len(values)),
    )


def _numbers(words: list[list[str]], signed: npt.NDArray[np.float64], *, ink: _Ink) -> list[go.Heatmap]:
    """The numbers as see-through heatmaps, which fit their text to the cell: one dark and one white, by contrast.

    ``signed`` is the strength of each cell's colour: positive on the scale for wrong, negative on that for right.
    """
    size = len(words)
    white = np.zeros((size, size), dtype=bool)
    for i in range(size):
        for j in range(size):
            ends = ink.wrong if signed[i, j] > 0 else ink.right
            white[i, j] = _wants_white(_blend(*ends, abs(float(signed[i, j]))))
    return [
        go.Heatmap(
            z=np.where(chosen, 0.0, np.nan),
            text=[[word if chosen[i, j] else "" for j, word in enumerate(row)] for i, row in enumerate(words)],
            texttemplate="%{text}",
            textfont={"color": colour} | ({"size": 15} if size <= 6 else {}),
            colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
            showscale=False,
            hoverinfo="skip",
        )
        for chosen, colour in ((white, "#ffffff"), (~white, "#14191c"))
    ]


def _blend(low: str, high: str, share: float) -> tuple[float, float, float]:
    ends = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (low, high)]
    red, green, blue = (a + (b - a) * share for a, b in zip(*ends, strict=True))
    return red, green, blue


def _wants_white(colour: tuple[float, float, float]) -> bool:
    """Whether white has more contrast than near-black on ``colour`` (WCAG's relative luminance)."""
    linear = [part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.0591


def _targets(hover: list[list[str]], *, chosen: tuple[int, int] | None, ink: _Ink) -> go.Scatter:
    size = len(hover)
    cells = [(i, j) for i in range(size) for j in range(size)]
    return go.Scatter(
        x=[j for _, j in cells],
        y=[i for i, _ in cells],
        customdata=[[i, j] for i, j in cells],
        hovertext=[hover[i][j] for i, j in cells],
        hoverinfo="text",
        mode="markers",
        name=CLICK_TRACE,
        marker={
            # a see-through square with a line: Plotly fills an open one with its colour when it is selected
            "symbol": "square",
            "size": max(6, _cell_height(size) - 6),
            "color": "rgba(0, 0, 0, 0)",
            "opacity": 0,
            "line": {"width": 2.5, "color": ink.font},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        selectedpoints=None if chosen is None else [chosen[0] * size + chosen[1]],
    )


def _cell_text(value: float, *, percent: bool, size: int) -> str:
    if value == 0 or size > NUMBERED:
        return ""
    if not percent:
        return f"{value:,.0f}"
    sign = "%" if size <= 8 else ""
    return f"<1{sign}".replace("<", "&lt;") if value < 0.005 else f"{value * 100:.0f}{sign}"


def _pair(names: Sequence[str], i: int, j: int) -> str:
    return f"Label: {names[i]}<br>Predicted: {names[j]}"


def _cell_hover(names: Sequence[str], matrix: Counts, i: int, j: int, *, before: Counts | None) -> str:
    count, row = int(matrix[i, j]), int(matrix[i].sum())
    line = f"{count:,} of {row:,}" + (f" ({count / row:.1%})" if row else "")
    was = "" if before is None or int(before[i, j]) == count else f", was {int(before[i, j]):,}"
    return f"{_pair(names, i, j)}<br><b>{line}</b>{was}"


def _cell_height(size: int) -> int:
    """Pixels of a row; 60 classes still fit on two screens with each name readable."""
    for limit, pixels in ((2, 120), (3, 96), (4, 80), (6, 64), (10, 48), (14, 38), (20, 30), (40, 18)):
        if size <= limit:
            return pixels
    return 14


def _gaps(size: int) -> dict[str, float]:
    gap = 3 if size <= 10 else 2 if size <= 20 else 1
    return {"xgap": gap, "ygap": gap}


def _matrix_axes(figure: go.Figure, classes: Sequence[str], *, ink: _Ink) -> None:
    size = len(classes)
    short = [shorten(name) for name in classes]
    longest = max((len(name) for name in short), default=1)
    font = 13 if size <= 10 else 11 if size <= 20 else 9
    angle = 0 if size * longest <= 44 else -45 if size <= 20 else -90
    # Slanted names reach past the right edge; Plotly would leave those out.
    slanted = [len(name) * font * 0.4 - (size - 1 - place) * 14 for place, name in enumerate(short)]
    right = int(max(4, *slanted, 0)) if angle == -45 else 4
    head = 30 if angle == 0 else int(longest * font * 0.56 * (0.75 if angle == -45 else 1)) + 18
    _plain(figure, ink=ink, height=size * _cell_height(size) + head + 32)
    ticks = {
        "tickvals": list(range(size)),
        "ticktext": [text(name) for name in short],
        "tickfont": {"size": font, "color": ink.font},
    }
    common = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "ticks": "",
        "showline": False,
        **ticks,
    }
    figure.update_xaxes(
        side="top",
        tickangle=angle,
        ticklabeloverflow="allow",
        range=[-0.5, size - 0.5],
        title={"text": "predicted", "font": {"size": 12, "color": ink.muted}},
        **common,
    )
    figure.update_yaxes(
        range=[size - 0.5, -0.5], title={"text": "label", "font": {"size": 12, "color": ink.muted}}, **common
    )
    figure.update_layout(
        margin={"l": 0, "r": right, "t": head + 24, "b": 4},
        hovermode="closest",
        hoverdistance=-1,
        dragmode=False,
        clickmode="event+select",
        # As wide as it looks well; a narrower page makes it narrower.
        width=int(longest * font * 0.58) + 48 + right + int(size * max(24, _cell_height(size) * 1.6)),
    )


def _plain(figure: go.Figure, *, ink: _Ink, height: int) -> None:
    figure.update_layout(
        height=height,
        showlegend=None,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink.font},
        dragmode=False,
    )
    figure.update_xaxes(gridcolor=ink.grid, linecolor=ink.grid, zeroline=False, fixedrange=True)
    figure.update_yaxes(gridcolor=ink.grid, linecolor=ink.grid, zeroline=False, fixedrange=True)
