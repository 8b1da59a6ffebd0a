"""Which of two runs is better, in one sentence, with how sure that is; and whose merit it is."""

import html

import streamlit as st

from core.evaluation.comparison import Comparison
from core.evaluation.significance import SURE
from dashboard import wording


def draw(comparison: Comparison) -> None:
    """The sentence, and under it what it rests on."""
    with st.container(border=True):
        st.markdown(f"#### {sentence(comparison)}")
        if comparison.reason:
            st.markdown(wording.escaped(comparison.reason))
        st.markdown(basis(comparison))
        for line in left_out(comparison):
            st.caption(line)


def sentence(comparison: Comparison) -> str:
    """Better, worse, not to be told apart, or no verdict."""
    old, new = comparison.old, comparison.new
    if comparison.verdict is None:
        return f"No verdict on {old} and {new}: they were not measured alike."
    if not comparison.fixed and not comparison.broken:
        return f"{new} and {old} are right and wrong on exactly the same images."
    if comparison.verdict == "no clear difference":
        return f"No clear difference between {old} and {new}."
    change = comparison.new_accuracy - comparison.old_accuracy
    return f"{new} is {comparison.verdict} than {old}: {wording.points(change)}."


def basis(comparison: Comparison) -> str:
    """The counts, how easily chance alone would bring them about, and what could have been seen."""
    fixed, broken = len(comparison.fixed), len(comparison.broken)
    low, high = comparison.interval
    counts = (
        f"On the same {comparison.samples:,} {comparison.split} images: {wording.percent(comparison.old_accuracy)} → "
        f"**{wording.percent(comparison.new_accuracy)}** right; **{fixed:,} fixed, {broken:,} broken**, "
        f"{len(comparison.still_wrong):,} still wrong."
    )
    change = f"The change lies likely between {_signed(low)} and {_signed(high)} points (paired bootstrap)."
    few = f"With these {comparison.samples:,} images"
    seen = f"{few} only a difference of {comparison.smallest * 100:.1f} points or more would show."
    if comparison.verdict is None:
        return counts
    if fixed + broken == 0:
        return f"{counts} {seen}"
    power = f" {seen}" if comparison.verdict == "no clear difference" else ""
    return f"{counts} {_chance(comparison.p_value)} {change}{power}"


def left_out(comparison: Comparison) -> list[str]:
    """What a reader should know of the samples and labels compared."""
    lines = []
    if comparison.labels_changed:
        labels = wording.counted(comparison.labels_changed, "label")
        judge = "of now" if comparison.labels == "now" else f"of {comparison.new}"
        lines.append(f"{labels} changed after {comparison.old} was trained; both are judged under the labels {judge}.")
    if comparison.left_out:
        images = wording.counted(comparison.left_out, "image")
        replaced = f", {comparison.replaced:,} of them with another picture in each" if comparison.replaced else ""
        lines.append(f"{images} left out: only in one of the runs, or without a label{replaced}.")
    return lines


def draw_credit(comparison: Comparison) -> None:
    """The 2x2 of network and labels, and what each gave."""
    credit = comparison.credit
    if not credit.samples:
        return
    st.subheader("Better network, or better labels?", anchor=False)
    cells = (
        (comparison.old, credit.old_under_old, credit.old_under_new),
        (comparison.new, credit.new_under_old, credit.new_under_new),
    )
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(f"<td><b>{wording.percent(n / credit.samples)}</b> {n:,} right</td>" for n in counts)
        + "</tr>"
        for name, *counts in cells
    )
    judges = "labels now" if comparison.labels == "now" else f"labels of {html.escape(comparison.new)}"
    left, right = st.columns([3, 4], vertical_alignment="center", gap="medium")
    with left:
        st.html(f"<table class='ll-credit'><tr><th></th><th>labels then</th><th>{judges}</th></tr>{rows}</table>")
    with right:
        st.markdown(credit_sentence(comparison))


def credit_sentence(comparison: Comparison) -> str:
    """Like "Of +3.0 points, +1.0 come from corrected labels and +2.0 from the network"."""
    credit = comparison.credit
    if comparison.labels_changed == 0:
        return f"No label of these {credit.samples:,} images changed, so all of the change is the network's."
    judges = "those of now" if comparison.labels == "now" else "its own"
    return (
        f"From {comparison.old} under its own labels to {comparison.new} under {judges}: "
        f"**{_signed(credit.total)} points**. Of these, **{_signed(credit.by_labels)}** come from labels that were put "
        f"right (the old run gains them too) and **{_signed(credit.by_network)}** from the newer network."
    )


def _signed(share: float) -> str:
    value = round(share * 100, 1)
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):.1f}"


def _chance(p: float) -> str:
    value = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    if p >= SURE:
        return f"Were the two equally good, chance alone would do this or more in {p:.0%} of cases ({value})."
    return f"Chance alone would rarely do this ({value}, McNemar's exact test)."
