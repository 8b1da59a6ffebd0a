"""Adding, renaming, merging and removing classes: what would happen is said before it does."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.workspace import Workspace
from dashboard import state
from dashboard.wording import counted, escaped

_NEW = "A new name …"


def draw(workspace: Workspace, dataset: DatasetInfo) -> None:
    """The popover of the queue's row."""
    with st.popover("Classes", icon=":material/label:", type="tertiary"):
        adding, changing, removing = st.tabs(["Add", "Rename or merge", "Remove"])
        with adding, st.form("new-class", border=False):
            name = st.text_input("Name", placeholder="e.g. wasps", max_chars=100)
            if st.form_submit_button("Add the class", type="primary"):
                _try(lambda: workspace.add_class(dataset.name, name, who=state.person()))
        with changing:
            _change(workspace, dataset)
        with removing:
            _remove(workspace, dataset)


def _change(workspace: Workspace, dataset: DatasetInfo) -> None:
    if not dataset.classes:
        st.caption("There is no class yet.")
        return
    old = st.selectbox("Class", dataset.classes, key=state.widget_key(f"class-old-{dataset.id}"))
    others = [name for name in dataset.classes if name != old]
    into = st.selectbox("Becomes", [_NEW, *others], key=state.widget_key(f"class-into-{dataset.id}-{old}"))
    if into == _NEW:
        into = st.text_input("New name", max_chars=100, key=state.widget_key(f"class-name-{dataset.id}-{old}")).strip()
    if not into or old is None:
        return
    try:
        planned = workspace.review.preview_class_change(dataset.name, old, into)
    except LabelloopError as error:
        st.caption(escaped(error))
        return
    hidden = f" and {counted(planned.excluded, 'excluded one')}" if planned.excluded else ""
    images = counted(planned.samples, "image")
    if planned.kind == "merge":
        st.markdown(
            f"{images}{hidden} labelled **{escaped(old)}** will be labelled **{escaped(into)}**, "
            f"and the class {escaped(old)} goes."
        )
    else:
        st.markdown(f"{images}{hidden} will be labelled **{escaped(into)}** instead of **{escaped(old)}**.")
    st.caption("It goes through the journal: Undo there brings the class and every label back.")
    if st.button("Merge" if planned.kind == "merge" else "Rename", type="primary", key=state.widget_key("class-go")):
        _try(lambda: workspace.review.change_class(dataset.name, old, into, who=state.person()))


def _remove(workspace: Workspace, dataset: DatasetInfo) -> None:
    empty = [name for name in dataset.classes if not dataset.labels.get(name, 0)]
    if not empty:
        st.caption("Every class has images. Merge one into another to be rid of it.")
        return
    name = st.selectbox("Class without images", empty, key=state.widget_key(f"class-empty-{dataset.id}"))
    if st.button("Remove the class", type="primary", key=state.widget_key("class-remove")) and name is not None:
        _try(lambda: workspace.remove_class(dataset.name, name, who=state.person()))


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except LabelloopError as error:
        st.error(escaped(error))
    else:
        st.rerun()
