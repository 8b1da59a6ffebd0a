"""Runs: every training attempt on this dataset, and what it left behind."""

import pandas as pd
import streamlit as st

from core.domain.errors import LabelloopError
from core.evaluation.cautions import cautions
from dashboard import figures, frame, predictions_csv, state, wording
from dashboard.widgets import (
    address,
    empty_state,
    job_panel,
    option_table,
    run_actions,
    run_difference,
    run_filters,
    run_notes,
    run_overlay,
    run_progress,
    run_table,
    tracking,
)

workspace, dataset = frame.begin()
st.title("Runs", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "Each training attempt is kept here with its options, curves and figures. First bring in a folder of images.",
        page="import",
        label="Import a folder",
    )
    st.stop()
if state.get("said"):
    st.success(wording.escaped(state.get("said")), icon=":material/check_circle:")
    state.put("said", "")
runs = workspace.runs(dataset.name, trials=True)
if not runs:
    empty_state.draw(
        "No runs yet",
        f"Train on **{wording.escaped(dataset.name)}**: each attempt is kept here, with curves and figures.",
        page="train",
        label="Train",
    )
    st.stop()

tracking.alerts(workspace, dataset.name)
shown, every_field = run_filters.draw(workspace, runs)
names = [run.name for run in shown]
asked = (state.param("run") or "").split(",") if state.param("run") else []
wanted = tuple(name for name in asked if name in names)
for name in asked:
    if name not in [run.name for run in runs]:
        st.caption(f"There is no {wording.escaped(name)} in this dataset.")
if not shown:
    st.caption("No run fits these filters.")
    st.stop()
setting = (wanted, tuple(names), every_field)
places = run_table.draw(
    workspace,
    shown,
    key=address.key("table", setting, put=False),
    selected=[names.index(name) for name in wanted],
    every_field=every_field,
)
picked = tuple(names[place] for place in places)
state.set_params(run=",".join(picked) or None)
address.moved("table", (picked, tuple(names), every_field))
if not picked:
    tracking.settings(workspace)
    st.caption("Choose a run to see its options, curves, figures and log; choose several to lay them side by side.")
    st.stop()
if len(picked) > 1:
    run_overlay.draw(workspace, [shown[place] for place in places])
    st.stop()
run = shown[places[0]]
reached = figures.of_run(workspace, run)


def actions() -> None:
    finished = [other for other in runs if other.state == "succeeded" and other.created_at < run.created_at]
    with st.container(horizontal=True):
        if reached and st.button("Confusion matrix", icon=":material/apps:", type="primary"):
            state.go("matrix", dataset=dataset.name, run=run.name)
        if reached and finished and st.button(f"Compare with {finished[0].name}", icon=":material/compare_arrows:"):
            state.go("compare", dataset=dataset.name, old=finished[0].name, new=run.name)
        if reached:
            st.download_button(
                "Predictions as CSV",
                lambda: predictions_csv.of_run(workspace, run.name),
                file_name=f"{run.name}-predictions.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        if not run.active and run.kind == "train":
            run_actions.draw(workspace, run)


def edits() -> None:
    """Labelling goes on while a run trains: what changed since is not in it."""
    try:
        since = workspace.history.edits_since(run.name)
    except LabelloopError:
        return
    if said := run_difference.sentence(since):
        with st.expander(f"Not in this run: {said}", icon=":material/edit_note:"):
            run_difference.data(since, run.name, "the dataset now")


st.subheader(f"{run.name} · {run.title}", anchor=False)
if run.error:
    st.error(wording.escaped(run.error), icon=":material/error:")
actions()
if run.state != "succeeded":
    job_panel.draw(workspace, run.name)
if run.active:
    run_progress.live(workspace, run.name)
edits()
run_notes.draw(workspace, run.name, sorted({tag for one in runs for tag in workspace.history.notes(one.name).tags}))
if reached:
    table = [
        {
            "Split": split,
            "Accuracy": wording.percent(found.accuracy),
            "Right": f"{found.correct:,} of {found.samples:,}",
            "Likely between": " and ".join(wording.percent(end) for end in found.interval),
            "Macro F1": f"{found.macro_f1:.3f}",
            "Know that": " ".join(cautions(found, split=split, model=figures.model_of(run))),
        }
        for split, found in reversed(reached.items())
    ]
    st.dataframe(pd.DataFrame(table), hide_index=True)
if run.metrics and not run.active:
    run_progress.curves(run, key=f"runs-{run.name}")
left, right = st.columns(2, gap="large")
with left:
    st.markdown("**Options**")
    option_table.draw([run])
with right:
    if not run.active:  # while it goes, its log stands with its curves
        st.markdown("**Log**")
        run_progress.log(workspace, run.name)
