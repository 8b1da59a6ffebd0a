"""The row that chooses what to review: queues with their counts, the way back, the same queue in FiftyOne."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS, DatasetInfo
from core.review.queues import QueueSpec
from core.workspace import Workspace
from dashboard import navigation, state
from dashboard.widgets import empty_state
from dashboard.wording import escaped

_EMPTY = {
    "unlabelled": ("Every image has a label", "When you import images without labels, they wait for you here."),
    "misclassified": ("Nothing is wrong here", "This run gets every image of this queue right."),
    "cell": ("No image is left in this cell", "Its images carry other labels by now."),
    "suspicious": ("No label looks wrong", "Nothing here is left where the newest run and the label disagree."),
    "duplicates": ("No exact duplicates", "No two files of this dataset have the same contents."),
    "class": ("No image has this label", "Give it to some images, or import more."),
}


def draw(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, size: int) -> None:
    """Draw the row. ``size`` is how many images ``spec`` holds."""
    options = _options(workspace, dataset, spec, size)
    current = next(at for at, (one, _) in enumerate(options) if one == spec)
    with st.container(key="queues", horizontal=True, vertical_alignment="center", gap="small"):
        draw_way_back()
        key = state.widget_key(f"queue-{dataset.id}-{sorted(spec.to_params().items())}")
        st.selectbox(
            "Queue",
            range(len(options)),
            index=current,
            key=key,
            format_func=lambda at: _named(*options[at]),
            label_visibility="collapsed",
            width=330,
            on_change=_choose,
            args=(key, [one for one, _ in options]),
        )
        split_key = state.widget_key(f"split-{dataset.id}-{sorted(spec.to_params().items())}")
        if spec.kind not in ("samples", "fixed", "broken"):
            present = [split for split in SPLITS if dataset.splits.get(split)]
            if len(present) > 1:
                st.segmented_control(
                    "Split",
                    ["all", *present],
                    default=spec.split or "all",
                    required=True,
                    key=split_key,
                    label_visibility="collapsed",
                    on_change=_choose_split,
                    args=(split_key, spec),
                )
        with st.container(key="queues-end", horizontal=True, horizontal_alignment="right", width="stretch"):
            _new_class(workspace, dataset)
            st.page_link(
                navigation.page("fiftyone"),
                label="Open in FiftyOne",
                icon=":material/open_in_new:",
                query_params={"dataset": dataset.name, **spec.to_params()},
            )


def draw_way_back() -> None:
    """A link to the page from which the queue on show was opened, if it was opened from one."""
    back = state.back()
    if back is None:
        return
    page, params = back
    st.page_link(
        navigation.page(page),
        label=f"Back to {navigation.entry(page).title}",
        icon=":material/arrow_back:",
        query_params=params,
    )


def draw_empty(spec: QueueSpec) -> None:
    """What stands where the grid would be while a queue holds nothing."""
    title, text = _EMPTY.get(spec.kind, ("No images here", "This queue holds nothing now."))
    empty_state.draw(title, text, icon="task_alt")


def _options(
    workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, size: int
) -> list[tuple[QueueSpec, int | None]]:
    """The queues on offer, each with its count; the one on show is always among them."""
    newest = next((run.name for run in workspace.runs(dataset.name) if run.state == "succeeded"), None)
    kinds = [QueueSpec(kind="all", split=spec.split)]
    if dataset.labels.get(None):
        kinds.append(QueueSpec(kind="unlabelled", split=spec.split))
    if newest:
        kinds.append(QueueSpec(kind="suspicious", split=spec.split))
        kinds.append(QueueSpec(kind="misclassified", run=newest, split=spec.split))
    kinds.append(QueueSpec(kind="duplicates", split=spec.split))
    kinds += [QueueSpec(kind="class", label=name, split=spec.split) for name in dataset.classes]
    found = [(one, size if one == spec else _size(workspace, dataset, one)) for one in kinds]
    return found if any(one == spec for one, _ in found) else [(spec, size), *found]


def _size(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec) -> int | None:
    if spec.kind == "all":
        return dataset.samples if spec.split is None else dataset.splits.get(spec.split, 0)
    if spec.split is None and spec.kind in ("class", "unlabelled"):
        return dataset.labels.get(spec.label, 0)
    try:
        return len(workspace.queue(dataset.name, spec))
    except LabelloopError:
        return None


def _named(spec: QueueSpec, size: int | None) -> str:
    return spec.title() if size is None else f"{spec.title()}  ·  {size:,}"


def _choose(key: str, options: list[QueueSpec]) -> None:
    state.forget_back()
    state.show_queue(options[state.chosen(key)])


def _choose_split(key: str, spec: QueueSpec) -> None:
    split = state.chosen(key)
    state.show_queue(state.with_split(spec, None if split in (None, "all") else split))


def _new_class(workspace: Workspace, dataset: DatasetInfo) -> None:
    with st.popover("New class", icon=":material/add:", type="tertiary"), st.form("new-class", border=False):
        name = st.text_input("Name", placeholder="e.g. wasps", max_chars=100)
        if st.form_submit_button("Add the class", type="primary"):
            try:
                workspace.add_class(dataset.name, name)
            except LabelloopError as error:
                st.error(escaped(error))
            else:
                st.rerun()
