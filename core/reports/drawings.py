"""The report's plots, written as SVG by hand: nothing has to be loaded to see them."""

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import Reliability
from core.reports.content import shares_of_rows

_NAMED = 150  # classes up to which the matrix names them
_FITS = 40  # classes up to which it is read at the page's width; a larger one is scrolled


def matrix(classes: Sequence[str], counts: npt.NDArray[np.int64]) -> str:
    """A confusion matrix: rows are labels, columns predictions, shaded by share of the row."""
    strength = np.sqrt(shares_of_rows(counts))
    return _cells("Confusion matrix", classes, counts, strength, np.eye(len(classes), dtype=bool), "")


def difference(classes: Sequence[str], moved: npt.NDArray[np.int64]) -> str:
    """One matrix minus another: better where more are right or fewer are taken for something else."""
    better = (moved > 0) == np.eye(len(classes), dtype=bool)
    strength = np.sqrt(np.abs(moved) / max(int(np.abs(moved).max(initial=0)), 1))
    return _cells("Difference of the confusion matrices", classes, moved, strength, better, "+")


def _cells(
    name: str,
    classes: Sequence[str],
    counts: npt.NDArray[np.int64],
    strengths: npt.NDArray[np.float64],
    good: npt.NDArray[np.bool_],
    sign: str,
) -> str:
    size = len(classes)
    named = size <= _NAMED
    cell = max(12 if named else 4, min(56, 720 // max(size, 1)))
    side, head = (150, 130) if named else (8, 8)
    width, height = side + size * cell + 8, head + size * cell + 8
    parts = []
    for i, j in np.argwhere(counts != 0):
        x, y, strength = side + j * cell, head + i * cell, float(strengths[i, j])
        kind = "right" if good[i, j] else "wrong"
        title = f"{classes[i]} taken for {classes[j]}" if i != j else f"{classes[i]} right"
        title += f": {counts[i, j]:{sign},}"
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" '
            f'fill-opacity="{0.12 + 0.88 * strength:.2f}"><title>{html.escape(title)}</title></rect>'
        )
        if cell >= 18:
            shade = "light" if strength > 0.6 else "dark"
            parts.append(
                f'<text class="{shade} middle" x="{x + cell / 2:.0f}" y="{y + cell / 2 + 4:.0f}">'
                f"{counts[i, j]:{sign},}</text>"
            )
    for at, one in enumerate(classes if named else ()):
        short = html.escape(one if len(one) <= 20 else f"{one[:12]}…{one[-7:]}")
        middle = at * cell + cell / 2
        parts.append(f'<text class="end" x="{side - 6}" y="{head + middle + 4:.0f}">{short}</text>')
        x = side + middle
        parts.append(f'<text x="{x:.0f}" y="{head - 6}" transform="rotate(-60 {x:.0f} {head - 6})">{short}</text>')
    wide = f"max-width:{width}px" + (f";min-width:{width}px" if named and size > _FITS else "")
    return (
        f'<svg role="img" aria-label="{name}" viewBox="0 0 {width} {height}" style="{wide}">'
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
