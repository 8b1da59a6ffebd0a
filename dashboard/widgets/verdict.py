"""Which of two runs is better, in one sentence, with how sure that is."""

import streamlit as st

from core.evaluation.comparison import Comparison
from dashboard import wording

SURE = 0.05


def draw(comparison: Comparison) -> None:
    """The sentence, and under it what it rests on."""
    with st.container(border=True):
        st.markdown(f"#### {sentence(comparison)}")
        st.markdown(basis(comparison))
        for line in left_out(comparison):
            st.caption(line)


def sentence(comparison: Comparison) -> str:
    """Better, worse or not to be told apart."""
    old, new = comparison.old, comparison.new
    if not comparison.fixed and not comparison.broken:
        return f"{new} and {old} are right and wrong on exactly the same images."
    if comparison.p_value >= SURE or len(comparison.fixed) == len(comparison.broken):
        return f"No clear difference between {old} and {new}."
    change = comparison.new_accuracy - comparison.old_accuracy
    return f"{new} is {'better' if change > 0 else 'worse'} than {old}: {wording.points(change)}."


def basis(comparison: Comparison) -> str:
    """The counts, and how easily chance alone would bring them about."""
    fixed, broken = len(comparison.fixed), len(comparison.broken)
    counts = (
        f"On the same {comparison.samples:,} {comparison.split} images: {wording.percent(comparison.old_accuracy)} → "
        f"**{wording.percent(comparison.new_accuracy)}** right; **{fixed:,} fixed, {broken:,} broken**, "
        f"{len(comparison.still_wrong):,} still wrong."
    )
    if fixed + broken == 0:
        return counts
    return f"{counts} {_chance(comparison.p_value)}"


def left_out(comparison: Comparison) -> list[str]:
    """What a reader should know of the samples and labels compared."""
    lines = []
    if comparison.labels_changed:
        labels = wording.counted(comparison.labels_changed, "label")
        lines.append(f"{labels} changed after {comparison.old} was trained; both are judged under the labels of now.")
    if comparison.left_out:
        images = wording.counted(comparison.left_out, "image")
        lines.append(f"{images} left out: only in one of the runs, or without a label.")
    return lines


def _chance(p: float) -> str:
    value = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    if p >= SURE:
        return f"Were the two equally good, chance alone would do this or more in {p:.0%} of cases ({value})."
    return f"Chance alone would rarely do this ({value}, McNemar's exact test)."
