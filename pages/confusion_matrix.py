"""Confusion matrix: which classes a run takes for which; a cell opens its images."""

import time

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS
from core.reports import page
from core.review.queues import QueueSpec
from dashboard import figures, frame, navigation, results, state, wording
from dashboard.widgets import address, class_table, empty_state, figure_table, grid, headline, matrix, run_picker

LABELS = {"now": "Labels now", "run": "As trained"}
VALUES = {"counts": "Counts", "percent": "Row %", "column": "Column %"}
ORDER = {"given": "As given", "error": "Most errors", "clustered": "Clustered"}
WIDE = 20  # classes past which the matrix takes the page's whole width

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
    labels = address.switch("Labels", "labels", list(LABELS), LABELS.__getitem__)
    values = address.switch("Numbers", "values", list(VALUES), VALUES.__getitem__)
    order = "given"
    if len(run.spec.get("classes", ())) > 3:
        order = address.switch("Order", "order", list(ORDER), ORDER.__getitem__)


@st.fragment
def explore() -> None:
    """Matrix, images of the chosen cell and figures: a click reruns only this."""
    trained = measured[split]
    try:
        found = figures.judged(workspace, run, split, labels)
    except LabelloopError as error:
        st.error(wording.escaped(error), icon=":material/error:")
        return
    evaluation = found.evaluation
    if not evaluation.samples:
        st.info(f"No {split} image carries a label of this run's classes now.", icon=":material/info:")
        return
    headline.draw(evaluation, split=split, model=figures.model_of(run), trained=trained)
    since_previous()
    wide = len(evaluation.classes) > WIDE
    shares = [2, 3] if len(evaluation.classes) <= 4 else [1, 1] if len(evaluation.classes) <= 10 else [6, 5]
    left, right = (st.container(), st.container()) if wide else st.columns(shares, gap="medium")
    with left:
        matrix.draw(
            evaluation,
            values=values,
            by=order,
            before=trained if labels == "now" else None,
            examples=matrix.examples_of(found.rows, found.given, evaluation),
            dataset_id=dataset.id,
            file=f"{run.name}-{split}-matrix",
        )
    with right:
        images(evaluation)
    st.subheader("Classes", anchor=False)
    class_table.draw(evaluation, key="matrix.classes")
    st.download_button(
        "Report",
        lambda: page.render(workspace.reporting.content([run.name], split=split)),
        file_name=f"{run.name}-{split}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        help="One file with figures, plots and pictures that opens without a network.",
    )
    with st.expander("All figures", icon=":material/functions:"):
        figure_table.draw(found.scores)


def images(evaluation) -> None:
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
        )
    else:
        st.info("No images in this cell." if cell else f"No errors on {split}.", icon=":material/check_circle:")


def since_previous() -> None:
    """What changed against the run before this one."""
    older = next((other for other in runs if other.created_at < run.created_at), None)
    if older is None:
        return
    found = workspace.compare(older.name, run.name, split=split, labels="now")
    if found.samples:
        st.page_link(
            navigation.page("compare"),
            label=f"Since {older.name}: {len(found.fixed):,} fixed, {len(found.broken):,} broken",
            icon=":material/compare_arrows:",
            query_params={"dataset": dataset.name, "old": older.name, "new": run.name, "split": split},
        )


explore()
