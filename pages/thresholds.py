"""Thresholds: one class against the rest, its curves and the images on either side; and errors of unequal cost."""

import numpy as np
import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS
from core.evaluation import areas, thresholds
from core.workspace.costs import check
from dashboard import figures, frame, results, state, wording
from dashboard.widgets import address, cost_table, empty_state, run_picker, threshold

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
judged = workspace.understanding.judged(run.name, split, labels="now")
rows, true, known = judged.rows, judged.true, judged.known
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
fitted = workspace.understanding.calibration(run.name)
scores, own = fitted.softened_class(rows.probabilities, place)[known], true[known] == place
facts = [
    f"{int(own.sum()):,} of {len(ids):,} {split} images are labelled {wording.escaped(chosen)}",
    *(
        f"{name} **{one.value:.3f}** ({one.low:.3f} to {one.high:.3f})"
        for name, one in zip(("area under ROC", "average precision"), areas.of_class(scores, own) or (), strict=False)
    ),
]
st.markdown(" · ".join(facts))
if fitted.temperature != 1:
    st.caption(f"Probabilities are at its temperature of {fitted.temperature:.2f}, as in its predictions.")


def opened(at: float, side: str) -> None:
    order = np.argsort(-scores if side == "above" else scores, kind="stable")
    picked = [ids[i] for i in order if (float(scores[i]) >= at) == (side == "above")]
    words = "Taken for" if side == "above" else "Not taken for"
    state.put(
        "open", workspace.review.pick(picked, f"{words} {chosen} at {wording.threshold(at)}, {run.name}, {split}")
    )


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
st.caption("A run that minds costs answers with the class whose expected cost is least.")
size = len(rows.classes)
kept = workspace.costs.of(dataset.name, rows.classes)
start = thresholds.equal_costs(size) if kept is None else kept
other = hash(start.tobytes())  # other costs kept, another table
costs = cost_table.draw(rows.classes, start, key=f"thresholds.costs-{dataset.id}-{run.name}-{other}")
try:
    check(rows.classes, costs)
except LabelloopError as error:
    st.error(wording.escaped(error), icon=":material/error:")
    st.stop()
answer = workspace.understanding.by_cost(run.name, split, costs)
minding = np.bincount(true[known] * size + answer, minlength=size * size).reshape(size, size)
before, after = (thresholds.total_cost(matrix, costs) for matrix in (judged.evaluation.matrix, minding))
changed = np.flatnonzero(answer != rows.chosen[known])
right = int(np.trace(minding))
st.markdown(
    f"With these costs its errors on {split} cost **{before:,.1f}**; answering by expected cost **{after:,.1f}**, with "
    f"{wording.counted(len(changed), 'answer')} changed and {right:,} of {len(ids):,} right instead of "
    f"{judged.evaluation.correct:,}."
)
with st.container(horizontal=True):
    if len(changed) and st.button(
        f"Review the {wording.counted(len(changed), 'image')} whose answer changes",
        icon=":material/grid_view:",
        key="thresholds.changed",
    ):
        words = f"Another answer by cost, {run.name}, {split}"
        state.open_queue(workspace.review.pick([ids[at] for at in changed], words))
    if (costs != start).any() and st.button("Keep these costs", icon=":material/save:", key="thresholds.keep"):
        workspace.costs.keep(dataset.name, rows.classes, costs)
        st.rerun()
    if kept is not None and st.button("Forget the costs kept", key="thresholds.forget"):
        workspace.costs.forget(dataset.name)
        st.rerun()
if kept is not None:
    st.caption(f"Kept with {wording.escaped(dataset.name)}: Predict can answer by these costs.")
