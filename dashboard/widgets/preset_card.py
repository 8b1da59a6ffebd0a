"""One preset to train with: what it is, what it gave last time, and what it will take here."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.models import model_title
from core.domain.recipes import Preset
from core.domain.runs import TrainOptions
from core.domain.samples import Split
from core.training.estimate import Estimate
from core.workspace import RunView, Workspace
from dashboard import figures, wording


def draw(
    workspace: Workspace,
    dataset: str,
    runs: Sequence[RunView],
    preset: Preset,
    *,
    busy: bool,
    start: Callable[[TrainOptions], None],
) -> None:
    """The card; ``runs`` are the dataset's, newest first."""
    with st.container(border=True, height="stretch", key=f"preset-{preset.name}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(preset.title, anchor=False)
            expected = _estimate(workspace, dataset, preset.options)
            st.badge(about(expected.seconds) if expected else "?", color="gray", icon=":material/timer:")
        st.markdown(preset.meaning)
        if expected:
            st.caption(needs(expected))
        st.markdown(_last(workspace, runs, preset))
        st.space("stretch")  # buttons of cards side by side stand on one line
        st.button(
            "Training …" if busy else "Train",
            key=f"train.start-{preset.name}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy,
            width="stretch",
            on_click=start,
            args=(preset.options,),
        )


def about(seconds: float) -> str:
    """A reckoned duration, no more precise than it can be: "about 4 min", "about 1.5 h"."""
    if seconds < 50:
        return f"about {max(1, 5 * round(seconds / 5) if seconds > 7 else round(seconds))} s"
    if seconds < 3300:
        return f"about {max(1, round(seconds / 60))} min"
    hours = round(seconds / 1800) / 2
    return f"about {hours:g} h" if hours < 48 else f"about {round(hours / 24)} days"


def needs(estimate: Estimate) -> str:
    """Where it will run and what it needs there: "On this GPU, 2.1 GB of memory"."""
    where = "this GPU" if estimate.device == "cuda" else "this computer"
    return f"On {where}, {estimate.memory / 1e9:.1f} GB of memory"


def sentence(estimate: Estimate) -> str:
    """What it will take and how that is known."""
    basis = {
        "this model's runs": "known from its last runs",
        "other runs": "from other networks' runs here",
        "reckoned": "reckoned; the first run makes it better",
    }[estimate.basis]
    where = needs(estimate)
    return f"{about(estimate.seconds).capitalize()} {where[0].lower()}{where[1:]} ({basis})."


def same_recipe(run: RunView, options: TrainOptions) -> bool:
    """Whether a run was trained with this recipe, whatever its seed and device."""
    try:
        theirs = TrainOptions.read(run.options)
    except LabelloopError:  # of another version
        return False
    if options.model == "instant" == theirs.model:
        return True
    return replace(theirs, seed=options.seed, device=options.device) == options


def _estimate(workspace: Workspace, dataset: str, options: TrainOptions) -> Estimate | None:
    try:
        return workspace.training.estimate(dataset, options)
    except LabelloopError:
        return None


def _last(workspace: Workspace, runs: Sequence[RunView], preset: Preset) -> str:
    done = next((run for run in runs if run.state == "succeeded" and same_recipe(run, preset.options)), None)
    if done is None:
        return f":gray[{model_title(preset.options.model)}. Not trained on this dataset yet.]"
    reached = figures.of_run(workspace, done)
    split: Split | None = "test" if "test" in reached else "val" if "val" in reached else None
    right = f"**{wording.percent(reached[split].accuracy)}** on {split}" if split else "not measured"
    when = f"{done.name}, {wording.ago(done.created_at)}"
    return f":gray[Last time:] {right} :gray[in {wording.duration(done.seconds)} · {when}]"
