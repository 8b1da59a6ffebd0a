"""Before and after: two runs on the same samples under the same labels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.domain.samples import Labels
from core.evaluation import significance
from core.evaluation.credit import Credit, split_credit
from core.evaluation.metrics import Evaluation, from_matrix
from core.evaluation.significance import SURE
from core.runs.predictions import Answers

Verdict = Literal["better", "worse", "no clear difference"]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """``fixed``, ``broken`` and ``still_wrong`` are sample ids, most confident newer prediction first.

    ``samples`` were in the split in both runs and have a label; ``left_out`` are those of either run that were not,
    ``replaced`` of them because the two runs saw different pictures.
    Both runs are judged under the same ``labels``: those of the newer "run" or of "now"; ``labels_changed`` of them
    were another in the older run.
    ``p_value`` is McNemar's exact two-sided test on fixed against broken; ``interval`` is the 95 % interval of the
    change of accuracy by a paired bootstrap; ``smallest`` the smallest change that would show with these samples.
    ``verdict`` is ``None`` where the two were not measured alike, and then ``reason`` says why.
    """

    old: str
    new: str
    split: str
    labels: Labels
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
    replaced: int
    p_value: float
    interval: tuple[float, float]
    smallest: float
    credit: Credit
    verdict: Verdict | None
    reason: str
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Samples that both runs judged, as class indices of ``classes``; -1 where there is no such class.

    ``lost`` had a label in both runs and have none now that could judge them.
    """

    classes: tuple[str, ...]
    ids: npt.NDArray[np.object_]
    before: Places
    after: Places
    label_then: Places
    label_between: Places
    truth: Places
    confidence: npt.NDArray[np.float32]
    moved: int
    lost: int
    replaced: int
    left_out: int


def compare(
    old: Answers,
    new: Answers,
    *,
    names: tuple[str, str],
    split: str,
    labels: Mapping[str, str | None] | None = None,
    replaced: Collection[str] = (),
) -> Comparison:
    """Compare on the samples that lie in ``split`` in both runs.

    Labels are ``labels`` of now (by sample id) or, where none are given, those of the newer run. Left out are samples
    whose label is not a class of both runs, and those ``replaced``: their picture is not the one that it was.
    """
    pairs = _paired(old, new, split, labels, replaced)
    was_right, is_right = pairs.before == pairs.truth, pairs.after == pairs.truth
    order = np.argsort(-pairs.confidence, kind="stable")

    def ids(mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(pairs.ids[order][mask[order]].tolist())

    fixed, broken = ids(~was_right & is_right), ids(was_right & ~is_right)
    count = len(pairs.ids)
    changed = int((pairs.label_then != pairs.truth).sum())
    reason = _reason(pairs, old, new, names, split)
    p_value = significance.mcnemar(len(fixed), len(broken))
    verdict = None if reason else _verdict(len(fixed), len(broken), p_value)
    smallest = significance.smallest_difference(len(fixed), len(broken), count)
    return Comparison(
        old=names[0],
        new=names[1],
        split=split,
        labels="run" if labels is None else "now",
        samples=count,
        old_accuracy=float(was_right.mean()) if count else 0.0,
        new_accuracy=float(is_right.mean()) if count else 0.0,
        old_evaluation=_evaluation(old.classes, pairs.classes, pairs.truth, pairs.before),
        new_evaluation=_evaluation(new.classes, pairs.classes, pairs.truth, pairs.after),
        fixed=fixed,
        broken=broken,
        still_wrong=ids(~was_right & ~is_right),
        labels_changed=changed,
        left_out=pairs.left_out,
        replaced=pairs.replaced,
        p_value=p_value,
        interval=significance.paired_bootstrap(len(fixed), len(broken), count),
        smallest=smallest,
        credit=split_credit(pairs.before, pairs.after, pairs.label_then, pairs.truth),
        verdict=verdict,
        reason=reason,
        note=_note(count, len(fixed), len(broken), split, verdict, reason, smallest, pairs.left_out),
    )


def _paired(
    old: Answers, new: Answers, split: str, labels: Mapping[str, str | None] | None, replaced: Collection[str]
) -> _Pairs:
    place = {sample_id: row for row, sample_id in enumerate(old.sample_id.tolist())}
    there = np.array([place.get(sample_id, -1) for sample_id in new.sample_id.tolist()], dtype=np.intp)
    here, then = new.split == split, np.zeros(len(new), dtype=np.bool_)
    then[there >= 0] = old.split[there[there >= 0]] == split
    classes = tuple(dict.fromkeys([*old.classes, *new.classes]))
    names: dict[str | None, int] = {name: at for at, name in enumerate(classes)}
    shared = np.array([name in old.classes and name in new.classes for name in classes], dtype=bool)
    given = new.label.tolist() if labels is None else [labels.get(i) for i in new.sample_id.tolist()]
    truth = np.array([names.get(label, -1) for label in given], dtype=np.int64)

    def coded(values: Sequence[str | None]) -> Places:
        return np.array([names.get(value, -1) for value in values], dtype=np.int64)

    def judges(label: Places) -> npt.NDArray[np.bool_]:
        return (label >= 0) & shared[label] if len(shared) else np.ones(len(label), dtype=np.bool_)

    other = np.isin(new.sample_id, list(replaced)) if replaced else np.zeros(len(new), dtype=np.bool_)
    both = here & then & ~other
    judged = both & judges(truth)
    rows, was = np.flatnonzero(judged), there[judged]
    unjudged = both & ~judged
    had = judges(coded(old.label[there[unjudged]].tolist())) & judges(coded(new.label[unjudged].tolist()))

    everything = set(old.sample_id[old.split == split].tolist()) | set(new.sample_id[here].tolist())
    return _Pairs(
        classes=classes,
        ids=new.sample_id[rows],
        before=_chosen(old, was, names),
        after=_chosen(new, rows, names),
        label_then=coded(old.label[was].tolist()),
        label_between=coded(new.label[rows].tolist()),
        truth=truth[rows],
        confidence=new.confidence[rows],
        moved=int(((there >= 0) & (here != then)).sum()),
        lost=int(had.sum()),
        replaced=int((here & then & other).sum()),
        left_out=len(everything) - len(rows),
    )


def _chosen(run: Answers, rows: npt.NDArray[np.intp], names: Mapping[str | None, int]) -> Places:
    place = np.array([names[name] for name in run.classes], dtype=np.int64)
    return place[run.chosen[rows]] if len(rows) else np.zeros(0, dtype=np.int64)


def _evaluation(own: tuple[str, ...], classes: tuple[str, ...], truth: Places, chosen: Places) -> Evaluation:
    """The matrix in the run's own classes; labels and predictions lie within them."""
    size = len(classes)
    matrix = np.bincount(truth * size + chosen, minlength=size * size).reshape(size, size).astype(np.int64)
    place = {name: at for at, name in enumerate(classes)}
    places = [place[name] for name in own]
    return from_matrix(own, matrix[np.ix_(places, places)])


def _reason(pairs: _Pairs, old: Answers, new: Answers, names: tuple[str, str], split: str) -> str:
    """Why there can be no verdict; empty where there can."""
    were = "was" if pairs.replaced == 1 else "were"
    other = (
        f"{_counted(pairs.replaced, 'image')} in {split} {were} replaced by another picture between the two runs, so "
        "each run was judged on its own."
    )
    if not len(pairs.ids):
        nothing = f"The two runs have no labelled {split} images in common, so there is nothing to compare."
        return f"{nothing} {other}" if pairs.replaced else nothing
    if pairs.moved:
        lie = "lies" if pairs.moved == 1 else "lie"
        return (
            f"{_counted(pairs.moved, 'image')} {lie} in {split} for one run and in another split for the other, so one "
            "of the two may have learned what the other is judged on."
        )
    if set(old.classes) != set(new.classes):
        return f"{names[0]} and {names[1]} know different classes."
    reasons = [other] if pairs.replaced else []
    between = int((pairs.label_then != pairs.label_between).sum())
    if between:
        reasons.append(
            f"{_counted(between, 'label')} in {split} changed between the two runs: corrected while looking at one of "
            "them, they no longer judge both alike."
        )
    since = int((pairs.label_between != pairs.truth).sum())
    if since:
        reasons.append(
            f"{_counted(since, 'label')} in {split} changed after {names[1]}: whoever corrected them had the runs' "
            "answers before them, so they no longer judge both alike."
        )
    if pairs.lost:
        reasons.append(
            f"{_counted(pairs.lost, 'image')} in {split} {'was' if pairs.lost == 1 else 'were'} excluded after "
            f"{names[1]} or given a label that no class of both is, with the runs' answers in view."
        )
    return " ".join(reasons)


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def _verdict(fixed: int, broken: int, p_value: float) -> Verdict:
    if fixed == broken or p_value >= SURE:
        return "no clear difference"
    return "better" if fixed > broken else "worse"


def _note(
    samples: int,
    fixed: int,
    broken: int,
    split: str,
    verdict: Verdict | None,
    reason: str,
    smallest: float,
    left_out: int,
) -> str:
    if samples == 0:
        return reason
    parts = [f"{fixed:,} fixed, {broken:,} broken of {samples:,} {split} images:"]
    if verdict is None:
        parts.append(f"no verdict. {reason}")
    elif verdict == "no clear difference":
        parts.append("no difference." if fixed == broken == 0 else "not distinguishable.")
        points = f"{max(smallest * 100, 0.1):.1f} points"
        parts.append(f"With {samples:,} {split} images only a difference of {points} or more would show.")
    else:
        parts.append(f"the newer run is {verdict}.")
    if left_out:
        parts.append(f"{_counted(left_out, 'image')} left out: of one run only, replaced, or without a label.")
    return " ".join(parts)
