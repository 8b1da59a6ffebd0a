"""FiftyOne: the App on the same queue, with class buttons over it."""

import streamlit as st

from core.domain.errors import LabelloopError
from dashboard import frame, navigation, state
from dashboard.widgets import app_bar, empty_state
from dashboard.wording import escaped

workspace, dataset = frame.begin()
if dataset is None:
    empty_state.draw(
        "Nothing to look at yet",
        "Here the FiftyOne App shows your images, with its filters, its sidebar and its own selection.",
        page="import",
        label="Import a folder",
    )
    st.stop()

if state.elsewhere():
    empty_state.draw(
        "The FiftyOne App stays on its own computer",
        "It answers on the computer that runs labelloop, to the person there. The keyboard grid has the same queues.",
        page="review",
        label="Open Review",
    )
    st.stop()

try:
    spec = state.current_queue()
    client = workspace.app_server()
    if client is None or not client.alive():
        app_bar.draw_waiting(workspace, starting=client is not None)
        st.stop()
    shown = app_bar.show(workspace, dataset, spec, client)
except LabelloopError as error:
    st.error(escaped(error), icon=":material/error:")
    st.page_link(navigation.page("fiftyone"), label="Show all images", query_params={"dataset": dataset.name})
    st.stop()

app_bar.draw(workspace, dataset, spec, shown)
with st.container(key="app-frame"):
    st.iframe(client.url(state.host(), dataset.name, look=state.look()), height=700, alt="The FiftyOne App")
