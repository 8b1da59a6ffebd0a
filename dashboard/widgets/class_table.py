"""Precision, recall, F1 and support of each class."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.evaluation.metrics import Evaluation


def draw(evaluation: Evaluation, *, key: str) -> None:
    """The table, in class order; a click on a column's head sorts it."""
    table = pd.DataFrame(
        [
            {
                "Class": figures.name,
                "Precision": figures.precision * 100,
                "Recall": figures.recall * 100,
                "F1": figures.f1 * 100,
                "Labelled so": figures.support,
                "Predicted so": figures.predicted,
            }
            for figures in evaluation.per_class
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
            "F1": _bar("The harmonic mean of precision and recall: high only if both are."),
            "Labelled so": st.column_config.NumberColumn(help="Images of this split with this label (support)."),
            "Predicted so": st.column_config.NumberColumn(help="Images of this split predicted as this class."),
        },
    )


def _bar(meaning: str) -> ColumnConfig:
    return st.column_config.ProgressColumn(help=meaning, format="%.1f%%", min_value=0.0, max_value=100.0)
