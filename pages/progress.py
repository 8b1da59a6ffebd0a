"""Progress: how much is decided, how many wrong labels are left, and whether more work would pay."""

import streamlit as st

from core.review.queues import QueueSpec
from core.suspicion.learning import Gain
from dashboard import frame, state, wording
from dashboard.charts import outlook as charts
from dashboard.widgets import empty_state, plot

workspace, dataset = frame.begin()
st.title("Progress", anchor=False)
if dataset is None or not dataset.samples:
    empty_state.draw(
        "No images yet",
        "It shows how far the labels are, how many wrong ones are left, and when to stop. First bring in images.",
        page="import",
        label="Import a folder",
    )
    st.stop()

found = workspace.suspicion.outlook(dataset.name)


def promised(gain: Gain) -> str:
    """Like "+0.8 points (no change to +2.1 points)"."""
    return f"{wording.points(gain.expected)} ({wording.points(gain.low)} to {wording.points(gain.high)})"


with st.container(horizontal=True, gap="large"):
    st.metric(
        "Decided",
        f"{found.decided:,} of {found.total:,}",
        width="content",
        help="Images whose label a person has set or confirmed. Labels of the import alone do not count.",
    )
    rate = found.pace.per_hour
    st.metric(
        "Pace",
        "–" if rate is None else f"{rate:,.0f} an hour",
        width="content",
        help="Images decided on an hour of work; breaks of more than five minutes are left out.",
    )
    if found.errors is not None:
        st.metric(
            "Wrong labels left",
            f"about {found.errors.expected:,.0f}",
            delta=f"{found.errors.low:,} to {found.errors.high:,}",
            delta_color="off",
            delta_arrow="off",
            width="content",
            help="An estimate with its 95 % interval, of the labels that nobody has looked at.",
        )

if found.run is None or found.next_hits is None:
    empty_state.draw(
        "Train once to see the rest",
        "How many labels are wrong, and what more work would bring, is estimated after each run.",
        page="train",
        label="Train",
    )
    st.stop()

st.subheader("Am I done?", anchor=False)
want = [one.name for one in found.classes if one.wants_images]
with st.container(border=True):
    if found.done:
        st.markdown(
            "**As good as done.** Neither more images nor more corrections promise half a point for this model."
        )
    else:
        lines = []
        if found.next_hits.expected >= 1:
            lines.append(
                f"**Correct labels.** Of the next {found.next} suspicious ones about "
                f"**{found.next_hits.expected:.0f}** are wrong ({found.next_hits.low} to {found.next_hits.high})."
            )
        if found.corrections is not None and found.corrections.expected > 0:
            lines.append(f"Correcting them is likely to change the accuracy by {promised(found.corrections)}.")
        if want:
            names = ", ".join(wording.escaped(name) for name in want[:6]) + (" and others" if len(want) > 6 else "")
            lines.append(f"**Add images** of {names}: {found.more} more of each are likely to help.")
        st.markdown("  \n".join(lines) or "A few labels may be wrong; little is to be gained.")
    if st.button(
        "Review suspicious labels", icon=":material/fact_check:", type="secondary" if found.done else "primary"
    ):
        state.open_queue(QueueSpec(kind="suspicious"))
    st.caption(
        f"By {found.run}. Estimates of a linear head on the images' embeddings; a network may gain more from images."
    )

left, right = st.columns(2, gap="medium")
with left:
    rows = [(one.name, one.more) for one in found.classes if one.more is not None]
    if rows:
        with st.container(border=True):
            st.markdown(f"**What {found.more} more images of a class are likely to bring**")
            plot.show(
                charts.gains(rows, template=plot.template()),
                key="gains",
                alt="; ".join(f"{name}: {promised(gain)}" for name, gain in rows[:6]),
            )
with right:
    if found.curve:
        with st.container(border=True):
            st.markdown("**How accuracy grew with the training set**")
            images = sum(one.images for one in found.classes)
            said = ", ".join(f"{share * images:.0f} images {correct:.1%}" for share, correct in found.curve)
            plot.show(charts.learning(found.curve, images, template=plot.template()), key="learning", alt=said)

st.dataframe(
    {
        "Class": [one.name for one in found.classes],
        "Images in train": [one.images for one in found.classes],
        "Wrong labels left": [round(one.errors.expected, 1) for one in found.classes],
        "at least": [one.errors.low for one in found.classes],
        "at most": [one.errors.high for one in found.classes],
        f"{found.more} more images": [promised(one.more) if one.more else "–" for one in found.classes],
        f"Next {found.next} corrections": [promised(one.corrected) if one.corrected else "–" for one in found.classes],
    },
    hide_index=True,
)
st.caption(
    f"Points of the class's recall, with the interval that holds in 95 of 100 cases. The {found.more} images are of "
    f"that class; the {found.next} corrections are the most suspicious labels of all classes."
)
