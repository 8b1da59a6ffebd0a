"""Predict: drop images, see the class and the probabilities by any finished run."""

import tempfile
from pathlib import Path

import streamlit as st

from core.domain.errors import LabelloopError
from core.images.reading import EXTENSIONS
from core.runs.layout import RunPaths
from dashboard import frame, predictions_csv, state, wording
from dashboard.widgets import empty_state, prediction_cards, run_picker
from dashboard.widgets.prediction_cards import Card

SHOWN = 60
BATCH = 16

workspace, dataset = frame.begin()
st.title("Predict", anchor=False)
here = dataset.name if dataset else None
runs = [
    run
    for run in sorted(workspace.runs(), key=lambda run: run.dataset != here)
    if run.state == "succeeded" and RunPaths(workspace.paths.runs / run.name).model.exists()
]
if not runs:
    empty_state.draw(
        "No trained model yet",
        "Drop images here and a trained model says what they are. Train one first; Instant takes seconds.",
        page="train" if dataset else "import",
        label="Train" if dataset else "Import a folder",
    )
    st.stop()

run = run_picker.pick(workspace, runs, label="Model", dataset=here)
fitted = workspace.understanding.calibration(run.name)
if fitted.abstain_below:
    st.caption(
        f"Below a confidence of {wording.threshold(fitted.abstain_below)} {run.name} says “not sure”; that is set on "
        "its Calibration."
    )
try:
    costs = workspace.costs.of(run.dataset, run.spec.get("classes", []))
except LabelloopError:  # its dataset was removed
    costs = None
by_cost = costs is not None and st.toggle(
    "Answers by cost",
    key="predict.by-cost",
    help="Answer with the class whose expected cost is least; what errors cost is kept on Thresholds.",
)
asked = {"by_cost": True} if by_cost else {}


def exported() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return workspace.reporting.export_model(run.name, Path(folder) / "model.zip").read_bytes()


st.download_button(
    "Download the model",
    exported,
    file_name=f"{run.name}-model.zip",
    mime="application/zip",
    icon=":material/download:",
    on_click="ignore",
    help="A zip: the network as ONNX, what goes in and comes out, its calibration and its model card.",
)
files = st.file_uploader(
    "Images to classify",
    type=sorted(extension.lstrip(".") for extension in EXTENSIONS),
    accept_multiple_files=True,
    key="predict.files",
    help="They are classified on this computer and not kept.",
)
if not files:
    state.put("cards", {})
    st.caption("Drop one image or many. They are classified on this computer and are not added to the dataset.")
    st.stop()

how = f"{run.name} {costs.tolist()}" if by_cost else run.name
known: dict[tuple[str, str], Card] = state.get("cards", {})
new = [file for file in files if (how, file.file_id) not in known]
try:
    if new:
        bar = st.progress(0.0, text=f"Looking at {wording.counted(len(new), 'image')} …")
        for first in range(0, len(new), BATCH):
            batch = new[first : first + BATCH]
            found = workspace.predict(run.name, [file.getvalue() for file in batch], **asked)
            for file, prediction in zip(batch, found, strict=True):
                known[how, file.file_id] = Card(
                    name=file.name,
                    picture=prediction_cards.picture(file.getvalue()),
                    classes=prediction.classes,
                    probabilities=tuple(float(value) for value in prediction.probabilities),
                    error=prediction.error,
                    unsure=prediction.unsure,
                    answer=prediction.predicted if by_cost else "",
                )
            bar.progress(min(1.0, (first + len(batch)) / len(new)))
        bar.empty()
except LabelloopError as error:
    st.error(wording.escaped(error), icon=":material/error:")
    st.stop()
kept = {file.file_id for file in files}
state.put("cards", {key: card for key, card in known.items() if key[1] in kept})
cards = [known[how, file.file_id] for file in files]
read = [card for card in cards if not card.error]

with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    unread = len(cards) - len(read)
    failed = f", {unread:,} could not be read" if unread else ""
    unsure = sum(card.unsure for card in read)
    failed += f", {unsure:,} not sure" if unsure else ""
    st.markdown(f"**{wording.counted(len(read), 'image')}** classified by {run.name}{failed}", width="content")
    order = st.segmented_control(
        "Order", ["As dropped", "Least sure first"], default="As dropped", required=True, label_visibility="collapsed"
    )
    if read:
        classes = list(read[0].classes)
        st.download_button(
            "Download CSV",
            lambda: predictions_csv.table(
                ["file", "predicted", "confidence", "not_sure", *classes],
                [
                    [
                        card.name,
                        card.predicted,
                        f"{card.confidence:.6f}",
                        card.unsure or "",
                        *(f"{p:.6f}" for p in card.probabilities),
                    ]
                    for card in read
                ],
            ),
            file_name=f"{run.name}-predicted.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
if order == "Least sure first":
    cards = sorted(cards, key=lambda card: (bool(card.error), card.confidence))
shown = max(SHOWN, state.get("shown", SHOWN))
prediction_cards.draw(
    cards[:shown], dataset.classes if dataset and run.dataset == here else run.spec.get("classes", [])
)
if len(cards) > shown:
    st.button(
        f"{shown:,} of {len(cards):,} shown: show more",
        on_click=lambda: state.put("shown", shown + SHOWN),
        width="stretch",
    )
