"""The row that chooses what to review: queues with their counts, the way back, the same queue in FiftyOne."""

import streamlit as st

from core.domain.samples import SPLITS, DatasetInfo
from core.review.queues import QueueKind, QueueSpec
from core.workspace import Offer, Workspace
from dashboard import navigation, state
from dashboard.widgets import class_editor, empty_state
from dashboard.wording import escaped

_EMPTY = {
    "unlabelled": ("Every image has a label", "When you import images without labels, they wait for you here."),
    "misclassified": ("Nothing is wrong here", "This run gets every image of this queue right."),
    "cell": ("No image is left in this cell", "Its images carry other labels by now."),
    "suspicious": ("No label looks wrong", "Nothing here is left where the newest run and the label disagree."),
    "duplicates": ("No exact duplicates", "No two files of this dataset have the same contents."),
    "merged": ("Nothing is left to look at", "Every image that any check or run brought up was decided on."),
    "finding": ("Nothing is left here", "What was found was decided on, or nothing was found."),
    "disagreement": ("The runs agree", "The newest runs see every image the same way, or all were decided on."),
    "low-confidence": ("Nothing is hard", "The newest run is sure of every image that nobody looked at."),
    "audit": ("Every image was looked at", "A random audit is over when nothing is left."),
    "unsure": ("No doubts", "Images that somebody put aside with n wait here for a second look."),
    "excluded": ("Nothing is excluded", "Images that you exclude with e are kept here, and r brings them back."),
    "class": ("No image has this label", "Give it to some images, or import more."),
}


def draw(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, size: int) -> None:
    """Draw the row. ``size`` is how many images ``spec`` holds."""
    options = _options(workspace, dataset, spec, size)
    current = next(at for at, offer in enumerate(options) if offer.spec == spec)
    with st.container(key="queues", horizontal=True, vertical_alignment="center", gap="small"):
        draw_way_back()
        key = state.widget_key(f"queue-{dataset.id}-{sorted(spec.to_params().items())}")
        st.selectbox(
            "Queue",
            range(len(options)),
            index=current,
            key=key,
            format_func=lambda at: _named(options[at]),
            label_visibility="collapsed",
            width=400,
            on_change=_choose,
            args=(key, [offer.spec for offer in options]),
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
            _draw_runs(workspace, dataset, spec)
            class_editor.draw(workspace, dataset)
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


def _draw_runs(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec) -> None:
    """A popover with the queues of any run, and of any two."""
    runs = [view.name for view in workspace.runs(dataset.name) if view.state == "succeeded"]
    if not runs:
        return
    with st.popover("Runs", icon=":material/compare_arrows:", type="tertiary"):
        run = st.selectbox("Run", runs, index=_place(runs, spec.run), key=state.widget_key(f"of-run-{dataset.id}"))
        offered = [QueueSpec(kind="misclassified", run=run, split=spec.split)]
        others = [name for name in runs if name != run]
        if others:
            key = state.widget_key(f"of-other-{dataset.id}-{run}")
            other = st.selectbox("Compared with", others, index=_place(others, spec.other), key=key)
            kinds: tuple[QueueKind, ...] = ("disagreement", "fixed", "broken")
            offered += [QueueSpec(kind, run=run, other=other, split=spec.split) for kind in kinds]
        for one in offered:
            st.button(
                escaped(one.title()),
                key=state.widget_key(f"of-{one.kind}"),
                type="tertiary",
                disabled=one == spec,
                on_click=_show,
                args=(one,),
            )


def _place(names: list[str], wanted: str | None) -> int:
    return names.index(wanted) if wanted in names else 0


def _show(spec: QueueSpec) -> None:
    state.forget_back()
    state.show_queue(spec)


def _options(workspace: Workspace, dataset: DatasetInfo, spec: QueueSpec, size: int) -> list[Offer]:
    """The queues on offer, each with its count; the one on show is always among them."""
    found = workspace.review.offers(dataset.name, split=spec.split)
    if any(offer.spec == spec for offer in found):
        return found
    return [Offer(spec, size, workspace.review.hit_rates(dataset.name).get(spec.source)), *found]


def _named(offer: Offer) -> str:
    rate = "" if offer.rate is None else f"  ·  {offer.rate.wrong:,} of {offer.rate.decided:,} were wrong"
    return f"{offer.spec.title()}  ·  {offer.count:,}{rate}"


def _choose(key: str, options: list[QueueSpec]) -> None:
    _show(options[state.chosen(key)])


def _choose_split(key: str, spec: QueueSpec) -> None:
    split = state.chosen(key)
    state.show_queue(state.with_split(spec, None if split in (None, "all") else split))
