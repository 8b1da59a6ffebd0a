"""The figures of a run on one split, with what they are of and how sure they are."""

import streamlit as st

from core.domain.samples import Split
from core.evaluation.cautions import cautions
from core.evaluation.metrics import Evaluation
from dashboard import wording


def draw(evaluation: Evaluation, *, split: Split, model: str, trained: Evaluation | None = None) -> None:
    """Accuracy and macro F1. ``trained`` is the same under the labels as trained, to say what relabelling changed."""
    then = trained if trained is not None and trained.correct != evaluation.correct else None
    with st.container(horizontal=True, gap="medium", vertical_alignment="top"):
        st.metric(
            "Accuracy",
            wording.percent(evaluation.accuracy),
            delta=f"{wording.points(evaluation.accuracy - then.accuracy)} by relabelling" if then else None,
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=f"The share of {split} images whose prediction is their label.",
        )
        st.metric(
            "Macro F1",
            f"{evaluation.macro_f1:.3f}",
            width="content",
            help="The mean of the classes' F1: every class counts the same, however few images it has.",
        )
        st.markdown(sentence(evaluation, split=split), width="stretch")
    for text in cautions(evaluation, split=split, model=model):
        st.caption(text)


def sentence(evaluation: Evaluation, *, split: Split) -> str:
    """Like "364 of 398 test images right, 34 wrong. Likely between 88.3% and 93.8% on new images like these"."""
    low, high = evaluation.interval
    wrong = evaluation.samples - evaluation.correct
    return (
        f"**{evaluation.correct:,} of {evaluation.samples:,}** {split} images right, {wrong:,} wrong.  \n"
        f"On new images like these, likely between {wording.percent(low)} and {wording.percent(high)}."
    )
