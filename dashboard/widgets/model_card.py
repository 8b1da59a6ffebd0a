"""One model to train with: what it is, what it gave last time and how long that took."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.domain.runs import MODEL_NAMES, Model
from core.domain.samples import Split
from core.workspace import RunView, Workspace
from dashboard import figures, wording

WHAT = {
    "instant": ("Seconds", "A linear head on features of a network that is shipped with labelloop. Start here."),
    "cnn": ("Minutes", "A small network trained from nothing but your images. Simple, self-contained, quick to run."),
    "resnet18": ("Minutes to an hour", "A classic, deeper network. Strongest when it starts from pretrained weights."),
}


def draw(
    workspace: Workspace, runs: Sequence[RunView], model: Model, *, busy: bool, start: Callable[[Model], None]
) -> None:
    """The card; ``runs`` are the dataset's, newest first."""
    pace, meaning = WHAT[model]
    with st.container(border=True, height="stretch", key=f"model-{model}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(MODEL_NAMES[model], anchor=False)
            st.badge(pace, color="gray", icon=":material/timer:")
        st.markdown(meaning)
        st.markdown(_last(workspace, runs, model))
        st.space("stretch")  # buttons of cards side by side stand on one line
        st.button(
            "Training …" if busy else "Train",
            key=f"train.start-{model}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy,
            width="stretch",
            on_click=start,
            args=(model,),
        )


def _last(workspace: Workspace, runs: Sequence[RunView], model: Model) -> str:
    done = next((run for run in runs if run.state == "succeeded" and figures.model_of(run) == model), None)
    if done is None:
        return ":gray[Not trained on this dataset yet.]"
    reached = figures.of_run(workspace, done)
    split: Split | None = "test" if "test" in reached else "val" if "val" in reached else None
    right = f"**{wording.percent(reached[split].accuracy)}** on {split}" if split else "not measured"
    when = f"{done.name}, {wording.ago(done.created_at)}"
    return f":gray[Last time:] {right} :gray[in {wording.duration(done.seconds)} · {when}]"
