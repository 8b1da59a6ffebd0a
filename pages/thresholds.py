"""Thresholds: one class against the rest, its curves and the images on either side; and errors of unequal cost."""

import numpy as np
import pandas as pd
import streamlit as st

from core.domain.samples import SPLITS
from core.evaluation import thresholds
from core.evaluation.metrics import evaluate, targets
from dashboard import figures, frame, results, state, wording
from dashboard.widgets import address, empty_state, run_picker, threshold

MOST = 12  # classes whose costs can be typed in

workspace, dataset = frame.begin()
st.title("Thresholds", anchor=False)
runs = results.finished(workspace, dataset.name) if dataset else []
if dataset is None or not runs:
    empty_state.draw(
        "No finished run yet",
        "Here you move the line between one class and the rest, and see which images fall on which side. First train.",
        page="train" if dataset else "import",
        label="Train" if dataset else "Import a folder",
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom", key="matrix-header"):
    run = run_picker.pick(workspace, runs)
    measured = figures.of_run(workspace, run)
    splits = [split for split in reversed(SPLITS) if split in measured]
    if not splits:
        st.info(f"{run.name} has no predictions for labelled images.", icon=":material/info:")
        st.stop()
    split = address.switch("Split", "split", splits)
rows, given = workspace.understanding.judged(run.name, split, labels="now")
true = targets(rows, given)
known = np.flatnonzero(true >= 0)
if not len(known):
    st.info(f"No {split} image carries a label of this run's classes now.", icon=":material/info:")
    st.stop()
ids = rows.sample_id[known].tolist()
wanted = state.param("label")
chosen = wanted if wanted in rows.classes else rows.classes[0]
st.selectbox(
    "Class",
    rows.classes,
    key=address.key("label", chosen),
    on_change=lambda: state.set_params(label=address.picked("label")),
    width=320,
)
place = rows.classes.index(chosen)
scores, own = rows.probabilities[known, place], true[known] == place
curves = thresholds.curves(scores, own)
areas = [
    f"{curves.positives:,} of {len(ids):,} {split} images are labelled {wording.escaped(chosen)}",
    f"area under ROC **{curves.auc:.3f}**" if curves.auc is not None else "",
    f"average precision **{curves.average_precision:.3f}**" if curves.average_precision is not None else "",
]
st.markdown(" · ".join(part for part in areas if part))


def opened(at: float, side: str) -> None:
    order = np.argsort(-scores if side == "above" else scores, kind="stable")
    picked = [ids[i] for i in order if (scores[i] >= at) == (side == "above")]
    words = "Taken for" if side == "above" else "Not taken for"
    state.put("open", workspace.review.pick(picked, f"{words} {chosen} at {at:.3f}, {run.name}, {split}"))


threshold.draw(
    ids,
    scores,
    own,
    kind="class",
    words={
        "score": "probability",
        "hit": "it is",
        "miss": "it is not",
        "above": f"Taken for {chosen}",
        "below": f"Not taken for {chosen}",
    },
    threshold=0.5,
    dataset_id=dataset.id,
    identity=f"{run.name} {split} {chosen}",
    key="class",
    opened=opened,
)
spec = state.get("open")
if spec is not None:
    state.put("open", None)
    state.open_queue(spec)

st.subheader("When errors do not cost the same", anchor=False)
if len(rows.classes) > MOST:
    st.caption(f"Costs can be typed in for up to {MOST} classes.")
    st.stop()
st.caption(
    "What does it cost to take an image of the row's label for the column's class? A run that minds costs answers with "
    "the class whose expected cost is least."
)
names = [wording.printable(name) for name in rows.classes]
standard = pd.DataFrame(1.0 - np.eye(len(names)), index=names, columns=names)
table = st.data_editor(standard, key=f"thresholds.costs-{dataset.id}-{len(names)}")
costs = table.to_numpy(dtype=np.float64, copy=True)
np.fill_diagonal(costs, 0.0)
probabilities = workspace.understanding.calibration(run.name).softened(rows.probabilities[known])
usual = evaluate(rows, given)
answer = thresholds.cheapest(probabilities, costs)
size = len(names)
minding = np.bincount(true[known] * size + answer, minlength=size * size).reshape(size, size)
before, after = thresholds.total_cost(usual.matrix, costs), thresholds.total_cost(minding, costs)
changed = int((answer != rows.probabilities[known].argmax(axis=1)).sum())
right = int(np.trace(minding))
st.markdown(
    f"With these costs its errors on {split} cost **{before:,.1f}**; answering by expected cost **{after:,.1f}**, with "
    f"{wording.counted(changed, 'answer')} changed and {right:,} of {len(ids):,} right instead of {usual.correct:,}."
)
