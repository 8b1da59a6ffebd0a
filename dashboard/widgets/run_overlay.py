"""Several runs laid over one another: figures, curves, and what differs between two of them."""

from collections.abc import Sequence

import streamlit as st

from core.workspace import RunView, Workspace
from dashboard import state
from dashboard.charts import runs as charts
from dashboard.widgets import option_table, plot, run_difference


def draw(workspace: Workspace, runs: Sequence[RunView]) -> None:
    """The page below the table while more than one run is chosen."""
    oldest_first = sorted(runs, key=lambda run: run.created_at)
    st.subheader(" · ".join(run.name for run in oldest_first), anchor=False)
    with_curves = {run.name: run.metrics for run in oldest_first if run.metrics}
    if with_curves:
        for column, measure in zip(st.columns(2, gap="medium"), charts.MEASURES, strict=True):
            with column:
                st.markdown(f"**{measure.capitalize()}**")
                figure = charts.overlay(with_curves, measure, template=plot.template())
                plot.show(figure, key=f"overlay-{measure}", alt=f"{measure.capitalize()} by epoch of several runs")
    names = [run.name for run in oldest_first]
    old, new = names[0], names[-1]
    if len(names) > 2:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            old = st.selectbox("From", names, index=0, key=f"{state.current_page()}.from-{names}", width=200)
            new = st.selectbox("To", names, index=len(names) - 1, key=f"{state.current_page()}.to-{names}", width=200)
    run_difference.draw(workspace, old, new)
    with st.expander("All options side by side", icon=":material/tune:"):
        option_table.draw(oldest_first, folded=False)
