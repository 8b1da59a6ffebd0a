"""Train: which model, one click, and how it goes."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.runs import Model
from core.domain.samples import SPLITS
from dashboard import figures, frame, navigation, state, wording
from dashboard.widgets import empty_state, headline, job_panel, model_card, run_progress, train_options

SHOWN = ("instant", "cnn", "resnet18")
workspace, dataset = frame.begin()
st.title("Train", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "Training learns the classes from labelled images. First bring in a folder of them.",
        page="import",
        label="Import a folder",
    )
    st.stop()
runs = workspace.runs(dataset.name)
active = [run for run in runs if run.active]
labelled = dataset.samples - dataset.labels.get(None, 0)


def start(model: Model) -> None:
    state.put("problem", "")
    try:
        state.put("run", workspace.retrain(dataset.name, train_options.chosen(model)))
    except LabelloopError as error:
        state.put("problem", str(error))


def outcome(name: str) -> None:
    """How the run that was started here ended."""
    run = next((run for run in runs if run.name == name), None)
    if run is None or run.active:
        return
    with st.container(border=True, key="train-outcome"):
        st.markdown(f"**{run.name} · {run.title}** :gray[{run.state} in {wording.duration(run.seconds)}]")
        if run.state in {"failed", "lost"}:
            st.error(wording.escaped(run.error), icon=":material/error:")
            with st.expander("Log"):
                run_progress.log(workspace, name)
            return
        reached = figures.of_run(workspace, run)
        split = next((split for split in ("test", "val") if split in reached), None)
        if split is not None:
            st.markdown(headline.sentence(reached[split], split=split))
        where = {"dataset": dataset.name, "run": run.name}
        with st.container(horizontal=True):
            if reached:
                st.page_link(
                    navigation.page("matrix"), label="Confusion matrix", icon=":material/apps:", query_params=where
                )
            if len([other for other in runs if other.state == "succeeded"]) > 1 and reached:
                st.page_link(
                    navigation.page("compare"),
                    label="Did it help?",
                    icon=":material/compare_arrows:",
                    query_params={"dataset": dataset.name, "new": run.name},
                )
            st.page_link(navigation.page("runs"), label="Details", icon=":material/history:", query_params=where)


splits = ", ".join(f"{dataset.splits[name]:,} {name}" for name in SPLITS if name in dataset.splits)
st.caption(
    f"{labelled:,} of {dataset.samples:,} images have a label ({splits}). "
    "Networks learn from train, val chooses the best epoch, test is kept for the final figure and chooses nothing."
)
if state.get("problem"):
    st.error(wording.escaped(state.get("problem")), icon=":material/error:")

for run in active:
    job_panel.draw(workspace, run.name)
    if figures.model_of(run) != "instant":
        run_progress.live(workspace, run.name)
if not active and state.get("run"):
    outcome(state.get("run"))

for column, model in zip(st.columns(len(SHOWN), gap="medium"), SHOWN, strict=True):
    with column:
        busy = any(figures.model_of(run) == model for run in active)
        model_card.draw(workspace, runs, model, busy=busy, start=start)

with st.expander("Options", icon=":material/tune:", key="train.options"):
    st.caption("For Small CNN and ResNet-18. Instant needs none of them but the seed.")
    train_options.draw()
