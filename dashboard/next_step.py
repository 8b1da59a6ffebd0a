"""What next: the one thing worth doing now with a dataset, and why. A plain function of counts, no streamlit."""

from dataclasses import dataclass
from typing import Literal

from core.domain.samples import DatasetInfo, Split
from core.review.queues import QueueSpec
from core.workspace import StaleMeter
from dashboard.wording import counted

Act = Literal["review", "retrain", "matrix", "import", "predict"]
ENOUGH = 10  # labels changed after which another run tells more than another look


@dataclass(frozen=True, slots=True)
class Step:
    """``act`` is what its button does; ``queue`` is what "review" opens."""

    title: str
    reason: str
    label: str
    act: Act
    icon: str
    queue: QueueSpec | None = None


def choose(dataset: DatasetInfo, meter: StaleMeter, *, suspicious: int, wrong: int, split: Split) -> Step:
    """The step. The newest run doubts about ``suspicious`` labels and gets ``wrong`` images of ``split`` wrong."""
    unlabelled = dataset.labels.get(None, 0)
    used = [name for name in dataset.classes if dataset.labels.get(name)]
    if not dataset.samples:
        return Step("Import images", "The dataset is empty.", "Import a folder", "import", "create_new_folder")
    if len(used) < 2:
        return _first_labels(dataset, used, unlabelled)
    if meter.run is None:
        reason = "Training takes seconds, and shows which labels look wrong and which classes are mixed up."
        return Step("Train a first model", reason, "Train", "retrain", "model_training")
    if meter.touched and (meter.labels_changed >= ENOUGH or not suspicious):
        title = f"{counted(meter.labels_changed, 'label')} changed" if meter.labels_changed else "The images changed"
        reason = f"{meter.run} has not seen it. Train again and see whether it helped."
        return Step(f"{title} since {meter.run.replace('-', ' ')}", reason, "Retrain", "retrain", "autorenew")
    if suspicious:
        title = f"About {counted(suspicious, 'label')} may be wrong"
        reason = f"{meter.run} did not learn from these images and gives them another class. Likeliest errors first."
        return Step(title, reason, "Review them", "review", "fact_check", QueueSpec(kind="suspicious"))
    if unlabelled:
        title = f"{counted(unlabelled, 'image')} without a label"
        reason = f"{meter.run} suggests a class for each: accept with one key."
        return Step(title, reason, "Label them", "review", "label", QueueSpec(kind="unlabelled"))
    if wrong:
        title = f"{meter.run} gets {counted(wrong, f'{split} image')} wrong"
        return Step(title, "See which classes it mixes up, and look at those images.", "Open matrix", "matrix", "apps")
    return Step(
        "Try the model", "Every label was looked at and the newest model knows them.", "Predict", "predict", "bolt"
    )


def _first_labels(dataset: DatasetInfo, used: list[str], unlabelled: int) -> Step:
    if not unlabelled:
        reason = f"All images are labelled {used[0]}; a model needs at least two classes to tell apart."
        return Step("Add a second class", reason, "Review", "review", "label", QueueSpec(kind="all"))
    queue = QueueSpec(kind="unlabelled")
    if len(dataset.classes) < 2:
        reason = "Name at least two classes (“New class” in Review), then give each image its class with one key."
    else:
        reason = "A model needs labelled images of at least two classes. Give each image its class with one key."
    return Step(f"Label {counted(unlabelled, 'image')}", reason, "Start labelling", "review", "label", queue)
