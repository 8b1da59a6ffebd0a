"""Watch folders: those there are, each with its live count and what came last, and a form for one more."""

import html

import streamlit as st

from core.domain.errors import LabelloopError
from core.workspace import Workspace
from core.workspace.watches import Watch
from dashboard import charts, palette, state, wording
from dashboard.widgets import strip

_EVERY = 1.0  # seconds


def draw(workspace: Workspace, names: list[str]) -> None:
    """The whole part of the page."""
    watches = workspace.watches.all()
    if watches:
        st.subheader("Watched folders", anchor=False)
    for watch in watches:
        every = _EVERY if watch.active else None
        st.fragment(_card, run_every=every)(workspace, watch.id)
    with st.expander("Watch a folder", icon=":material/visibility:", expanded="watch" in st.query_params):
        st.caption(
            "Images are taken in within seconds as they appear, a generator's output for instance. "
            "A half-written file waits until it is whole."
        )
        _form(workspace, names)


def _form(workspace: Workspace, names: list[str]) -> None:
    folder = st.text_input("Folder to watch", key="import.watch-folder", placeholder="/home/me/outputs/txt2img-images")
    name = st.selectbox(
        "Dataset",
        names,
        index=None,
        key="import.watch-dataset",
        accept_new_options=True,
        placeholder="Choose one, or type a new name",
    )
    runs = [run.name for run in workspace.runs(name) if run.state == "succeeded"] if name in names else []
    run = None
    if runs:
        run = st.selectbox(
            "Predict what arrives by", [None, *runs], format_func=lambda one: one or "no run", key="import.watch-run"
        )
    st.button(
        "Watch",
        icon=":material/visibility:",
        disabled=not (folder and folder.strip() and name),
        on_click=_start,
        args=(workspace, folder, name, run),
    )
    if problem := state.get("watch-problem"):
        st.error(wording.escaped(problem), icon=":material/error:")


def _start(workspace: Workspace, folder: str, name: str, run: str | None) -> None:
    try:
        workspace.watches.start(folder.strip().strip("\"'"), name, run=run)
    except LabelloopError as error:
        state.put("watch-problem", str(error))
        return
    state.put("watch-problem", "")
    state.put("watch-folder", "")


def _stop(workspace: Workspace, watch: Watch) -> None:
    try:
        workspace.watches.stop(watch.id)
    except LabelloopError as error:
        state.put("watch-problem", str(error))


def _again(workspace: Workspace) -> None:
    workspace.watches.revive()


def _card(workspace: Workspace, identity: str) -> None:
    watch = next((one for one in workspace.watches.all() if one.id == identity), None)
    if watch is None:
        st.rerun(scope="app")
    status = watch.job.status if watch.job else {}
    with st.container(border=True, key=f"watch-{watch.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{wording.escaped(watch.folder)}** → {wording.escaped(watch.dataset)}", width="content")
            with st.container(horizontal=True, width="content"):
                if not watch.active:
                    st.button("Start again", key=f"import.again-{watch.id}", on_click=_again, args=(workspace,))
                st.button(
                    "Stop watching",
                    key=f"import.stop-{watch.id}",
                    icon=":material/close:",
                    on_click=_stop,
                    args=(workspace, watch),
                )
        st.caption(_figures(watch))
        if status.get("message"):
            st.warning(wording.escaped(status["message"]), icon=":material/warning:")
        if not watch.active and watch.job is not None and watch.job.error:
            st.error(wording.escaped(watch.job.error), icon=":material/error:")
        if status.get("newest"):
            _newest(workspace, watch)
        if status.get("bad"):
            with st.expander(f"{wording.counted(status['quarantined'], 'file')} that cannot be read"):
                rows = status["bad"]
                st.dataframe(
                    {"File": [one["path"] for one in rows], "Why": [one["reason"] for one in rows]}, hide_index=True
                )


def _figures(watch: Watch) -> str:
    status = watch.job.status if watch.job else {}
    parts = ["Watching" if watch.active else "Not watching now"]
    parts.append(wording.counted(int(status.get("imported", 0)), "image"))
    if watch.run:
        parts.append(f"{status.get('predicted', 0):,} predicted by {wording.escaped(watch.run)}")
    if status.get("waiting"):
        parts.append(f"{status['waiting']:,} waiting to be whole")
    return " · ".join(parts)


def _newest(workspace: Workspace, watch: Watch) -> None:
    try:
        info = workspace.dataset(watch.dataset)
    except LabelloopError:  # removed meanwhile
        return
    figures = []
    for one in watch.job.status["newest"] if watch.job else []:
        address = f"/thumb/{info.id}/{one['sample']}?v={one['hash'][:8]}"
        said = f"{charts.shorten(one['predicted'])} {one['confidence']:.0%}" if one["predicted"] else ""
        dot = f"<i style='background:{palette.colour_of(one['predicted'], info.classes)}'></i>" if said else ""
        name = html.escape(said or "new image")
        figures.append(
            f"<figure><img src='{html.escape(address)}' alt='{name}' width='104' height='104'>"
            f"<figcaption>{dot}{html.escape(said)}</figcaption></figure>"
        )
    st.html(f"{strip.STYLE}<div class='ll-thumbs'>{''.join(figures)}</div>")
