"""Search: which recipe is best? Trials in the queue, chosen on val; test is looked at once, at the end."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.search.space import read_space
from dashboard import frame, gate, state, wording
from dashboard.widgets import address, empty_state, job_panel, preset_card, search_results, search_space

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
gate.caption(workspace, dataset.name)
with st.expander("New search", icon=":material/add:", expanded=not searches):
    with st.container(horizontal=True, vertical_alignment="bottom"):
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
        trials = (
            0 if method == "grid" else int(st.number_input("Trials", 1, 10_000, 20, key="search.trials", width=140))
        )
    space, problem = {}, ""
    try:
        space = search_space.draw(workspace.runs(dataset.name), grid=method == "grid")
        found = read_space(space)
        trials = trials or found.size()
        each = workspace.training.estimate(dataset.name, found.example())
        every = "every point of the grid, " if method == "grid" else ""
        st.caption(f"{wording.counted(trials, 'trial')}: {every}{preset_card.about(each.seconds)} each.")
    except LabelloopError as error:
        problem = str(error)
        st.error(wording.escaped(problem), icon=":material/error:")
    if st.button(
        "Start the search", key="search.start", type="primary", icon=":material/play_arrow:", disabled=bool(problem)
    ):

        def start() -> None:
            started = workspace.searches.start(
                dataset.name, space, trials=trials, method=method, objective=objective, prune=prune
            )
            state.set_params(search=started)

        try:
            if not gate.holds(workspace, dataset.name, start, "search"):
                start()
        except LabelloopError as error:
            st.error(wording.escaped(error), icon=":material/error:")
        else:
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
