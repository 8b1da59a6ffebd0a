"""What a reader should know before believing the figures of a run."""

from core.domain.samples import Split
from core.evaluation.metrics import Evaluation

FEW = 100  # images under which the interval is said in words of warning


def cautions(evaluation: Evaluation, *, split: Split, model: str) -> list[str]:
    """A sentence each; ``model`` is the run's, since an instant head chooses no epoch."""
    found = []
    low, high = evaluation.interval
    if evaluation.samples < FEW:
        off = max(high - evaluation.accuracy, evaluation.accuracy - low)
        found.append(f"Only {_images(evaluation.samples)}: the accuracy is uncertain by ±{off * 100:.0f} points.")
    if split == "train" and evaluation.out_of_fold:
        found.append("Out-of-fold: each train image was judged by a head that was not fitted on it.")
    elif split == "train":
        found.append("The network was trained on these images, so these figures flatter.")
    elif split == "val" and model != "instant":
        found.append("Val chose the best epoch, so these figures flatter a little.")
    if evaluation.unlabelled:
        found.append(f"{_images(evaluation.unlabelled)} without a label of this run's classes left out.")
    return found


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"
