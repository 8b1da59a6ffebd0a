"""Compare: did it help? Two runs on the same samples under the same labels."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import LABELS, SPLITS
from core.reports import page
from core.review.queues import QueueSpec
from dashboard import charts, figures, frame, results, state, wording
from dashboard.widgets import address, empty_state, matrix, option_table, plot, run_picker, strip, verdict

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

left, right = st.columns(2, vertical_alignment="bottom")
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
with st.container(horizontal=True, vertical_alignment="bottom"):
    split = address.switch("Split", "split", shared)
    labels = address.switch("Labels", "labels", LABELS, wording.LABELS.__getitem__)

try:
    found = workspace.compare(old.name, new.name, split=split, labels=labels)
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

verdict.draw_credit(found)

for kind, ids, meaning in (
    ("fixed", found.fixed, "wrong before, right now"),
    ("broken", found.broken, "right before, wrong now"),
    ("still wrong", found.still_wrong, "wrong before and now"),
):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(f"{len(ids):,} {kind}", anchor=False, help=f"{meaning.capitalize()}, on the same {split} images.")
        if kind == "still wrong":
            spec = workspace.review.pick(ids, f"Still wrong from {old.name} to {new.name}, {split}")
        else:
            spec = QueueSpec(kind=kind, run=new.name, other=old.name, split=split, labels=labels)
        if ids and st.button("Review these", icon=":material/grid_view:", key=f"compare.review-{kind}"):
            state.open_queue(spec)
    if ids:
        strip.draw(dataset, workspace.queue(dataset.name, spec))
    else:
        st.caption(f"No image was {meaning}.")

st.subheader("What changed in the matrix", anchor=False)
st.caption(
    f"{new.name} minus {old.name}: blue is better (more right, fewer errors), orange is worse. Choose a cell to see "
    "which images came and went."
)


@st.fragment
def difference() -> None:
    """The difference matrix beside the images that entered or left the chosen cell."""
    classes, old_matrix, new_matrix = charts.aligned(before.classes, before.matrix, after.classes, after.matrix)
    left, right = st.columns(2, gap="medium")
    with left:
        cell = matrix.draw_difference(
            classes,
            old_matrix,
            new_matrix,
            key="difference",
            cells={"run": new.name, "old": old.name, "split": split, "labels": labels},
            file=f"{old.name}-{new.name}-{split}-difference",
            dataset_id=dataset.id,
        )
    if cell is None:
        return
    came, went = workspace.understanding.moved(old.name, new.name, split, cell, labels=labels)
    true, pred = (wording.escaped(name) for name in cell)
    what = f"**{true}** got right" if true == pred else f"**{true}** taken for **{pred}**"
    with right:
        for number, (ids, words) in enumerate(((came, f"now by {new.name}"), (went, f"no more by {new.name}"))):
            st.markdown(f"{len(ids):,} {what} {words}")
            if ids:
                spec = workspace.review.pick(ids, f"{cell[0]} → {cell[1]}, {words}")
                strip.draw(dataset, workspace.queue(dataset.name, spec))
                if st.button("Review these", icon=":material/grid_view:", key=f"compare.cell-{number}"):
                    state.open_queue(spec)


difference()

if len(runs) > 2 or found.labels_changed:
    moments = workspace.understanding.timeline(dataset.name, split)
    which = "All runs" if len(moments) >= len(runs) else f"The newest {len(moments):,} of {len(runs):,} runs"
    st.subheader(f"{which} over the corrections made", anchor=False)
    plot.show(
        charts.timeline(moments, template=plot.template()),
        key="compare.timeline",
        alt=f"Accuracy on {split} of each run by the number of corrected labels, own labels and labels of now",
    )

st.download_button(
    "Report",
    lambda: page.render(workspace.reporting.content([old.name, new.name], split=split, labels=labels)),
    file_name=f"{old.name}-{new.name}-{split}.html",
    mime="text/html",
    icon=":material/description:",
    on_click="ignore",
    help="One file with this comparison, both runs' figures, plots and pictures; opens without a network.",
)
with st.expander("How the two were trained"):
    option_table.draw([old, new])
