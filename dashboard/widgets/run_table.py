"""The table of runs: what was trained, how, and what it reached. Sorting and hiding columns are the table's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.models import model_title
from core.domain.runs import FIELDS
from core.runs.notes import Notes
from core.workspace import RunView, Workspace
from core.workspace.history import flat
from dashboard import figures

_ALWAYS = ("Run", "Model", "State", "Test", "Val")
_STATES = {
    "queued": "⏳ waiting",
    "running": "▶ running",
    "paused": "⏸ paused",
    "succeeded": "✓ done",
    "failed": "✕ failed",
    "cancelled": "– cancelled",
    "lost": "✕ lost",
}


def draw(
    workspace: Workspace, runs: Sequence[RunView], *, key: str, selected: Sequence[int], every_field: bool = False
) -> list[int]:
    """Draw the table; the places of the selected runs in ``runs``, in the order of the table.

    ``every_field`` shows each field of the recipes, else those that most people change.
    """
    notes = {run.name: workspace.history.notes(run.name) for run in runs}
    table = pd.DataFrame([_row(workspace, run, notes[run.name], every_field=every_field) for run in runs])
    event = st.dataframe(
        table.loc[:, [name for name in table.columns if name in _ALWAYS or _said(table[name])]],
        key=key,
        hide_index=True,
        placeholder="–",
        height="content" if len(runs) <= 12 else 460,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(selected)}} if selected else None,
        column_config={
            "★": st.column_config.TextColumn(pinned=True, width=30),
            "Run": st.column_config.TextColumn(pinned=True),
            "Test": _share("Accuracy on test: images that took no part in training or choosing."),
            "Val": _share("Accuracy on val, which chooses the best epoch."),
            "Test F1": st.column_config.NumberColumn(
                format="%.3f", help="Macro F1 on test: every class counts the same."
            ),
            "Val F1": st.column_config.NumberColumn(format="%.3f", help="Macro F1 on val."),
            "Took": st.column_config.NumberColumn("Seconds", format="%.1f", help="How long it ran."),
            "Note": st.column_config.TextColumn(width="medium"),
            "Tags": st.column_config.ListColumn(),
            "Started": st.column_config.DatetimeColumn(format="distance"),
            "Learning rate": st.column_config.NumberColumn(format="%g"),
        },
    )
    return [int(row) for row in event["selection"]["rows"]]


def _share(meaning: str) -> Any:
    return st.column_config.NumberColumn(format="%.1f%%", help=meaning)


def _said(column: pd.Series) -> bool:
    """Whether a column says anything: some cell is neither missing nor empty."""
    return bool(column.map(lambda value: len(value) > 0 if isinstance(value, str | list) else pd.notna(value)).any())


def _row(workspace: Workspace, run: RunView, notes: Notes, *, every_field: bool) -> dict[str, Any]:
    reached = figures.of_run(workspace, run)
    test, val = reached.get("test"), reached.get("val")
    return {
        "★": "★" if notes.star else "",
        "Run": run.name,
        "Model": model_title(figures.model_of(run)) or "–",
        "State": _STATES[run.state] + (" · put away" if notes.archived else ""),
        "Test": test.accuracy * 100 if test else None,
        "Val": val.accuracy * 100 if val else None,
        "Test F1": test.macro_f1 if test else None,
        "Val F1": val.macro_f1 if val else None,
        "Took": run.seconds,
        "Started": datetime.fromtimestamp(run.created_at).astimezone(),
        "Tags": list(notes.tags),
        "Note": notes.text or run.error or str(run.status.get("message") or "") or None,
        "Labels": sum(evaluation.samples for evaluation in reached.values()) or None,
        **_recipe(run, every_field=every_field),
        "Search": run.spec.get("search"),
        "Ran on": str(run.status.get("place") or "") or None,
    }


def _recipe(run: RunView, *, every_field: bool) -> dict[str, Any]:
    options, network = run.options, run.options.get("model") != "instant"
    if every_field:
        fields = {name: value for name, value in flat(options).items() if name != "model"}
        titled = {
            FIELDS[name].label if name in FIELDS else name.replace("_", " ").capitalize(): _short(v)
            for name, v in fields.items()
        }
        return {title: value if network or title == FIELDS["seed"].label else None for title, value in titled.items()}
    return {
        "Epochs": options.get("epochs") if network else None,
        "Size": options.get("image_size") if network else None,
        "Batch": options.get("batch_size") if network else None,
        "Learning rate": _short(options.get("learning_rate") or None) if network else None,
        "Seed": options.get("seed"),
    }


def _short(value: Any) -> Any:
    """A number with three digits, as a person would say it: a search draws rates like 0.009712430462."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _title(field: str) -> str:
    return FIELDS[field].label if field in FIELDS else field.replace("_", " ").capitalize()
