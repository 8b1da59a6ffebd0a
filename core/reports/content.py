"""What a report holds, whatever it is written as."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import Reliability
from core.evaluation.comparison import Comparison
from core.evaluation.metrics import Evaluation
from core.evaluation.scores import Scores
from core.evaluation.slices import Shortcut, Slice


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
    evaluation: Evaluation
    scores: Scores
    reliability: Reliability | None
    facts: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...]
    slices: tuple[Slice, ...]
    shortcuts: tuple[Shortcut, ...]
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
}


def shares_of_rows(matrix: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each cell as a share of its row; 0 in an empty row."""
    totals = matrix.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = np.zeros(matrix.shape, dtype=np.float64)
    np.divide(matrix, totals, out=shares, where=totals > 0)
    return shares
