"""Before and after: two runs on the same samples under the same labels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.evaluation.metrics import Evaluation, evaluate
from core.runs.predictions import Predictions


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """``fixed``, ``broken`` and ``still_wrong`` are sample ids, most confident newer prediction first.

    ``samples`` were in the split in both runs and have a label; ``left_out`` are those of either run that were not.
    ``labels_changed`` of them carried another label in the older run; both runs are judged under the same labels.
    ``p_value`` is McNemar's exact two-sided test (McNemar 1947) on fixed against broken.
    """

    old: str
    new: str
    split: str
    samples: int
    old_accuracy: float
    new_accuracy: float
    old_evaluation: Evaluation
    new_evaluation: Evaluation
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    still_wrong: tuple[str, ...]
    labels_changed: int
    left_out: int
    p_value: float
    note: str


def compare(
    old: Predictions,
    new: Predictions,
    *,
    names: tuple[str, str],
    split: str,
    labels: Mapping[str, str | None] | None = None,
) -> Comparison:
    """Compare on the samples that lie in ``split`` in both runs.

    Labels are ``labels`` (by sample id) or, where none are given, those of the newer run. A sample whose label is not
    a class of both runs is left out.
    """
    old, new = old.where(split), new.where(split)
    shared_classes = set(old.classes) & set(new.classes)
    place = {sample_id: row for row, sample_id in enumerate(old.sample_id)}
    judged = [labels.get(i) for i in new.sample_id] if labels is not None else list(new.label)
    rows = [
        (place[sample_id], row)
        for row, sample_id in enumerate(new.sample_id)
        if sample_id in place and judged[row] in shared_classes
    ]
    before = old.rows(np.array([pair[0] for pair in rows], dtype=np.intp))
    after = new.rows(np.array([pair[1] for pair in rows], dtype=np.intp))
    truth = np.array([judged[pair[1]] for pair in rows], dtype=object)
    was_right, is_right = before.predicted == truth, after.predicted == truth
    order = np.argsort(-after.confidence, kind="stable")

    def ids(mask: np.ndarray) -> tuple[str, ...]:
        return tuple(str(i) for i in after.sample_id[order][mask[order]])

    fixed, broken = ids(~was_right & is_right), ids(was_right & ~is_right)
    everything = set(old.sample_id) | set(new.sample_id)
    changed = int((before.label != truth).sum())
    left_out = len(everything) - len(rows)
    return Comparison(
        old=names[0],
        new=names[1],
        split=split,
        samples=len(rows),
        old_accuracy=float(was_right.mean()) if rows else 0.0,
        new_accuracy=float(is_right.mean()) if rows else 0.0,
        old_evaluation=evaluate(before, truth.tolist()),
        new_evaluation=evaluate(after, truth.tolist()),
        fixed=fixed,
        broken=broken,
        still_wrong=ids(~was_right & ~is_right),
        labels_changed=changed,
        left_out=left_out,
        p_value=mcnemar(len(fixed), len(broken)),
        note=_note(len(rows), len(fixed), len(broken), changed, left_out, split),
    )


def mcnemar(fixed: int, broken: int) -> float:
    """The exact two-sided p: twice the binomial tail of the smaller count at one half, at most 1."""
    total = fixed + broken
    if total == 0:
        return 1.0
    # lgamma and not comb: a tail over thousands of discordant pairs overflows a float otherwise
    tail = sum(
        math.exp(math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2))
        for k in range(min(fixed, broken) + 1)
    )
    return min(1.0, 2 * tail)


def _note(samples: int, fixed: int, broken: int, changed: int, left_out: int, split: str) -> str:
    if samples == 0:
        return f"The two runs have no labelled {split} images in common, so there is nothing to compare."
    parts = [f"{fixed} fixed, {broken} broken of {samples:,} {split} images: {_verdict(fixed, broken)}."]
    if changed:
        parts.append(f"{changed:,} label{'s' if changed > 1 else ''} differed in the older run; both are judged alike.")
    if left_out:
        parts.append(f"{left_out:,} image{'s' if left_out > 1 else ''} of one run only or without a label left out.")
    return " ".join(parts)


def _verdict(fixed: int, broken: int) -> str:
    if fixed == broken:
        return "no difference" if fixed == 0 else "as many fixed as broken"
    if mcnemar(fixed, broken) >= 0.05:
        return "too few to tell them apart"
    return "the newer run is better" if fixed > broken else "the newer run is worse"
