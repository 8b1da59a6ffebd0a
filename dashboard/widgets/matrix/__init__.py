"""The confusion matrix as a workbench: click, keys, zoom, search, export. JavaScript and CSS lie beside this file.

The chosen cell lies in the page's address, as ``true`` and ``pred``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st

from core.evaluation.metrics import Evaluation
from core.evaluation.ordering import top_confusions
from dashboard import state
from dashboard.charts import Counts, shorten
from dashboard.charts.ink import of_template
from dashboard.widgets import address, plot

Values = Literal["counts", "percent", "column"]
_SCRIPTS = ("draw.js", "matrix.js")  # one module, in this order
_HERE = Path(__file__).parent
_LISTED = 150  # confusions in the list
_ALL = (-1, -1)  # in the list: all errors
_GROUND = {"light": "#ffffff", "dark": "#141518"}


def chosen_cell(classes: Sequence[str]) -> tuple[int, int] | None:
    """Row and column of the cell that the address names, if it names one of these classes."""
    true, pred = state.param("true"), state.param("pred")
    if true in classes and pred in classes:
        return list(classes).index(str(true)), list(classes).index(str(pred))
    return None


def draw(
    evaluation: Evaluation,
    *,
    values: Values,
    order: list[int],
    before: Evaluation | None = None,
    cells: Mapping[str, str],
    dataset_id: str,
    file: str,
) -> None:
    """Draw the matrix; a click on a cell puts it into the address, a second click takes it out.

    ``order`` are places of classes as they stand from the top (core.evaluation.ordering). ``cells`` says whose cells
    these are: ``run``, ``split`` and ``labels``, by which the browser asks for pictures of the cell under the pointer
    (``/api/cell``). ``file`` names what is saved.
    """
    classes = evaluation.classes
    earlier = before.matrix if before is not None and before.classes == classes else None
    _component_of(
        "cells",
        classes,
        evaluation.matrix,
        earlier=earlier,
        order=order,
        chosen=chosen_cell(classes),
        cells=cells,
        more={"kind": "counts", "values": values, "dataset": dataset_id, "file": file},
        clicked=_into_address,
    )


def draw_difference(
    classes: Sequence[str],
    old: Counts,
    new: Counts,
    *,
    key: str,
    cells: Mapping[str, str],
    file: str,
    dataset_id: str,
) -> tuple[str, str] | None:
    """What changed from ``old`` to ``new``; returns the (label, prediction) that the address names. ``cells`` as in
    :func:`draw`, and ``old``: the older run.
    """
    _component_of(
        key,
        classes,
        new,
        earlier=old,
        order=list(range(len(classes))),
        chosen=chosen_cell(classes),
        cells=cells,
        more={"kind": "difference", "values": "counts", "dataset": dataset_id, "file": file},
        clicked=_into_address,
    )
    cell = chosen_cell(classes)
    return None if cell is None else (classes[cell[0]], classes[cell[1]])


def choose(evaluation: Evaluation) -> None:
    """The same choice from a list, the largest confusions first."""
    matrix, classes = evaluation.matrix, evaluation.classes
    chosen = chosen_cell(classes)
    right = sorted(range(len(matrix)), key=lambda at: -int(matrix[at, at]))[:_LISTED]
    options = [_ALL, *top_confusions(matrix, _LISTED), *((at, at) for at in sorted(right) if matrix[at, at])]
    if chosen is not None and chosen not in options:
        options.append(chosen)

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


def script() -> str:
    """The component's JavaScript: one module."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)


def _component_of(
    key: str,
    classes: Sequence[str],
    matrix: Counts,
    *,
    earlier: Counts | None,
    order: list[int],
    chosen: tuple[int, int] | None,
    cells: Mapping[str, str],
    more: dict[str, Any],
    clicked: Callable[[Any], None],
) -> None:
    template = plot.template()
    ink = of_template(template)
    kind = "Change of the confusion matrix" if more["kind"] == "difference" else "Confusion matrix"
    payload = {
        **more,
        **_cells(matrix),
        "identity": f"{state.current_page()} {key} {more['file']}",
        "classes": list(classes),
        "short": [shorten(name) for name in classes],
        "order": order,
        "before": None if earlier is None else _cells(earlier),
        "chosen": chosen,
        "cells": dict(cells),
        "ground": _GROUND[template],
        "ink": {name: getattr(ink, name) for name in ("empty", "right", "wrong", "accent", "muted", "font")},
        "alt": f"{kind} of {len(classes)} classes: rows are labels, columns predictions. "
        "Arrow keys move, Enter opens the images of a cell, Escape closes them.",
    }
    name = f"{state.current_page()}.{key}"

    def changed() -> None:
        clicked((state.chosen(name) or {}).get("chosen"))

    _component()(key=name, data=json.dumps(payload).encode(), on_chosen_change=changed)


def _into_address(chosen: Any) -> None:
    cell = chosen.get("cell") if isinstance(chosen, dict) else None
    state.set_params(true=cell[0] if cell else None, pred=cell[1] if cell else None)


def _cells(matrix: Counts) -> dict[str, list[int]]:
    rows, columns = np.nonzero(matrix)
    return {"rows": rows.tolist(), "columns": columns.tolist(), "counts": matrix[rows, columns].tolist()}


@cache
def _component() -> Any:
    return st.components.v2.component(
        "labelloop-matrix", js=script(), css=(_HERE / "matrix.css").read_text(encoding="utf-8"), html="<div></div>"
    )
