"""Calibration: is the run as sure as it is right, and when should it rather say "not sure"?"""

import streamlit as st

from core.domain.errors import LabelloopError
from core.domain.samples import SPLITS
from dashboard import charts, figures, frame, navigation, results, state, wording
from dashboard.widgets import address, empty_state, plot, run_picker, threshold

workspace, dataset = frame.begin()
st.title("Calibration", anchor=False)
runs = results.finished(workspace, dataset.name) if dataset else []
if dataset is None or not runs:
    empty_state.draw(
        "No finished run yet",
        "Here you see whether a run is as sure as it is right, and set when it says “not sure”. First train one.",
        page="train" if dataset else "import",
        label="Train" if dataset else "Import a folder",
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom", key="matrix-header"):
    run = run_picker.pick(workspace, runs)
    splits = [split for split in ("test", "val", "train") if split in figures.of_run(workspace, run)]
    if not splits:
        st.info(f"{run.name} has no predictions for labelled images.", icon=":material/info:")
        st.stop()
    split = address.switch("Split", "split", [one for one in reversed(SPLITS) if one in splits])
found = workspace.understanding.sureness(run.name, split)
if found is None:
    st.info(f"No {split} image carries a label of this run's classes now.", icon=":material/info:")
    st.stop()
fitted = workspace.understanding.calibration(run.name)


def fit() -> None:
    try:
        workspace.understanding.calibrate(run.name)
    except LabelloopError as error:
        st.toast(wording.escaped(error), icon=":material/error:", duration="long")


left, right = st.columns([5, 4], gap="large")
with left:
    after = found.after if fitted.temperature != 1 else None
    plot.show(
        charts.reliability(found.before, after, template=plot.template()),
        key="calibration.reliability",
        alt=f"Accuracy of {run.name} on {split} by its confidence",
    )
with right:
    ece = found.after.ece
    st.metric(
        "Calibration error (ECE)",
        f"{ece.value * 100:.1f} points",
        delta=f"{found.before.ece.value * 100:.1f} as trained" if fitted.temperature != 1 else None,
        delta_color="off",
        delta_arrow="off",
        help="By how many points confidence and accuracy differ on average; 0 is perfect.",
    )
    st.markdown(f"Likely between {ece.low * 100:.1f} and {ece.high * 100:.1f} points on new images like these.")
    st.caption("Simulated, this interval holds the truth in 90 to 98 of 100 cases, where 95 are meant.")
    gap = float(found.confidence.mean()) - float(found.right.mean())
    if ece.low == 0:
        st.markdown(f"On these {len(found.ids):,} images its confidence cannot be told from a perfectly honest one.")
    else:
        st.markdown(f"On the whole it is **{'too sure' if gap > 0 else 'not sure enough'}** of itself.")
    if fitted.samples:
        st.caption(
            f"Temperature {fitted.temperature:.2f}, fitted on {fitted.samples:,} val images: log loss "
            f"{fitted.loss_before:.3f} → {fitted.loss_after:.3f}. Above 1 softens, below 1 sharpens. "
            "Predictions use it."
        )
    st.button(
        "Fit again on val" if fitted.samples else "Fit its temperature on val",
        icon=":material/thermostat:",
        on_click=fit,
        key="calibration.fit",
        help="One number that softens or sharpens all probabilities alike; which class wins stays the same.",
    )
    if split == "val" and fitted.samples:
        st.caption("The temperature was fitted on these very images; look at test for an honest figure.")

st.subheader("When to say “not sure”", anchor=False)
st.caption(
    "Below the threshold the run does not answer. Move it, and see how many images are left unanswered and how many of "
    "the rest are right."
)


def use(below: float) -> None:
    workspace.understanding.abstain(run.name, below)
    st.toast(
        f"{run.name} says “not sure” below {wording.threshold(below)} from now on.", icon=":material/check_circle:"
    )


def opened(at: float, side: str) -> None:
    surest = dict(zip(found.ids, found.confidence.tolist(), strict=True))
    chosen = [i for i, sure in surest.items() if (sure >= at) == (side == "above")]
    chosen.sort(key=surest.__getitem__, reverse=side == "above")
    words = "Answered" if side == "above" else "Not sure"
    state.put("open", workspace.review.pick(chosen, f"{words} by {run.name} at {wording.threshold(at)}, {split}"))


threshold.draw(
    found.ids,
    found.confidence,
    found.right,
    kind="abstain",
    words={
        "score": "confidence",
        "hit": "right",
        "miss": "wrong",
        "above": "Answered",
        "below": "Not sure",
        "use": "Use when predicting",
    },
    threshold=fitted.abstain_below,
    dataset_id=dataset.id,
    identity=f"{run.name} {split} {fitted.temperature} {fitted.abstain_below}",
    key="abstain",
    used=use,
    opened=opened,
)
if fitted.abstain_below:
    with st.container(horizontal=True, vertical_alignment="center"):
        answered, correct = found.answered
        st.markdown(
            f"In use: **{wording.threshold(fitted.abstain_below)}**. It answers {wording.percent(answered.value)} of "
            f"{split}; of these {wording.percent(correct.value)} are right, likely between "
            f"{wording.percent(correct.low)} and {wording.percent(correct.high)} on new images.",
            width="content",
        )
        st.page_link(
            navigation.page("errors"),
            label="The errors it still answers",
            icon=":material/broken_image:",
            query_params={"dataset": dataset.name, "run": run.name, "split": split, "answers": "given"},
        )
        st.button(
            "Answer always", on_click=lambda: workspace.understanding.abstain(run.name, 0.0), key="calibration.off"
        )
spec = state.get("open")
if spec is not None:
    state.put("open", None)
    state.open_queue(spec)
