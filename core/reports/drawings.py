"""The report's plots, written as SVG by hand: nothing has to be loaded to see them."""

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import Reliability
from core.reports.content import shares_of_rows

_NAMED = 40  # classes up to which the matrix names them


def matrix(classes: Sequence[str], counts: npt.NDArray[np.int64]) -> str:
    """A confusion matrix: rows are labels, columns predictions, shaded by share of the row."""
    size = len(classes)
    named = size <= _NAMED
    cell = max(4, min(56, 720 // max(size, 1)))
    side, head = (150, 130) if named else (8, 8)
    width, height = side + size * cell + 8, head + size * cell + 8
    shares = shares_of_rows(counts)
    parts = []
    for i, j in np.argwhere(counts > 0):
        x, y, strength = side + j * cell, head + i * cell, float(np.sqrt(shares[i, j]))
        kind = "right" if i == j else "wrong"
        title = f"{classes[i]} taken for {classes[j]}: {counts[i, j]:,}" if i != j else f"{classes[i]} right"
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" '
            f'fill-opacity="{0.12 + 0.88 * strength:.2f}"><title>{html.escape(title)}</title></rect>'
        )
        if cell >= 18:
            shade = "light" if strength > 0.6 else "dark"
            parts.append(
                f'<text class="{shade} middle" x="{x + cell / 2:.0f}" y="{y + cell / 2 + 4:.0f}">'
                f"{counts[i, j]:,}</text>"
            )
    for at, name in enumerate(classes if named else ()):
        short = html.escape(name if len(name) <= 20 else f"{name[:12]}…{name[-7:]}")
        middle = at * cell + cell / 2
        parts.append(f'<text class="end" x="{side - 6}" y="{head + middle + 4:.0f}">{short}</text>')
        x = side + middle
        parts.append(f'<text x="{x:.0f}" y="{head - 6}" transform="rotate(-60 {x:.0f} {head - 6})">{short}</text>')
    return (
        f'<svg role="img" aria-label="Confusion matrix" viewBox="0 0 {width} {height}" style="max-width:{width}px">'
        f'<rect class="ground" x="{side}" y="{head}" width="{size * cell}" height="{size * cell}"/>'
        f"{''.join(parts)}</svg>"
    )


def reliability(found: Reliability) -> str:
    """Accuracy by confidence with intervals, and the diagonal of perfect honesty."""

    def x(value: float) -> float:
        return round(46 + value * 300, 1)

    def y(value: float) -> float:
        return round(312 - value * 300, 1)

    parts = [f'<line class="quiet" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke-dasharray="4 4"/>']
    for value in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<text class="end" x="40" y="{y(value) + 4}">{value:.0%}</text>')
        parts.append(f'<text class="middle" x="{x(value)}" y="332">{value:.0%}</text>')
    points = list(zip(found.confidence, found.accuracy, found.low, found.high, found.samples, strict=True))
    for sure, right, low, high, count in points:
        parts.append(f'<line class="line" x1="{x(sure)}" x2="{x(sure)}" y1="{y(low)}" y2="{y(high)}"/>')
        parts.append(
            f'<circle class="dot" cx="{x(sure)}" cy="{y(right)}" r="4"><title>{count:,} images: {right:.0%} right '
            f"at a confidence of {sure:.0%}</title></circle>"
        )
    line = " ".join(f"{x(sure)},{y(right)}" for sure, right, *_ in points)
    return (
        '<svg role="img" aria-label="Reliability: accuracy by confidence" viewBox="0 0 360 356" '
        'style="max-width:400px">'
        f'<polyline class="line" points="{line}"/>{"".join(parts)}'
        '<text class="middle" x="196" y="350">how sure it was</text></svg>'
    )
