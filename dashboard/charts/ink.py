"""Colours of the charts in light and dark, and names made safe for Plotly."""

import html
import math
import textwrap
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

Template = Literal["light", "dark"]
TICK_LENGTH = 18  # characters of a class name beside a chart; the whole name is in the hover text


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of one template. The two scales of the matrix differ in hue, so that few errors stand out."""

    empty: str
    right: tuple[str, str]
    wrong: tuple[str, str]
    accent: str
    muted: str
    grid: str
    font: str


_INKS: dict[Template, Ink] = {
    "light": Ink(
        empty="#f2f0ec",
        right=("#d9e8f4", "#2170a8"),
        wrong=("#fadfd0", "#c9531a"),
        accent="#3457d5",
        muted="#6c6f76",
        grid="#e4e1db",
        font="#1e2024",
    ),
    "dark": Ink(
        empty="#1f2126",
        right=("#213a4d", "#5aa9dd"),
        wrong=("#4d2e1e", "#f08a55"),
        accent="#8aa2ff",
        muted="#a3a6ad",
        grid="#2c2f36",
        font="#e8e6e1",
    ),
}


def of_template(template: Template) -> Ink:
    """The colours of one template."""
    return _INKS[template]


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


def plain(figure: go.Figure, *, ink: Ink, height: int) -> None:
    """The look that all charts share: see-through ground, quiet lines, nothing to drag."""
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
