"""One dataset in a line: images, classes as a strip, share reviewed, the newest result, what runs, a menu."""

from html import escape

import streamlit as st

from core.domain.runs import ACTIVE_STATES
from core.domain.samples import SPLITS, DatasetInfo
from core.workspace import Workspace
from dashboard import navigation, palette, progress, results
from dashboard.widgets import keeping
from dashboard.wording import counted, escaped, percent


def draw(workspace: Workspace, dataset: DatasetInfo) -> None:
    """Draw the line."""
    with st.container(border=True, key=f"dataset-{dataset.id}"):
        name, images, classes, reviewed, result, more = st.columns(
            [2.2, 1.3, 2.6, 1.4, 2.2, 0.3], vertical_alignment="center"
        )
        with name:
            st.page_link(
                navigation.page("review"), label=f"**{escaped(dataset.name)}**", query_params={"dataset": dataset.name}
            )
        with images:
            st.markdown(f"{dataset.samples:,}", width="content")
            st.caption(_splits(dataset))
        with classes:
            st.html(_strip(dataset))
        with reviewed:
            share = _reviewed(workspace, dataset)
            st.markdown(percent(share) if share else "–", width="content")
            st.caption("reviewed")
        with result:
            _result(workspace, dataset)
        with more:
            keeping.menu(workspace, dataset)


def _result(workspace: Workspace, dataset: DatasetInfo) -> None:
    active = [
        one for one in (*workspace.runs(dataset.name), *workspace.jobs(dataset.name)) if one.state in ACTIVE_STATES
    ]
    if active:
        st.markdown(progress.headline(active[0]))
        return
    done = results.finished(workspace, dataset.name)
    found = results.measured(workspace, done[0].name) if done else None
    if found is None:
        st.markdown("–" if not done else f"{done[0].name}")
        st.caption("never trained" if not done else "not measured: there is no test or val image")
        return
    st.page_link(
        navigation.page("matrix"),
        label=f"**{percent(found.accuracy)}** on {found.split}",
        query_params={"dataset": dataset.name, "run": found.run},
    )
    st.caption(f"{found.run}, likely {percent(found.low)} to {percent(found.high)}")


def _reviewed(workspace: Workspace, dataset: DatasetInfo) -> float:
    frame = workspace.samples(dataset.name)
    return float(frame["reviewed"].mean()) if len(frame) else 0.0


def _splits(dataset: DatasetInfo) -> str:
    parts = [f"{dataset.splits[split]:,} {split}" for split in SPLITS if dataset.splits.get(split)]
    return "images" if len(parts) < 2 else ", ".join(parts)


def _strip(dataset: DatasetInfo) -> str:
    """The classes as one bar, each as wide as its share; names in the tooltips and, for few, under it."""
    colours = palette.colours_of(dataset.classes)
    parts = [(name, dataset.labels.get(name, 0), colours[name]) for name in dataset.classes]
    parts.append(("no label", dataset.labels.get(None, 0), "transparent"))
    bars = "".join(
        f'<i style="flex:{count};background:{colour}" title="{escape(name)}: {counted(count, "image")}"></i>'
        for name, count, colour in parts
        if count
    )
    few = [part for part in parts if part[1]][:4]
    more = sum(1 for part in parts if part[1]) - len(few)
    names = "".join(
        f'<span><b style="background:{colour}"></b>{escape(name)} {count:,}</span>' for name, count, colour in few
    )
    names += f"<span>and {counted(more, 'more', 'more')}</span>" if more else ""
    return f'<div class="ll-strip"><div>{bars}</div><p>{names}</p></div>'
