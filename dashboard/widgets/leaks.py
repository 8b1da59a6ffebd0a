"""Leaks: what mending them would do, what was moved, and why images are kept together."""

import os.path

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import DatasetInfo
from core.snapshots.groups import WHY
from core.workspace import Workspace
from core.workspace.splits import Gate, How
from dashboard import state
from dashboard.widgets import finding_strip
from dashboard.widgets.finding_strip import Picture
from dashboard.wording import ago, counted, escaped


def draw(workspace: Workspace, dataset: DatasetInfo, gate: Gate) -> None:
    """What mending does, in words and as buttons; the newest moves with their undo."""
    if gate.pending:
        st.caption(escaped(gate.pending))
    if gate.leaks:
        moves = workspace.splits.plan(dataset.name)
        to = ", ".join(
            f"{sum(move.new == split for move in moves):,} to {split}"
            for split in ("train", "val", "test")
            if any(move.new == split for move in moves)
        )
        frozen = " Test was used by a run, so its images stay and their twins join them." if gate.frozen_test else ""
        st.markdown(f"{escaped(gate.sentence)} Mending puts each group into one split: {to}.{frozen}")
        with st.container(horizontal=True, gap="small"):
            st.button(
                f"Mend: move {counted(len(moves), 'image')}",
                type="primary",
                icon=":material/healing:",
                key="health.mend",
                on_click=mend,
                args=(workspace, dataset.name, "move"),
            )
            st.button(
                "Exclude the twins instead",
                key="health.mend-exclude",
                help="The images of the lower split are left out of training; restore brings them back.",
                on_click=mend,
                args=(workspace, dataset.name, "exclude"),
            )
    made = workspace.splits.moves(dataset.name)
    if made:
        line = made[0]
        with st.container(horizontal=True, vertical_alignment="center", key="health-moves"):
            count = counted(len(line["moves"]), "image")  # type: ignore[arg-type]
            st.caption(
                f"{count} moved {ago(float(str(line['at'])))}: {escaped(line['why'])}, by {escaped(line['who'])}.",
                width="content",
            )
            st.button(
                "Undo",
                icon=":material/undo:",
                type="tertiary",
                key="health.undo-moves",
                on_click=_undo,
                args=(workspace, dataset.name),
            )


def draw_kept_together(workspace: Workspace, dataset: DatasetInfo) -> None:
    """Groups that splits keep whole, each with its reason."""
    groups, frame = workspace.splits.groups(dataset.name), workspace.health.facts(dataset.name).frame
    members = sorted(groups.members().items(), key=lambda one: -len(one[1]))
    with st.expander(f"Kept together in one split: {counted(len(members), 'group')}", icon=":material/link:"):
        st.caption("A picture and its copies must not lie on both sides of a split; neither must images of one seed.")
        clusters = {}
        for name, rows in members[: finding_strip.CLUSTERS]:
            said = " and ".join(WHY[reason] for reason in groups.why[name])
            chosen = frame.iloc[rows[: finding_strip.PER_CLUSTER + 1]]
            shown = [Picture.of(r, os.path.basename(r["filepath"]), mark=r["split"]) for r in chosen.to_dict("records")]
            clusters[name] = (said, shown)
        if clusters:
            finding_strip.draw_clusters(dataset, clusters)
            if len(members) > len(clusters):
                st.caption(f"The largest {len(clusters)} of {len(members):,} groups.")


def mend(workspace: Workspace, dataset: str, how: How) -> None:
    """Mend; a callback."""
    try:
        count = workspace.splits.mend(dataset, how=how)
    except LabelloopError as error:
        st.toast(escaped(error), icon=":material/error:", duration="long")
        return
    state.put("told", f"{counted(count, 'image')} {'moved' if how == 'move' else 'excluded'}; no leak is known now.")


def _undo(workspace: Workspace, dataset: str) -> None:
    state.put("told", f"{counted(workspace.splits.undo(dataset), 'image')} moved back.")
