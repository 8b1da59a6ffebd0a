"""Precision, recall, F1 and support of each class."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.evaluation.intervals import Estimate
from core.evaluation.metrics import Evaluation
from core.evaluation.scores import per_class

_LIKELY = "Between which it likely lies on new images like these (95% interval), in percent."


def draw(evaluation: Evaluation, *, key: str) -> None:
    """The table, in class order; a click on a column's head sorts it."""
    table = pd.DataFrame(
        [
            {
                "Class": one.name,
                "Precision": one.precision.value * 100,
                "likely ": _likely(one.precision),
                "Recall": one.recall.value * 100,
                "likely": _likely(one.recall),
                "F1": one.f1.value * 100,
                "likely  ": _likely(one.f1),
                "Labelled so": one.support,
                "Predicted so": one.predicted,
            }
            for one in per_class(evaluation)
        ]
    )
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height="content" if len(table) <= 20 else 600,
        column_config={
            "Class": st.column_config.TextColumn(pinned=True),
            "Precision": _bar("Of the images predicted as this class, the share that carries its label."),
            "Recall": _bar("Of the images that carry this label, the share that is predicted so."),
            **{name: st.column_config.TextColumn(help=_LIKELY) for name in ("likely", "likely ", "likely  ")},
            "F1": _bar("The harmonic mean of precision and recall: high only if both are."),
            "Labelled so": st.column_config.NumberColumn(help="Images of this split with this label (support)."),
            "Predicted so": st.column_config.NumberColumn(help="Images of this split predicted as this class."),
        },
    )


def _bar(meaning: str) -> ColumnConfig:
    return st.column_config.ProgressColumn(help=meaning, format="%.1f%%", min_value=0.0, max_value=100.0)


def _likely(one: Estimate) -> str:
    return f"{one.low * 100:.0f}–{one.high * 100:.0f}"
