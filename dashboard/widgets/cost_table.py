"""What errors cost, typed in: a square table for few classes, else a list of those that cost more or less than 1."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.evaluation.thresholds import equal_costs
from dashboard import wording

Floats = npt.NDArray[np.float64]
MOST = 12  # classes of a square table
_LABEL, _TAKEN, _COST = "Label", "Taken for", "Costs"


def draw(classes: Sequence[str], start: Floats, *, key: str) -> Floats:
    """The costs as they stand in the table, at first ``start``: rows are labels, columns what they are taken for. A
    cell that was emptied is NaN; what is right costs nothing.
    """
    names = [wording.printable(name) for name in classes]
    costs = _square(names, start, key) if len(names) <= MOST else _listed(names, start, key)
    np.fill_diagonal(costs, 0.0)
    return costs


def _square(names: list[str], start: Floats, key: str) -> Floats:
    st.caption("What does it cost to take an image of the row's label for the column's class?")
    table = st.data_editor(pd.DataFrame(start, index=names, columns=names), key=key)
    return table.to_numpy(dtype=np.float64, copy=True)


def _listed(names: list[str], start: Floats, key: str) -> Floats:
    st.caption("An error costs 1. List those that cost more, or less; the last row is for the next one.")
    costs = equal_costs(len(names))
    told = [(names[row], names[column], start[row, column]) for row, column in np.argwhere(start != costs)]
    table = st.data_editor(
        pd.DataFrame(told, columns=[_LABEL, _TAKEN, _COST]).astype({_LABEL: str, _TAKEN: str, _COST: float}),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        width=640,
        column_config={
            _LABEL: st.column_config.SelectboxColumn(options=names, required=True),
            _TAKEN: st.column_config.SelectboxColumn(options=names, required=True),
            _COST: st.column_config.NumberColumn(min_value=0.0, default=1.0, required=True),
        },
    )
    place = {name: at for at, name in enumerate(names)}
    for label, taken, cost in table.itertuples(index=False):
        if label in place and taken in place:  # a row that is being filled in has neither yet
            costs[place[label], place[taken]] = cost
    return costs
