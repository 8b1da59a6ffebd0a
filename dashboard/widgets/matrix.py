"""The clickable confusion matrix. The chosen cell lies in the page's address, as ``true`` and ``pred``."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.evaluation.metrics import Evaluation
from dashboard import charts, state
from dashboard.widgets import address, plot

_CELLS = "cells"  # the chart's key within the page
_ALL = (-1, -1)  # in the list: all errors


def chosen_cell(classes: Sequence[str]) -> tuple[int, int] | None:
    """Row and column of the cell that the address names, if it names one of these classes."""
    true, pred = state.param("true"), state.param("pred")
    if true in classes and pred in classes:
        return list(classes).index(str(true)), list(classes).index(str(pred))
    return None


def enter() -> None:
    """To be called once a page run, outside the fragment: what the browser drew before may be gone."""
    state.put("entered", True)


def draw(evaluation: Evaluation, *, percent: bool, before: Evaluation | None = None) -> None:
    """Draw the matrix; a click on a cell puts it into the address, a second click takes it out."""
    classes = evaluation.classes
    chosen = chosen_cell(classes)
    earlier = before.matrix if before is not None and before.classes == classes else None

    def clicked() -> None:
        points = (state.get(_CELLS) or {}).get("selection", {}).get("points", [])
        cell = tuple(int(place) for place in points[0]["customdata"]) if points else None
        state.put("shown", cell)
        state.set_params(true=classes[cell[0]] if cell else None, pred=classes[cell[1]] if cell else None)

    figure = charts.confusion(
        classes,
        evaluation.matrix,
        percent=percent,
        chosen=_ring(evaluation, chosen),
        before=earlier,
        template=plot.template(),
    )
    figure.update_layout(meta={"drawn": state.get("drawn")})
    scroller = plot.scroller("matrix-scroll", least=charts.least_width(classes))
    scroller.plotly_chart(
        figure,
        key=f"{state.current_page()}.{_CELLS}",
        on_select=clicked,
        selection_mode="points",
        width="content",
        config=plot.CONFIG,
        alt=f"Confusion matrix of {len(classes)} classes: rows are labels, columns predictions",
    )


def _ring(evaluation: Evaluation, chosen: tuple[int, int] | None) -> tuple[int, int] | None:
    """The cell whose ring belongs to the figure.

    After a click the browser has moved the ring already, and a changed figure would be a new chart that flashes: so
    the figure only follows when something else chose the cell (the list, a link, a reload) or the numbers changed.
    """
    signature = (evaluation.classes, evaluation.matrix.tobytes())
    entered = state.get("entered")
    state.put("entered", False)
    moved = chosen != state.get("shown") or (entered and chosen != state.get("ring"))
    if moved or signature != state.get("signature"):
        state.put("signature", signature)
        state.put("ring", chosen)
        state.put("shown", chosen)
        state.put("drawn", state.get("drawn", 0) + 1)
    ring: tuple[int, int] | None = state.get("ring")
    return ring


def choose(evaluation: Evaluation) -> None:
    """The same choice from a list, for the keyboard and for small screens: the largest confusions first."""
    matrix, classes = evaluation.matrix, evaluation.classes
    chosen = chosen_cell(classes)
    options = _cells(matrix, chosen)

    def changed() -> None:
        cell = address.picked("cell")
        if cell not in options:  # the browser still held an option with its count of before a relabelling
            return
        every = cell == _ALL
        state.set_params(true=None if every else classes[cell[0]], pred=None if every else classes[cell[1]])

    def name(cell: tuple[int, int]) -> str:
        if cell == _ALL:
            return f"All errors ({evaluation.samples - evaluation.correct:,})"
        row, column = cell
        what = f"{classes[row]} right" if row == column else f"{classes[row]} → {classes[column]}"
        return f"{what} ({int(matrix[row, column]):,})"

    st.selectbox(
        "Images of",
        options,
        key=address.key("cell", chosen or _ALL),
        format_func=name,
        on_change=changed,
        help="Label → prediction, the most frequent confusions first. A click on the matrix chooses too.",
    )


def _cells(matrix: charts.Counts, chosen: tuple[int, int] | None) -> list[tuple[int, int]]:
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    wrong = [(int(i), int(j)) for i, j in np.argwhere(errors > 0)]
    wrong.sort(key=lambda cell: -int(matrix[cell]))
    right = [(i, i) for i in range(len(matrix)) if matrix[i, i]]
    cells = [*wrong, *right]
    if chosen is not None and chosen not in cells:
        cells.append(chosen)
    return [_ALL, *cells]
