"""What a report holds, whatever it is written as."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.domain.samples import Labels
from core.evaluation.calibration import Reliability
from core.evaluation.comparison import Comparison
from core.evaluation.domains import Domain
from core.evaluation.metrics import Evaluation
from core.evaluation.ordering import top_confusions
from core.evaluation.scores import Scores
from core.evaluation.slices import Shortcut, Slice

CONFUSED = ("Label", "Taken for", "Images", "Of that label")  # heads of :func:`confusions`
_CONFUSIONS = 20
_AT_A_LOOK = 4  # classes up to which the matrix itself is as quickly read


@dataclass(frozen=True, slots=True)
class Picture:
    """An example: a JPEG thumbnail, what it is labelled and what the run said."""

    jpeg: bytes
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class RunPart:
    """One run on one split. ``facts`` are (what, value) of how it was made; ``cautions`` sentences to be read first."""

    name: str
    model: str
    dataset: str
    split: str
    labels: Labels
    evaluation: Evaluation
    scores: Scores
    reliability: Reliability | None
    facts: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...]
    slices: tuple[Slice, ...]
    shortcuts: tuple[Shortcut, ...]
    domains: tuple[Domain, ...]
    errors: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A run, or two with what changed between them."""

    title: str
    made_at: str
    runs: tuple[RunPart, ...]
    comparison: Comparison | None = None
    fixed: tuple[Picture, ...] = ()
    broken: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = field(default=())


TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_precision": "Macro precision",
    "macro_recall": "Macro recall",
    "macro_f1": "Macro F1",
    "weighted_precision": "Weighted precision",
    "weighted_recall": "Weighted recall",
    "weighted_f1": "Weighted F1",
    "kappa": "Cohen's kappa",
    "mcc": "Matthews' correlation",
    "log_loss": "Log loss",
    "top_2_accuracy": "Top-2 accuracy",
    "top_3_accuracy": "Top-3 accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "roc_auc": "Area under ROC, mean of the classes",
    "average_precision": "Average precision, mean of the classes",
}


def judged_under(part: RunPart) -> str:
    """Under which labels its figures are."""
    return "Judged under the labels of now." if part.labels == "now" else "Judged under the labels it was trained with."


def labels_of(found: Comparison) -> tuple[str, str]:
    """The heads of the credit split: the older run's labels, and those that judge both."""
    return f"labels of {found.old}", "labels now" if found.labels == "now" else f"labels of {found.new}"


def change(found: Comparison) -> str:
    """The accuracies; with a verdict also how sure the change is, which means nothing without one."""
    was, now = found.old_accuracy, found.new_accuracy
    text = f"Accuracy {was:.1%} → {now:.1%}, a change of {(now - was) * 100:+.1f} points"
    if found.verdict is None:
        return f"{text}."
    low, high = found.interval
    return (
        f"{text}, likely between {low * 100:+.1f} and {high * 100:+.1f} (paired bootstrap); McNemar's exact p = "
        f"{found.p_value:.2g}."
    )


def difference(found: Comparison) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """All classes of both runs, and the newer matrix minus the older."""
    parts = (found.old_evaluation, found.new_evaluation)
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    whole = np.zeros((2, len(classes), len(classes)), dtype=np.int64)
    for matrix, part in zip(whole, parts, strict=True):
        places = [classes.index(name) for name in part.classes]
        matrix[np.ix_(places, places)] = part.matrix
    return classes, whole[1] - whole[0]


def domain_rows(part: RunPart) -> list[tuple[object, ...]]:
    """A row a kind of source: name, images, right, the most frequent error."""
    rows: list[tuple[object, ...]] = []
    for one in part.domains:
        right = f"{one.accuracy.value:.1%} ({one.accuracy.low:.1%} to {one.accuracy.high:.1%})"
        error = ""
        if one.confusion is not None:
            label, predicted, count, of = one.confusion
            error = f"{label} → {predicted} {count / of:.0%}"
        rows.append((one.name, one.samples, right, error))
    return rows


def shares_of_rows(matrix: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each cell as a share of its row; 0 in an empty row."""
    totals = matrix.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = np.zeros(matrix.shape, dtype=np.float64)
    np.divide(matrix, totals, out=shares, where=totals > 0)
    return shares


def confusions(part: RunPart) -> list[tuple[str, str, int, str]]:
    """The most frequent errors: label, what it was taken for, how often, and the share of that label's images."""
    found, size = part.evaluation, len(part.evaluation.classes)
    support = found.matrix.sum(axis=1)
    return [
        (
            found.classes[row],
            found.classes[column],
            (count := int(found.matrix[row, column])),
            f"{count / support[row]:.0%}",
        )
        for row, column in top_confusions(found.matrix, _CONFUSIONS if size > _AT_A_LOOK else 0)
    ]
