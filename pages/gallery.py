"""Errors: a run's mistakes, the most telling first, each with its probabilities, neighbours, heat map and history."""

import base64
import html

import pandas as pd
import streamlit as st

from core.domain.samples import SPLITS
from core.evaluation.ordering import top_confusions
from dashboard import charts, figures, frame, palette, results, state, wording
from dashboard.widgets import address, embedding_map, empty_state, run_picker, strip

ORDERS = {"loss": "Most surprising", "sure": "Surest", "look": "By look", "map": "Map"}
ANSWERS = {"all": "All", "given": "Given", "unsure": "Not sure"}  # where a run abstains
SHOWN = 24
ALL = ("", "")  # in the list of confusions: every error

workspace, dataset = frame.begin()
st.title("Errors", anchor=False)
runs = results.finished(workspace, dataset.name) if dataset else []
if dataset is None or not runs:
    empty_state.draw(
        "No finished run yet",
        "Here a run's mistakes are laid out, with what it saw in them. First train one.",
        page="train" if dataset else "import",
        label="Train" if dataset else "Import a folder",
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom", key="matrix-header"):
    run = run_picker.pick(workspace, runs, forgets=("true", "pred", "sample"))
    measured = figures.of_run(workspace, run)
    splits = [split for split in reversed(SPLITS) if split in measured]
    if not splits:
        st.info(f"{run.name} has no predictions for labelled images.", icon=":material/info:")
        st.stop()
    split = address.switch("Split", "split", splits)
    order = address.switch("Order", "order", list(ORDERS), ORDERS.__getitem__)

if order == "map":
    embedding_map.draw(workspace, dataset, run=run.name, split=split, ways=("correctness", "cluster"))
    st.stop()
evaluation = workspace.evaluation(run.name, split, labels="now")
cells = [
    (evaluation.classes[row], evaluation.classes[column]) for row, column in top_confusions(evaluation.matrix, 100)
]
true, pred = state.param("true"), state.param("pred")
cell = (true, pred) if true in evaluation.classes and pred in evaluation.classes else None
options = [ALL, *cells] if cell is None or cell in cells else [ALL, *cells, cell]


def chose_cell() -> None:
    picked = address.picked("cell")
    state.set_params(true=picked[0] or None, pred=picked[1] or None, sample=None)


below = workspace.understanding.calibration(run.name).abstain_below
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.selectbox(
        "Confusion",
        options,
        key=address.key("cell", cell or ALL),
        format_func=lambda one: "All errors" if one == ALL else f"{one[0]} → {one[1]}",
        on_change=chose_cell,
        width=360,
    )
    answers = address.switch("Answers", "answers", list(ANSWERS), ANSWERS.__getitem__) if below else "all"
wrong = workspace.errors.of(run.name, split, cell=cell)
if answers != "all":
    given = workspace.understanding.given(run.name, split)
    wrong = [one for one in wrong if (one.sample_id in given) == (answers == "given")]
if not wrong and answers != "all":
    st.info(f"No errors among those on {split}.", icon=":material/check_circle:")
    st.stop()
if not wrong:
    st.info(f"No errors on {split}.", icon=":material/check_circle:")
    st.stop()
if order == "sure":
    wrong = sorted(wrong, key=lambda one: -one.confidence)
samples = workspace.samples(dataset.name)
contents = dict(zip(samples["sample_id"], samples["content_hash"], strict=True))


@st.fragment(run_every=2.0 if workspace.explaining.working(run.name) else None)
def closer(one) -> None:
    """One error at large: picture, heat map, neighbours in train, what other runs said."""
    known = workspace.explaining.known(run.name, [one.sample_id])
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 3], gap="medium")
        source = f"/image/{dataset.id}/{one.sample_id}?v={contents.get(one.sample_id, '')[:8]}"
        with left:
            st.html(f"<img class='ll-large' src='{html.escape(source)}' alt='{html.escape(one.label)}'>")
        with middle:
            if one.sample_id in known:
                data = base64.b64encode(known[one.sample_id].read_bytes()).decode()
                st.html(f"<img class='ll-large' src='data:image/jpeg;base64,{data}' alt='Where it looked'>")
                st.caption(f"Where {run.name} saw {wording.escaped(one.predicted)} (Grad-CAM).")
            elif workspace.explaining.working(run.name):
                st.caption("Looking for what it saw …")
            else:
                problem = workspace.explaining.problem(run.name, one.sample_id)
                if problem:
                    st.caption(f"Where it looked cannot be shown. {wording.escaped(problem)}")
                words = "Try again" if problem else "Show where it looked"
                if st.button(words, icon=":material/visibility:", key="gallery.explain"):
                    ids = [one.sample_id, *(each.sample_id for each in wrong if each is not one)][:SHOWN]
                    workspace.explaining.start(run.name, ids)
                    st.rerun()
        with right:
            doubt = "" if one.suspicion is None else f" Its label looks wrong with a chance of **{one.suspicion:.0%}**."
            st.markdown(
                f"Labelled **{wording.escaped(one.label)}**, taken for **{wording.escaped(one.predicted)}** "
                f"({one.confidence:.0%}).{doubt}"
            )
            said = workspace.errors.history(dataset.name, one.sample_id)
            st.dataframe(
                pd.DataFrame([{"Run": name, "Said": wording.printable(c), "Sure": f"{p:.0%}"} for name, c, p in said]),
                hide_index=True,
                height="content",
                key="gallery.history",
            )
            if st.button("Relabel in Review", icon=":material/grid_view:", key="gallery.relabel"):
                state.open_queue(workspace.review.pick([one.sample_id], "One image"))
        around = workspace.neighbours.of(dataset.name, one.sample_id, k=12)
        near = [each for each in around if each.split == "train"][:6]
        if near:
            st.caption("The nearest images in train:")
            spec = workspace.review.pick([each.sample_id for each in near], "Neighbours in train")
            strip.draw(dataset, workspace.queue(dataset.name, spec))


def card(one) -> None:
    source = f"/thumb/{dataset.id}/{one.sample_id}?v={contents.get(one.sample_id, '')[:8]}"
    bars = "".join(
        f"<div class='ll-row'><span>{html.escape(charts.shorten(name))}</span>"
        f"<i><i style='width:{chance:.0%};background:{palette.colour_of(name, dataset.classes)}'></i></i>"
        f"<span>{chance:.0%}</span></div>"
        for name, chance in one.best
    )
    st.html(
        f"<div class='ll-error'><img src='{html.escape(source)}' loading='lazy' alt='{html.escape(one.label)}'>"
        f"<b>{html.escape(charts.shorten(one.label))} → {html.escape(charts.shorten(one.predicted))}</b>{bars}</div>"
    )
    st.button(
        "Closer", key=f"gallery.closer-{one.sample_id}", width="stretch",
        on_click=lambda: state.set_params(sample=one.sample_id),
    )  # fmt: skip


def cards(shown) -> None:
    with st.container(horizontal=True, gap="small"):
        for one in shown:
            with st.container(width=170):  # two beside one another on a phone
                card(one)


looked = next((one for one in wrong if one.sample_id == state.param("sample")), None)
if looked is not None:
    closer(looked)
if order == "look":
    groups = workspace.errors.clusters(run.name, wrong)
    if not groups:
        st.info("The pictures are not embedded yet, so they cannot be grouped by look.", icon=":material/info:")
    for number, group in enumerate(groups):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{wording.escaped(group.name)}** · {wording.counted(len(group.rows), 'image')}")
            if st.button("Review these", icon=":material/grid_view:", key=f"gallery.group-{number}"):
                state.open_queue(workspace.review.pick([wrong[at].sample_id for at in group.rows], group.name))
        cards([wrong[at] for at in group.rows[:6]])
else:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(wording.counted(len(wrong), "image"), width="content")
        if st.button("Review these", icon=":material/grid_view:", key="gallery.all"):
            among = "" if answers == "all" else f", {ANSWERS[answers].lower()}"
            words = f"{ORDERS[order]} errors of {run.name}, {split}{among}"
            state.open_queue(workspace.review.pick([one.sample_id for one in wrong], words))
    shown = max(SHOWN, state.get("shown", SHOWN))
    cards(wrong[:shown])
    if len(wrong) > shown:
        st.button(
            f"{shown:,} of {len(wrong):,} shown: show more",
            on_click=lambda: state.put("shown", shown + SHOWN),
            width="stretch",
        )
