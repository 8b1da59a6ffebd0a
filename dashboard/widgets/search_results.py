"""A search as it goes and after: its trials as a table and as lines, what matters, and the last run with test."""

import pandas as pd
import streamlit as st

from core.domain.models import model_title
from core.domain.runs import FIELDS
from core.workspace import Workspace
from core.workspace.searches import SearchView
from dashboard import navigation
from dashboard.charts import searches as charts
from dashboard.widgets import plot
from dashboard.wording import duration, escaped

EVERY = 2.0  # seconds between looks at a search that goes
_STATES = {"complete": "✓ done", "pruned": "✂ stopped early", "fail": "✕ failed", "running": "▶ running"}
OBJECTIVES = {"accuracy": "Accuracy on val", "macro_f1": "Macro F1 on val", "loss": "Log loss on val"}


def draw(workspace: Workspace, name: str) -> None:
    """Everything of one search; it refreshes by itself while the search goes."""
    active = workspace.searches.read(name).view.active
    st.fragment(_draw, run_every=EVERY if active else None)(workspace, name)


def _draw(workspace: Workspace, name: str) -> None:
    found = workspace.searches.read(name)
    if found.result:
        _result(workspace, found)
    if not found.trials:
        st.caption("The first trial is on its way." if found.view.active else "No trial was made.")
        return
    objective = OBJECTIVES[str(found.view.spec["objective"])]
    fields = list(dict.fromkeys(field for trial in found.trials for field in trial["params"]))
    names = {field: FIELDS[field].label if field in FIELDS else field for field in fields}
    if sum(trial["value"] is not None for trial in found.trials) > 1:
        left, right = st.columns([3, 2], gap="large") if found.importance else (st.container(), None)
        with left:
            st.markdown("**Trials**, a line each; drag along an axis to pick")
            figure = charts.parallel(found.trials, names, str(found.view.spec["objective"]), template=plot.template())
            plot.show(figure, key=f"parallel-{name}", alt="Parallel coordinates of the trials")
        if right is not None:
            with right:
                st.markdown("**What matters**, as a share of the difference between trials")
                shares = {names[field]: share for field, share in found.importance.items()}
                plot.show(
                    charts.importance(shares, template=plot.template()), key=f"importance-{name}", alt="Importance"
                )
    rows = [
        {
            "Trial": ("★ " if trial["trial"] == found.best else "") + str(trial["trial"]),
            "State": _STATES.get(trial["state"], trial["state"]),
            objective: trial["value"],
            **{names[field]: _shown(field, trial["params"].get(field)) for field in fields},
            "Took": duration(trial["seconds"]),
            "Epochs": len(trial["steps"]) or None,
            "Run": trial["run"],
            "Note": trial["error"] or None,
        }
        for trial in found.trials
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="–",
        height="content" if len(rows) <= 15 else 560,
        column_config={objective: st.column_config.NumberColumn(format="%.4f")},
    )


def _result(workspace: Workspace, found: SearchView) -> None:
    result = found.result or {}
    view = workspace.run(str(result["run"]))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/emoji_events: Trial {result['best_trial']} was best on val ({result['value']:.4f}). "
            f"Its recipe was trained once more as **{escaped(view.name)}**, the one look at test.",
            width="stretch",
        )
        where = {"dataset": view.dataset, "run": view.name}
        st.page_link(navigation.page("matrix"), label="Confusion matrix", icon=":material/apps:", query_params=where)
        st.page_link(navigation.page("runs"), label="The run", icon=":material/history:", query_params=where)


def _shown(field: str, value: object) -> object:
    return model_title(str(value)) if field == "model" else value
