"""Train: how much effort, one click, and how it goes; behind it every field of the recipe."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.recipes import PRESETS
from core.domain.runs import TrainOptions
from core.domain.samples import SPLITS
from dashboard import figures, frame, gate, navigation, state, wording
from dashboard.widgets import (
    augmentation_preview,
    empty_state,
    headline,
    job_panel,
    notice,
    preset_card,
    recipe_form,
    run_progress,
    where_it_runs,
)

FIRST = 3  # presets: Quick, Balanced, Best
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
workspace.training.warm_up()
runs = workspace.runs(dataset.name)
active = [run for run in runs if run.active]
labelled = dataset.samples - dataset.labels.get(None, 0)


def start(options: TrainOptions) -> None:
    state.put("problem", "")
    try:
        if gate.holds(workspace, dataset.name, lambda: workspace.retrain(dataset.name, options)):
            return
        name = workspace.retrain(dataset.name, options)
    except LabelloopError as error:
        state.put("problem", str(error))
        return
    state.put("run", name)


def start_own() -> None:
    try:
        start(recipe_form.chosen())
    except LabelloopError as error:
        state.put("problem", str(error))


def outcome(name: str) -> None:
    """How the run that was started here ended."""
    run = next((run for run in runs if run.name == name), None)
    if run is None or run.active:
        return
    with st.container(border=True, key="train-outcome"):
        expected = run.spec.get("expected")
        after = f" ({preset_card.about(expected)} were expected)" if expected and run.state == "succeeded" else ""
        took = wording.duration(run.seconds)
        st.markdown(f"**{run.name} · {wording.escaped(run.title)}** :gray[{run.state} in {took}{after}]")
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
gate.caption(workspace, dataset.name)
if state.get("problem"):
    st.error(wording.escaped(state.get("problem")), icon=":material/error:")

for run in active:
    job_panel.draw(workspace, run.name, edits=True)
    if figures.model_of(run) != "instant":
        run_progress.live(workspace, run.name)
if any(figures.model_of(run) != "instant" for run in active):
    notice.ask()
if not active and state.get("run"):
    outcome(state.get("run"))

for column, preset in zip(st.columns(FIRST, gap="medium"), PRESETS[:FIRST], strict=True):
    with column:
        busy = any(preset_card.same_recipe(run, preset.options) for run in active)
        preset_card.draw(workspace, dataset.name, runs, preset, busy=busy, start=start)

where_it_runs.draw(workspace)
with st.expander("Your own recipe", icon=":material/tune:", key="train.own"):
    st.caption("Every network and every setting. Begin with a preset; what you leave alone is fine as it is.")
    recipe_form.draw(images=lambda: augmentation_preview.draw(workspace, dataset.name, recipe_form.chosen))
    try:
        st.markdown(preset_card.sentence(workspace.training.estimate(dataset.name, recipe_form.chosen())))
        problem = ""
    except LabelloopError as error:
        problem = str(error)
        st.error(wording.escaped(problem), icon=":material/error:")
    st.button(
        "Train this recipe",
        key="train.start-own",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(problem),
        on_click=start_own,
    )
