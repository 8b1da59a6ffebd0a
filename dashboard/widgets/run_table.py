"""The table of runs: what was trained, how, and what it reached."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.runs import MODEL_NAMES
from core.workspace import RunView, Workspace
from dashboard import figures, wording

_ALWAYS = ("Test", "Val")
_STATES = {
    "queued": "⏳ waiting",
    "running": "▶ running",
    "paused": "⏸ paused",
    "succeeded": "✓ done",
    "failed": "✕ failed",
    "cancelled": "– cancelled",
    "lost": "✕ lost",
}


def draw(workspace: Workspace, runs: Sequence[RunView], *, key: str, selected: int | None) -> int | None:
    """Draw the table; the place of the selected run in ``runs``, if one is."""
    table = pd.DataFrame([_row(workspace, run) for run in runs])
    event = st.dataframe(
        table.loc[:, [name for name in table.columns if name in _ALWAYS or table[name].notna().any()]],
        key=key,
        hide_index=True,
        placeholder="–",
        height="content" if len(runs) <= 12 else 460,
        on_select="rerun",
        selection_mode="single-row",
        selection_default=None if selected is None else {"selection": {"rows": [selected]}},
        column_config={
            "Run": st.column_config.TextColumn(pinned=True),
            "Test": _share("Accuracy on test: images that took no part in training or choosing."),
            "Val": _share("Accuracy on val, which chooses the best epoch."),
            "Test F1": st.column_config.NumberColumn(
                format="%.3f", help="Macro F1 on test: every class counts the same."
            ),
            "Val F1": st.column_config.NumberColumn(format="%.3f", help="Macro F1 on val."),
            "Note": st.column_config.TextColumn(width="medium"),
            "Started": st.column_config.DatetimeColumn(format="distance"),
            "Rate": st.column_config.NumberColumn("Learning rate", format="%g"),
        },
    )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows else None


def _share(meaning: str) -> Any:
    return st.column_config.NumberColumn(format="%.1f%%", help=meaning)


def _row(workspace: Workspace, run: RunView) -> dict[str, Any]:
    reached = figures.of_run(workspace, run)
    options, network = run.options, run.options.get("model") != "instant"
    test, val = reached.get("test"), reached.get("val")
    return {
        "Run": run.name,
        "Model": MODEL_NAMES.get(figures.model_of(run), "–"),
        "State": _STATES[run.state],
        "Test": test.accuracy * 100 if test else None,
        "Val": val.accuracy * 100 if val else None,
        "Test F1": test.macro_f1 if test else None,
        "Val F1": val.macro_f1 if val else None,
        "Took": wording.duration(run.seconds),
        "Started": datetime.fromtimestamp(run.created_at).astimezone(),
        "Note": run.error or str(run.status.get("message") or "") or None,
        "Labels": sum(evaluation.samples for evaluation in reached.values()) or None,
        "Epochs": options.get("epochs") if network else None,
        "Size": options.get("image_size") if network else None,
        "Batch": options.get("batch_size") if network else None,
        "Rate": (options.get("learning_rate") or None) if network else None,
        "Seed": options.get("seed"),
    }
