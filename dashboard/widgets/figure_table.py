"""Every figure of a run on one split, with its interval and what it means."""

import pandas as pd
import streamlit as st

from core.evaluation.scores import Scores
from dashboard import wording

FEW = 10  # images of a class from which on the simulated intervals of means over classes hold in 93 to 97 of 100

_NAMES = {
    "accuracy": ("Accuracy", "The share of images whose prediction is their label."),
    "balanced_accuracy": ("Balanced accuracy", "The mean recall of the classes that have images: rare ones count too."),
    "macro_precision": ("Macro precision", "Precision, the mean over classes."),
    "macro_recall": ("Macro recall", "Recall, the mean over classes."),
    "macro_f1": ("Macro F1", "F1, the mean over classes: every class counts the same."),
    "weighted_precision": ("Weighted precision", "Precision, the mean over images."),
    "weighted_recall": ("Weighted recall", "Recall, the mean over images: the accuracy."),
    "weighted_f1": ("Weighted F1", "F1, the mean over images."),
    "kappa": ("Cohen's kappa", "Agreement beyond what chance would give; 0 is chance, 1 perfect."),
    "mcc": ("MCC", "Matthews' correlation of label and prediction; 0 is chance, 1 perfect."),
    "log_loss": ("Log loss", "How surprised the run is by the labels; lower is better, and being sure of a wrong "
                 "class costs most."),
}  # fmt: skip


def draw(scores: Scores) -> None:
    """A row a figure; what is not defined (kappa of a single class) is left out."""
    rows = []
    for name, one in scores.overall.items():
        if one is None:
            continue
        title, meaning = _NAMES.get(name) or _top(name)
        rows.append(
            {
                "Figure": title,
                "Value": f"{one.value:.3f}",
                "Likely between": f"{one.low:.3f} and {one.high:.3f}",
                "Meaning": meaning,
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
    st.caption("“Likely between” is the 95% interval on new images like these.")
    few = sum(0 < one.support < FEW for one in scores.per_class)
    if few:
        st.caption(
            f"{wording.counted(few, 'class', 'classes')} with fewer than {FEW} images: intervals of means over classes "
            "rest on few errors then, and may hold a little less or more often than in 95 of 100 cases."
        )


def _top(name: str) -> tuple[str, str]:
    k = name.split("_")[1]
    return f"Top-{k} accuracy", f"The share of images whose label is among the {k} most probable classes."
