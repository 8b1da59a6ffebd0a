"""Culling copies: rules for which of each cluster stays, what would go, and the way back."""

from collections.abc import Callable

import streamlit as st

from core.checks.culling import RULES, USUAL, Plan
from core.domain.decisions import Outcome
from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.review.queues import QueueSpec
from core.workspace import Workspace
from dashboard import state
from dashboard.widgets import finding_strip
from dashboard.widgets.finding_strip import Picture
from dashboard.wording import counted, escaped


def draw(workspace: Workspace, dataset: DatasetInfo, *, near: bool) -> None:
    """Rules, a preview of what stays and goes, and the button."""
    rules = st.multiselect(
        "Keep the one with",
        list(RULES),
        default=list(USUAL),
        format_func=RULES.__getitem__,
        key="health.rules",
        help="The first rule that tells the images of a cluster apart decides; then the next. "
        "An image of test or val stays before one of train.",
        persist_state="session",
    )
    plan = workspace.health.plan_cull(dataset.name, near=near, rules=rules)
    if not plan.clusters:
        st.info("There are no copies that could go." + _left(plan), icon=":material/check_circle:")
        return
    st.markdown(
        f"**{counted(len(plan.drop), 'copy', 'copies')}** would be excluded, "
        f"{counted(len(plan.clusters), 'image')} kept. Files stay as they are; Restore brings everything back."
        + _left(plan)
    )
    st.button(
        f"Exclude {counted(len(plan.drop), 'copy', 'copies')}",
        key="health.cull",
        type="primary",
        icon=":material/content_cut:",
        on_click=_carry_out,
        args=(workspace, dataset.name, plan),
    )
    _preview(workspace, dataset, plan)


def draw_excluded(workspace: Workspace, dataset: DatasetInfo) -> None:
    """How many images are excluded, and the way back."""
    frame = workspace.samples(dataset.name)
    gone = frame[frame["excluded"]]["sample_id"].tolist()
    told = state.get("told")
    if told:
        st.success(told, icon=":material/check_circle:")
    if not gone:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="health-excluded"):
        st.markdown(
            f"**{counted(len(gone), 'image')} excluded**: left out of queues, training and figures. Files stay.",
            width="stretch",
        )
        if st.button("Look at them", icon=":material/grid_view:", key="health.excluded"):
            state.open_queue(QueueSpec(kind="excluded"))
        st.button(
            f"Restore all {len(gone):,}",
            icon=":material/undo:",
            key="health.restore",
            on_click=_restore,
            args=(workspace, dataset.name, gone),
        )


def exclude(workspace: Workspace, dataset: str, sample_ids: list[str], why: str) -> None:
    """Exclude images; a callback."""
    _told(lambda: workspace.health.exclude(dataset, sample_ids, why=why), "excluded")


def _carry_out(workspace: Workspace, dataset: str, plan: Plan) -> None:
    exclude(workspace, dataset, plan.drop, "copy")


def _restore(workspace: Workspace, dataset: str, sample_ids: list[str]) -> None:
    _told(lambda: workspace.health.restore(dataset, sample_ids), "restored")


def _told(work: Callable[[], list[Outcome]], done: str) -> None:
    try:
        saved = sum(outcome.saved for outcome in work())
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:", duration="long")
        return
    state.put("told", f"{counted(saved, 'image')} {done}.")


def _left(plan: Plan) -> str:
    if not plan.conflicts:
        return ""
    images = counted(len(plan.conflicts), "image")
    return f" {images} in clusters with two labels are left to you: see *Same picture, two labels*."


def _preview(workspace: Workspace, dataset: DatasetInfo, plan: Plan) -> None:
    shown = plan.clusters[: finding_strip.CLUSTERS]
    wanted = {sample_id for cluster in shown for sample_id in (cluster.keep, *cluster.drop)}
    frame = workspace.samples(dataset.name)
    rows = {row["sample_id"]: row for row in frame[frame["sample_id"].isin(wanted)].to_dict("records")}
    clusters = {}
    for cluster in shown:
        pictures = []
        for sample_id in (cluster.keep, *cluster.drop):
            row, fate = rows[sample_id], "stays" if sample_id == cluster.keep else "goes"
            pictures.append(Picture.of(row, mark=f"{row['split']} · {fate}", fate=fate))
        clusters[cluster.group] = (f"keep {cluster.why}", pictures)
    finding_strip.draw_clusters(dataset, clusters)
    if len(plan.clusters) > finding_strip.CLUSTERS:
        st.caption(f"{len(plan.clusters):,} clusters in all.")
