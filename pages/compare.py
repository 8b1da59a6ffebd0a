"""Compare: did it help? Two runs on the same samples under the same labels."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS
from core.review.queues import QueueSpec
from dashboard import charts, figures, frame, results, state, wording
from dashboard.widgets import address, empty_state, option_table, plot, run_picker, strip, verdict

workspace, dataset = frame.begin()
st.title("Compare", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "Two runs are compared here on the same images. First bring in a folder.",
        page="import",
        label="Import a folder",
    )
    st.stop()
runs = results.finished(workspace, dataset.name)
if len(runs) < 2:
    missing = "Two finished runs are" if not runs else "One more finished run is"
    empty_state.draw(
        "Nothing to compare yet",
        f"{missing} needed on **{wording.escaped(dataset.name)}**. Then this page says which images the newer run "
        "fixed, which it broke, and whether the difference is more than chance.",
        page="train",
        label="Train",
    )
    st.stop()

left, right, last = st.columns([5, 5, 3], vertical_alignment="bottom")
with left:
    old = run_picker.pick(workspace, runs, label="Before", param="old", default=1)
with right:
    new = run_picker.pick(workspace, runs, label="After", param="new", default=0)
if old.name == new.name:
    st.info("Choose two different runs.", icon=":material/info:")
    st.stop()

shared = [split for split in reversed(SPLITS) if all(split in figures.of_run(workspace, run) for run in (old, new))]
if not shared:
    st.info("These two runs have no labelled images in common.", icon=":material/info:")
    st.stop()
with last:
    split = address.switch("Split", "split", shared)

try:
    found = workspace.compare(old.name, new.name, split=split, labels="now")
except LabelloopError as error:
    st.error(wording.escaped(error), icon=":material/error:")
    st.stop()
if not found.samples:
    st.info(wording.escaped(found.note), icon=":material/info:")
    st.stop()

verdict.draw(found)
if split != "test" and "test" in shared:
    st.caption("Test is the split to judge by: it takes no part in training or in choosing the best epoch.")
before, after = found.old_evaluation, found.new_evaluation
intervals = [before.interval, after.interval]
plot.show(
    charts.shares(
        [found.old, found.new],
        [before.accuracy, after.accuracy],
        [low for low, _ in intervals],
        [high for _, high in intervals],
        template=plot.template(),
    ),
    key="compare.accuracy",
    alt=f"Accuracy of {found.old} and {found.new} with their 95% intervals",
)

for kind, ids, meaning in (
    ("fixed", found.fixed, "wrong before, right now"),
    ("broken", found.broken, "right before, wrong now"),
):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(f"{len(ids):,} {kind}", anchor=False, help=f"{meaning.capitalize()}, on the same {split} images.")
        spec = QueueSpec(kind=kind, run=new.name, other=old.name, split=split)
        if ids and st.button("Review these", icon=":material/grid_view:", key=f"compare.review-{kind}"):
            state.open_queue(spec)
    if ids:
        strip.draw(dataset, workspace.queue(dataset.name, spec))
    else:
        st.caption(f"No image was {meaning}.")

st.subheader("Matrices", anchor=False)
classes, old_matrix, new_matrix = charts.aligned(before.classes, before.matrix, after.classes, after.matrix)
across = 3 if len(classes) <= 12 else 2 if len(classes) <= 30 else 1
panels = (
    (found.old, charts.confusion(classes, old_matrix, template=plot.template())),
    (found.new, charts.confusion(classes, new_matrix, template=plot.template())),
    (f"{found.new} minus {found.old}", charts.difference(classes, old_matrix, new_matrix, template=plot.template())),
)
for first in range(0, len(panels), across):
    for place, column in enumerate(st.columns(across, gap="medium")[: len(panels) - first], start=first):
        title, figure = panels[place]
        with column:
            st.markdown(f"**{title}**")
            with plot.scroller(f"compare-matrix-{place}", least=charts.least_width(classes)):
                plot.show(figure, key=f"compare.matrix-{place}", alt=f"Confusion matrix: {title}")
st.caption("In the difference, blue is better (more right, fewer errors) and orange is worse.")

with st.expander("How the two were trained"):
    option_table.draw([old, new])
