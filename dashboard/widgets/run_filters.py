"""The row above the table of runs: text, state, model, tags, starred, put away, trials of searches."""

from collections.abc import Sequence

import streamlit as st

from core.domain.models import model_title
from core.workspace import RunView, Workspace
from core.workspace.history import chosen
from dashboard import figures, state


def draw(workspace: Workspace, runs: Sequence[RunView]) -> tuple[list[RunView], bool]:
    """The runs that fit what is chosen, and whether every field of their recipes is to be shown."""
    notes = {run.name: workspace.history.notes(run.name) for run in runs}
    tags = sorted({tag for found in notes.values() for tag in found.tags})
    models = list(dict.fromkeys(figures.model_of(run) for run in runs))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Find", key=_key("text"), placeholder="name, note, tag, option", icon=":material/search:", width=240
        )
        states = st.multiselect("State", sorted({run.state for run in runs}), key=_key("states"), width=180)
        wanted = st.multiselect("Model", models, key=_key("models"), format_func=_title, width=200)
        tagged = st.multiselect("Tags", tags, key=_key("tags"), width=180) if tags else []
        switches = ["Starred", "Put away", "Every field"]
        if any(run.spec.get("search") for run in runs):
            switches.insert(2, "Trials")
        away = sum(found.archived for found in notes.values())
        on = st.pills(
            "Show",
            switches,
            selection_mode="multi",
            key=_key("show"),
            format_func=lambda name: f"{name} ({away})" if name == "Put away" and away else name,
            label_visibility="collapsed",
        )
    shown = chosen(
        [run for run in runs if "Trials" in on or not run.trial or run.active],
        notes.__getitem__,
        states=states,
        models=wanted,
        tags=tagged,
        star="Starred" in on,
        archived="Put away" in on,
        text=text,
    )
    return shown, "Every field" in on


def _key(name: str) -> str:
    return f"{state.current_page()}.filter-{name}"


def _title(model: str) -> str:
    return model_title(model) or "–"
