"""Search: which recipe is best? Trials in the queue, chosen on val; test is looked at once, at the end."""

import streamlit as st

from core.domain.errors import LabelloopError
from dashboard import frame, state, wording
from dashboard.widgets import address, empty_state, job_panel, search_results, search_space

workspace, dataset = frame.begin()
st.title("Search", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "A search tries recipes and keeps the best one. First bring in a folder of images.",
        page="import",
        label="Import a folder",
    )
    st.stop()
searches = workspace.searches.all(dataset.name)
st.caption(
    "Each trial is a run in the queue and is judged on val. Trials never see test: the best recipe is trained once "
    "more at the end, and that one run is measured on it."
)
with st.expander("New search", icon=":material/add:", expanded=not searches):
    space = search_space.draw()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trials = st.number_input("Trials", 1, 10_000, 20, key="search.trials", width=140)
        method = st.selectbox(
            "Method",
            ["tpe", "random", "grid"],
            key="search.method",
            format_func={"tpe": "TPE: learns where to look", "random": "Random", "grid": "Grid: every point"}.get,
            width=230,
        )
        objective = st.selectbox(
            "Chosen by",
            list(search_results.OBJECTIVES),
            key="search.objective",
            format_func=search_results.OBJECTIVES.get,
            width=190,
        )
        prune = st.toggle("Stop those that lag behind", value=True, key="search.prune")
    if st.button("Start the search", type="primary", icon=":material/play_arrow:"):
        try:
            started = workspace.searches.start(
                dataset.name, space, trials=int(trials), method=method, objective=objective, prune=prune
            )
        except LabelloopError as error:
            st.error(wording.escaped(error), icon=":material/error:")
        else:
            state.set_params(search=started)
            st.rerun()
if not searches:
    st.stop()

names = [view.name for view in searches]
wanted = state.param("search")
chosen = wanted if wanted in names else names[0]
if len(names) > 1:
    words = {view.name: f"{view.name} · {view.state} · {wording.moment(view.created_at)}" for view in searches}
    st.selectbox(
        "Search",
        names,
        key=address.key("search", chosen),
        format_func=words.get,
        width=360,
        on_change=lambda: state.set_params(search=address.picked("search")),
    )
else:
    st.subheader(chosen, anchor=False)
view = searches[names.index(chosen)]
if view.error:
    st.error(wording.escaped(view.error), icon=":material/error:")
if view.state != "succeeded":
    job_panel.draw(workspace, view.name)
search_results.draw(workspace, view.name)
