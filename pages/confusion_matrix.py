"""Confusion matrix: which classes a run takes for which; a cell opens its images."""

import time

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import LABELS, SPLITS
from core.evaluation import ordering
from core.reports import page
from core.review.queues import QueueSpec
from dashboard import figures, frame, navigation, results, state, wording
from dashboard.widgets import address, class_table, empty_state, figure_table, grid, headline, matrix, run_picker

VALUES = {"counts": "Counts", "percent": "Row %", "column": "Column %"}
ORDER = {"given": "As given", "error": "Most errors", "clustered": "Clustered"}
WIDTHS = ((4, "small"), (10, "medium"), (20, "large"))  # classes, and the share of the width that their matrix takes

workspace, dataset = frame.begin()
st.title("Confusion matrix", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "It shows which classes a trained network takes for which. First bring in a folder of images.",
        page="import",
        label="Import a folder",
    )
    st.stop()
runs = results.finished(workspace, dataset.name)
if not runs:
    empty_state.draw(
        "No finished run yet",
        f"Train on **{wording.escaped(dataset.name)}** and the matrix shows which classes it takes for which. "
        "Instant takes seconds.",
        page="train",
        label="Train",
    )
    st.stop()


with st.container(horizontal=True, vertical_alignment="bottom", key="matrix-header"):
    run = run_picker.pick(workspace, runs, forgets=("true", "pred"))
    measured = figures.of_run(workspace, run)
    splits = [split for split in reversed(SPLITS) if split in measured]
    if not splits:
        st.info(f"{run.name} has no predictions for labelled images.", icon=":material/info:")
        st.stop()
    split = address.switch("Split", "split", splits)
    labels = address.switch("Labels", "labels", LABELS, wording.LABELS.__getitem__)
    values = address.switch("Numbers", "values", list(VALUES), VALUES.__getitem__)
    order = "given"
    if len(run.spec.get("classes", ())) > 3:
        order = address.switch("Order", "order", list(ORDER), ORDER.__getitem__)


@st.fragment
def explore() -> None:
    """Matrix and images of the chosen cell. A click draws only these again, a label given here the whole page."""
    if workspace.samples(dataset.name) is not samples:
        st.rerun(scope="app")
    with st.container(horizontal=True, gap="medium", key="matrix-and-images"):  # side by side where there is room
        with st.container(key=f"matrix-{width}"):
            matrix.draw(
                evaluation,
                values=values,
                order=places,
                before=trained if labels == "now" else None,
                cells={"run": run.name, "split": split, "labels": labels},
                dataset_id=dataset.id,
                file=f"{run.name}-{split}-matrix",
            )
        with st.container(key="matrix-images"):
            images()


def images() -> None:
    """The images of the chosen cell, or all errors with the most confident first, to relabel right here."""
    cell = matrix.chosen_cell(evaluation.classes)
    common = {"run": run.name, "split": split, "labels": labels}
    if cell is None:
        spec = QueueSpec(kind="misclassified", **common)
    else:
        true, pred = (evaluation.classes[place] for place in cell)
        spec = QueueSpec(kind="cell", true=true, pred=pred, **common)
    read_at = time.time()
    items = workspace.queue(dataset.name, spec)
    matrix.choose(evaluation)
    with st.container(horizontal=True, gap="small"):
        if st.button("Open in Review", icon=":material/grid_view:", disabled=not items, key="matrix.review"):
            state.open_queue(spec, page="review")
        if st.button("Open in FiftyOne", icon=":material/travel_explore:", disabled=not items, key="matrix.fiftyone"):
            state.open_queue(spec, page="fiftyone")
    if items:
        grid.draw(
            workspace,
            dataset,
            items,
            queue_title=spec.title(),
            key="matrix.grid",
            height=600,
            rail=False,
            heading=False,
            read_at=read_at,
            rerun=True,  # the matrix moves with each label
            shared=True,
            run=run.name,
        )
    decided = evaluation.samples - evaluation.correct - len(items) if cell is None else 0
    if decided > 0:
        were = "is one" if decided == 1 else f"are {decided:,}"
        st.caption(f"There {were} more that somebody has decided on by now; their cells show them, last.")
    elif not items:
        st.info("No images in this cell." if cell else f"No errors on {split}.", icon=":material/check_circle:")


def since_previous() -> None:
    """What changed against the run before this one."""
    older = next((other for other in runs if other.created_at < run.created_at), None)
    if older is None:
        return
    found = workspace.compare(older.name, run.name, split=split, labels=labels)
    if found.samples:
        st.page_link(
            navigation.page("compare"),
            label=f"Since {older.name}: {len(found.fixed):,} fixed, {len(found.broken):,} broken",
            icon=":material/compare_arrows:",
            query_params={
                "dataset": dataset.name,
                "old": older.name,
                "new": run.name,
                "split": split,
                "labels": labels,
            },
        )


samples = workspace.samples(dataset.name)
trained = measured[split]
try:
    evaluation, scores = figures.scored(workspace, run, split, labels)
except LabelloopError as error:
    st.error(wording.escaped(error), icon=":material/error:")
    st.stop()
if not evaluation.samples:
    st.info(f"No {split} image carries a label of this run's classes now.", icon=":material/info:")
    st.stop()
places = ordering.order(evaluation.matrix, order)
width = next((name for most, name in WIDTHS if len(evaluation.classes) <= most), "whole")
headline.draw(evaluation, split=split, model=figures.model_of(run), trained=trained)
since_previous()
explore()
st.subheader("Classes", anchor=False)
class_table.draw(evaluation, key="matrix.classes")
st.download_button(
    "Report",
    lambda: page.render(workspace.reporting.content([run.name], split=split, labels=labels)),
    file_name=f"{run.name}-{split}.html",
    mime="text/html",
    icon=":material/description:",
    on_click="ignore",
    help="One file with figures, plots and pictures that opens without a network.",
)
with st.expander("All figures", icon=":material/functions:"):
    figure_table.draw(scores)
