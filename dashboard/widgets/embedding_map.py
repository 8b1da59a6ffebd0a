"""The map of a dataset: similar pictures close together, coloured, and a lasso that opens what it holds."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.domain.samples import DatasetInfo, Split
from core.workspace import Workspace
from core.workspace.overview import COLOURINGS, NO_LABEL, NOT_JUDGED, OF_RUNS, RIGHT, WRONG
from dashboard import palette, results, state, wording
from dashboard.charts import overview as charts
from dashboard.charts.ink import of_template
from dashboard.widgets import address, plot, strip

MOST_POINTS = 60_000
_MOST_COLOURS = 12
_OTHERS = "(others)"
_NONE = "(none)"
_WORDS = {
    "label": "Label",
    "prediction": "Prediction",
    "correctness": "Right or wrong",
    "cluster": "Kind of error",
    "split": "Split",
    "tool": "Tool",
    "finding": "Finding",
}
_SPLITS = {"train": "#2b87d8", "val": "#d87f1a", "test": "#8e1df2"}
_CONFIG = {
    "displaylogo": False,
    "scrollZoom": True,
    "showTips": False,
    "modeBarButtonsToRemove": ["toImage", "autoScale2d"],
}


def draw(
    workspace: Workspace,
    dataset: DatasetInfo,
    *,
    run: str | None = None,
    split: Split | None = None,
    ways: Sequence[str] = COLOURINGS,
) -> None:
    """The map, or the button that makes it; coloured in one of ``ways``, by ``run`` (the newest where it is ``None``)
    and its errors on ``split`` (on all).
    """
    points = workspace.overview.map(dataset.name)
    making = next((job for job in workspace.jobs(dataset.name) if job.kind == "map" and job.active), None)
    embedding = any(job.kind == "embed" and job.active for job in workspace.jobs(dataset.name))
    if points is None or points.empty:
        st.markdown("Similar pictures lie close together on the map. Draw around some of them to review just those.")
        _make(workspace, dataset, "Make the map", busy=making is not None, wait=embedding)
        return
    lacking = len(workspace.overview.glance(dataset.name).table) - len(points)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        how = address.switch("Colour by", "colour", list(ways), _WORDS.__getitem__)
        if lacking or making is not None:
            _make(workspace, dataset, "Bring it up to date", busy=making is not None, wait=embedding)
    if lacking:
        st.caption(f"{wording.counted(lacking, 'image')} joined since and {'is' if lacking == 1 else 'are'} not on it.")
    newest = next(iter(results.finished(workspace, dataset.name)), None)
    run = run or (newest.name if newest else None)
    if how in OF_RUNS and run is None:
        st.info("No finished run yet; click Retrain.", icon=":material/info:")
        return
    if len(points) > MOST_POINTS:
        st.caption(f"{MOST_POINTS:,} of {len(points):,} images, evenly drawn.")
        points = points.iloc[:: -(-len(points) // MOST_POINTS)].reset_index(drop=True)
    groups = workspace.overview.colours_by(dataset.name, points, how, run, split=split)
    groups, colours = _coloured(groups, dataset, how)
    figure = charts.embedding_map(points, groups, colours=colours, template=plot.template())
    event = st.plotly_chart(
        figure,
        key=f"{state.current_page()}.map-{how}-{run}-{split}-{len(points)}",
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
        config=_CONFIG,
        width="stretch",
        alt=f"Map of {len(points)} images, coloured by {how}",
    )
    picked = [int(point["customdata"][0]) for point in event.selection.points]
    _chosen(workspace, dataset, points, picked)


def _chosen(workspace: Workspace, dataset: DatasetInfo, points: pd.DataFrame, picked: list[int]) -> None:
    rows = points.iloc[sorted(set(picked))]
    if rows.empty:
        st.caption("Draw around images with the mouse, or click one, to see and review them.")
        return
    ids = list(rows["sample_id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{wording.counted(len(ids), 'image')} chosen**", width="content")
        review = st.button("Review them", icon=":material/grid_view:", type="primary", key="overview.map-review")
        app = st.button("Open in FiftyOne", icon=":material/travel_explore:", key="overview.map-fiftyone")
    spec = workspace.review.pick(ids, "Chosen on the map")
    if review or app:
        state.open_queue(spec, page="fiftyone" if app else "review")
    strip.draw(dataset, workspace.queue(dataset.name, spec))


def _make(workspace: Workspace, dataset: DatasetInfo, label: str, *, busy: bool, wait: bool) -> None:
    if wait:
        st.caption("The images are still being embedded; the map can be made after that.")
    st.button(
        "Making the map …" if busy else label,
        icon=":material/scatter_plot:",
        disabled=busy or wait,
        key="overview.make-map",
        on_click=lambda: _start(workspace, dataset.name),
    )


def _start(workspace: Workspace, dataset: str) -> None:
    workspace.overview.start_map(dataset)


def _coloured(groups: list[str], dataset: DatasetInfo, how: str) -> tuple[list[str], dict[str, str]]:
    """Groups with the rare ones put together, and a colour each; what has none lies at the bottom."""
    counts = pd.Series(groups).value_counts()
    if how in ("correctness", "cluster"):
        return _judged(groups, counts)
    if how in ("label", "prediction") and len(dataset.classes) <= _MOST_COLOURS:
        named = [name for name in dataset.classes if name in counts.index]
    else:
        named = [str(name) for name in counts.index if name not in (NO_LABEL, _NONE)][:_MOST_COLOURS]
    quiet = {NO_LABEL, _NONE, "(not said)"}
    fixed = palette.colours_of(dataset.classes) if how in ("label", "prediction") else _SPLITS if how == "split" else {}
    colours = {name: palette.NO_LABEL for name in quiet if name in counts.index}
    kept = {*named, *colours}
    if any(name not in kept for name in counts.index):
        colours[_OTHERS] = "#b9bcc4"
    for place, name in enumerate(name for name in named if name not in quiet):
        colours[name] = fixed.get(name, palette.CLASS_COLOURS[place % len(palette.CLASS_COLOURS)])
    return [name if name in kept else _OTHERS for name in groups], colours


def _judged(groups: list[str], counts: "pd.Series[int]") -> tuple[list[str], dict[str, str]]:
    """Right at the bottom and quiet, errors on top: all in one colour, or each group in its own."""
    ink = of_template(plot.template())
    quiet = {NOT_JUDGED: palette.NO_LABEL, RIGHT: ink.right[1]}
    colours = {name: colour for name, colour in quiet.items() if name in counts.index}
    kinds = sorted((name for name in counts.index if name not in (*quiet, WRONG)), key=lambda n: int(n.split(".")[0]))
    if WRONG in counts.index:
        colours[WRONG] = ink.wrong[1]
    if kinds:
        colours |= {RIGHT: palette.NO_LABEL} if RIGHT in colours else {}
        colours |= {name: palette.CLASS_COLOURS[at % len(palette.CLASS_COLOURS)] for at, name in enumerate(kinds)}
    return groups, colours
