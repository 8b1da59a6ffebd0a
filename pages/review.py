"""Review: a queue in the keyboard grid."""

import time

import streamlit as st

from core.domain.errors import LabelloopError
from dashboard import frame, navigation, state
from dashboard.widgets import empty_state, grid, queue_picker
from dashboard.wording import escaped

workspace, dataset = frame.begin()
if dataset is None:
    empty_state.draw(
        "Nothing to review yet",
        "Here you go through images and put their labels right, with one key each. First bring some in.",
        page="import",
        label="Import a folder",
    )
    st.stop()

workspace.reconcile(dataset.name)
read_at = time.time()
try:
    spec = state.current_queue()
    items = workspace.queue(dataset.name, spec)
except LabelloopError as error:
    st.error(escaped(error), icon=":material/error:")
    st.page_link(navigation.page("review"), label="Show all images", query_params={"dataset": dataset.name})
    st.stop()

queue_picker.draw(workspace, dataset, spec, len(items))
if items:
    grid.draw(
        workspace,
        dataset,
        items,
        queue_title=spec.title(),
        key="review.grid",
        heading=False,
        read_at=read_at,
        shared=True,
        run=workspace.review.run_of(dataset.name, spec),
    )
else:
    queue_picker.draw_empty(spec)
