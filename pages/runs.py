"""Runs: every training attempt on this dataset, and what it left behind."""

import pandas as pd
import streamlit as st

from dashboard import figures, frame, predictions_csv, state, wording
from dashboard.widgets import address, empty_state, headline, job_panel, option_table, run_progress, run_table

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
runs = workspace.runs(dataset.name)
if not runs:
    empty_state.draw(
        "No runs yet",
        f"Train on **{wording.escaped(dataset.name)}**: each attempt is kept here, with curves and figures.",
        page="train",
        label="Train",
    )
    st.stop()

names = [run.name for run in runs]
wanted = state.param("run")
if wanted is not None and wanted not in names:
    st.caption(f"There is no {wording.escaped(wanted)} in this dataset.")
selected = names.index(wanted) if wanted in names else None
place = run_table.draw(workspace, runs, key=address.key("table", (wanted, len(runs)), put=False), selected=selected)
if place is None:
    state.set_params(run=None)
    address.moved("table", (None, len(runs)))
    st.caption("Choose a run in the table to see its options, curves, figures and log.")
    st.stop()
run = runs[place]
state.set_params(run=run.name)
address.moved("table", (run.name, len(runs)))
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


st.subheader(f"{run.name} · {run.title}", anchor=False)
if run.error:
    st.error(wording.escaped(run.error), icon=":material/error:")
actions()
if run.active:
    job_panel.draw(workspace, run.name)
    run_progress.live(workspace, run.name)
if reached:
    table = [
        {
            "Split": split,
            "Accuracy": wording.percent(found.accuracy),
            "Right": f"{found.correct:,} of {found.samples:,}",
            "Likely between": " and ".join(wording.percent(end) for end in found.interval),
            "Macro F1": f"{found.macro_f1:.3f}",
            "Know that": " ".join(headline.cautions(found, split=split, model=figures.model_of(run))),
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
    st.markdown("**Log**")
    run_progress.log(workspace, run.name)
