"""Data health: what is wrong with the pictures, files and splits; every finding leads to its images."""

import streamlit as st

from core.checks.findings import values
from core.checks.kinds import BY_KEY, KINDS
from core.review.queues import QueueSpec
from core.workspace.health import Coverage
from core.workspace.prompts import MISMATCH
from dashboard import charts, frame, state
from dashboard.charts.health import raw_values
from dashboard.widgets import cull, empty_state, finding_strip, job_panel, leaks, plot, prompt_rules, relink
from dashboard.widgets.finding_strip import Picture
from dashboard.wording import ago, counted, escaped

SECTIONS = {
    "Copies": ("leak", "label-conflict", "exact-duplicate", "near-duplicate"),
    "Pictures": ("blurred", "dark", "bright", "flat", "tiny", "odd-shape", "outlier"),
    "Dataset": ("class-imbalance", "missing-file"),
}
COMPARED = ("leak", "label-conflict", "near-duplicate", "outlier", "missing-file")  # by a check only

workspace, dataset = frame.begin()
st.title("Data health", anchor=False)
if dataset is None:
    empty_state.draw(
        "No images yet",
        "Here you see what is wrong with them: copies, leaks between splits, blurred or dark pictures, odd ones out.",
        page="import",
        label="Import a folder",
    )
    st.stop()

counts = workspace.health.refresh(dataset.name)
seen = workspace.health.coverage(dataset.name)


def check() -> None:
    workspace.health.start_check(dataset.name, after=workspace.start_embedding(dataset.name))


def looked(seen: Coverage) -> str:
    """How much was compared and when, and what is not known yet."""
    if seen.checked_at is None:
        return seen.sentence or "Not looked at yet"
    parts = [f"{counted(seen.samples, 'image')}, {seen.compared:,} of them compared {ago(seen.checked_at)}"]
    if not seen.unseen:
        parts = [f"{counted(seen.samples, 'image')}, all compared {ago(seen.checked_at)}"]
    if seen.compared > seen.embedded:
        parts.append(f"{counted(seen.compared - seen.embedded, 'image')} without embedding: crops of them are unknown")
    if seen.unasked:
        parts.append(f"{counted(seen.unasked, 'pair')} that may be crops of one another were not looked into: too many")
    return ". ".join([*parts, *([seen.sentence] if seen.unseen else [])])


with st.container(horizontal=True, vertical_alignment="center", key="health-head"):
    st.caption(looked(seen))
    if not seen.checking:
        st.button(
            "Check again" if seen.compared else "Check now",
            icon=":material/health_and_safety:",
            type="primary" if seen.unseen else "secondary",
            key="health.check",
            on_click=check,
            help="Looks for missing files, measures new pictures, compares all.",
        )
if seen.checking:
    job_panel.draw(workspace, seen.checking)
cull.draw_excluded(workspace, dataset)
state.put("told", "")

chosen = state.param("kind") or next((kind.key for kind in KINDS if counts[kind.key]), "leak")
kind = BY_KEY.get(chosen, KINDS[0])
left, right = st.columns([1, 2.6], gap="large")


def icon(key: str, found: int) -> str:
    """Grave, found, none found, or not known yet since nothing was compared."""
    if found:
        return ":material/error:" if key in ("leak", "label-conflict", "missing-file") else ":material/search:"
    return ":material/pending:" if seen.unseen and key in COMPARED else ":material/check:"


with left, st.container(key="health-kinds", gap="xsmall"):
    for section, keys in SECTIONS.items():
        st.caption(section)
        for key in keys:
            found = counts[key]
            st.button(
                f"{BY_KEY[key].title} · **{found:,}**" if found else BY_KEY[key].title,
                key=f"health.kind-{key}",
                icon=icon(key, found),
                type="primary" if key == kind.key and chosen != MISMATCH else "secondary" if found else "tertiary",
                width="stretch",
                help=BY_KEY[key].meaning,
                on_click=state.set_params,
                kwargs={"kind": key},
            )
    if prompts := bool(workspace.prompts.frame(dataset.name)["prompt"].astype(bool).any()):
        disagree = len(workspace.review.findings(dataset.name, MISMATCH))
        st.caption("Prompts")
        st.button(
            f"Prompt against picture · **{disagree:,}**" if disagree else "Prompt against picture",
            key=f"health.kind-{MISMATCH}",
            icon=":material/search:" if disagree else ":material/auto_awesome:",
            type="primary" if chosen == MISMATCH else "secondary" if disagree else "tertiary",
            width="stretch",
            help="Where a run sees another class in the picture than the prompt names.",
            on_click=state.set_params,
            kwargs={"kind": MISMATCH},
        )

if prompts and chosen == MISMATCH:
    with right:
        prompt_rules.card(workspace, dataset)
    st.stop()


def slide() -> None:
    workspace.health.set_threshold(dataset.name, kind.key, float(state.get(f"threshold-{kind.key}")))


def threshold() -> None:
    """The slider over the raw values; letting it go makes the findings anew."""
    limit = workspace.health.thresholds(dataset.name)[kind.key]
    facts = workspace.health.facts(dataset.name)
    raw = (
        facts.pairs["likeness"].to_numpy(dtype=float)
        if kind.grouped and not len(values(facts, kind.key))
        else values(facts, kind.key)
    )
    usual = workspace.health.usual(dataset.name, kind.key)
    at = min(max(limit, kind.low), kind.high)
    if state.get(f"threshold-{kind.key}") != at:  # a value that is put takes the handle out of the hand that moves it
        state.put(f"threshold-{kind.key}", at)
    unit = f" in {kind.unit}" if kind.unit else ""
    st.slider(
        f"{kind.value}{unit}, {'at most' if kind.worse == 'low' else 'at least'}",
        kind.low,
        kind.high,
        step=kind.step,
        key=f"health.threshold-{kind.key}",
        on_change=slide,
        help="Raw values are kept: moving the threshold changes which images count, and nothing is measured again.",
    )
    if len(raw):
        plot.show(
            raw_values(
                raw,
                threshold=limit,
                low=kind.low,
                high=kind.high,
                beyond_low=kind.worse == "low",
                template=plot.template(),
            ),
            key=f"health.values-{kind.key}",
            alt=f"How often each value of {kind.value} occurs",
        )
    if abs(limit - usual) > 1e-9:
        st.button(
            f"Back to {usual:g}",
            type="tertiary",
            icon=":material/undo:",
            key="health.usual",
            on_click=workspace.health.set_threshold,
            args=(dataset.name, kind.key, None),
        )


with right:
    rows = workspace.health.findings(dataset.name, kind.key)
    st.subheader(kind.title, anchor=False)
    st.caption(kind.meaning)
    if kind.threshold is not None:
        threshold()
    if kind.key == "class-imbalance":
        named = {name: dataset.labels.get(name, 0) for name in dataset.classes}
        plot.show(charts.class_counts(named, template=plot.template()), key="health.classes", alt="Images by class")
    if kind.key == "missing-file" and len(rows):
        relink.draw(workspace, dataset, len(rows))
    if kind.key == "leak":
        leaks.draw(workspace, dataset, workspace.splits.gate(dataset.name))
    with st.container(horizontal=True, vertical_alignment="center", key="health-actions"):
        what = counted(rows["group"].nunique(), "group") + " of " if kind.grouped and len(rows) else ""
        st.markdown(f"**{what}{counted(len(rows), 'image')}**", width="content")
        if len(rows) and st.button("Review these", icon=":material/grid_view:", key="health.review"):
            state.open_queue(QueueSpec(kind="finding", finding=kind.key))
        if len(rows) and not kind.grouped:
            st.button(
                f"Exclude {counted(len(rows), 'image')}",
                icon=":material/content_cut:",
                key="health.exclude",
                help="Left out of queues, training and figures. Files stay; Restore brings them back.",
                on_click=cull.exclude,
                args=(workspace, dataset.name, rows["sample_id"].tolist(), kind.key),
            )
    if kind.key in ("exact-duplicate", "near-duplicate") and len(rows):
        cull.draw(workspace, dataset, near=kind.key == "near-duplicate")
    elif len(rows):
        shown = rows.head(400 if kind.grouped else finding_strip.SHOWN)
        table = workspace.samples(dataset.name)
        table = table[table["sample_id"].isin(set(shown["sample_id"]))]
        lines = {line["sample_id"]: line for line in table.to_dict("records")}
        pictures = {}
        for row in shown.itertuples(index=False):
            line = lines[row.sample_id]
            note = "" if kind.grouped else row.detail
            one = Picture.of(line, note, mark=line["split"] if kind.key == "leak" else "")
            pictures.setdefault(row.group if kind.grouped else "", (row.detail, []))[1].append(one)
        if kind.grouped:
            finding_strip.draw_clusters(dataset, pictures)
        else:
            finding_strip.draw(dataset, pictures[""][1])
            if len(rows) > finding_strip.SHOWN:
                st.caption(f"{len(rows):,} in all, the worst first.")
    elif not seen.unseen or kind.key in ("exact-duplicate", "class-imbalance"):
        st.info(f"None found: {escaped(kind.title.lower())}.", icon=":material/check_circle:")
    elif seen.compared:
        st.info(f"None found in what was looked at: {escaped(kind.title.lower())}.", icon=":material/check_circle:")
    if kind.key == "leak":
        leaks.draw_kept_together(workspace, dataset)
