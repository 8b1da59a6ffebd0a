"""Queues: which samples to review, in which order, and why each is there. Arithmetic on a frame and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from core.domain.errors import BadInput
from core.runs.predictions import Predictions

QueueKind = Literal[
    "all",
    "unlabelled",
    "class",
    "misclassified",
    "cell",
    "fixed",
    "broken",
    "suspicious",
    "finding",
    "duplicates",
    "samples",
    "picked",
    "excluded",
]
KINDS: tuple[QueueKind, ...] = get_args(QueueKind)
NEEDS_RUN = frozenset({"misclassified", "cell", "fixed", "broken", "suspicious"})
UNLABELLED = "(no label)"
FINDING_TITLES = {
    "suspicious": "Labels that may be wrong",
    "prompt-mismatch": "Prompt against picture",
    "label-conflict": "One picture, two labels",
    "exact-duplicate": "Exact copies",
    "near-duplicate": "Near duplicates",
    "leak": "Leaks between splits",
    "blurred": "Blurred",
    "dark": "Very dark",
    "bright": "Very bright",
    "flat": "Nearly empty",
    "tiny": "Very small",
    "odd-shape": "Odd shapes",
    "outlier": "Unlike all others",
    "missing-file": "Files that are gone",
}


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """What a queue holds, in a form that fits into a page's address.

    ``run`` is the (newer) run; ``other`` the older one of "fixed" and "broken". ``labels`` says whether a run's errors
    are counted against the labels "now" or as they were in the "run". ``label`` is the class of kind "class"; ``ids``
    the samples of kind "samples". ``finding`` is the kind of finding that a queue of kind "finding" lists;
    ``picked`` names the set of samples of kind "picked" (core.runs.picked) and ``called`` says what they are.
    """

    kind: QueueKind = "all"
    run: str | None = None
    split: str | None = None
    true: str | None = None
    pred: str | None = None
    other: str | None = None
    labels: str = "now"
    label: str | None = None
    ids: str | None = None
    finding: str | None = None
    picked: str | None = None
    called: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"There is no queue of the kind {self.kind!r}; choose one of {', '.join(KINDS)}.")
        if self.kind in NEEDS_RUN and self.kind != "suspicious" and not self.run:
            raise BadInput(f"A queue of the kind {self.kind!r} needs a run.")
        if self.kind == "finding" and not self.finding:
            raise BadInput('A queue of the kind "finding" needs the kind of finding, such as "near-duplicate".')
        if self.kind == "picked" and not self.picked:
            raise BadInput("A queue of picked images needs the name of their set.")

    def title(self) -> str:
        """The queue's name for a person."""
        where = f", {self.split}" if self.split else ""
        titles: dict[QueueKind, str] = {
            "all": f"All images{where}",
            "unlabelled": f"Unlabelled{where}",
            "class": f"Labelled {self.label}{where}",
            "misclassified": f"Wrong in {self.run}{where}",
            "cell": f"{self.true} taken for {self.pred} in {self.run}{where}"
            if self.true != self.pred
            else f"{self.true} got right in {self.run}{where}",
            "fixed": f"Fixed from {self.other} to {self.run}{where}",
            "broken": f"Broken from {self.other} to {self.run}{where}",
            "suspicious": f"Labels that may be wrong{where}",
            "duplicates": f"Exact duplicates{where}",
            "samples": f"Chosen images{where}",
            "finding": f"{FINDING_TITLES.get(self.finding or '', (self.finding or '').capitalize())}{where}",
            "picked": f"{self.called or 'Chosen images'}{where}",
            "excluded": f"Excluded{where}",
        }
        return titles[self.kind]

    def to_params(self) -> dict[str, str]:
        """As query parameters; what has its default is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        named = {("queue" if name == "kind" else name): value for name, value in values.items()}
        return {name: value for name, value in named.items() if value and (name, value) != ("labels", "now")}

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Self:
        """From query parameters; others are ignored.

        Raises:
            BadInput: no such kind of queue, or one without its run.
        """
        names = {field.name for field in fields(cls)} - {"kind"}
        given = {name: params[name] for name in names if params.get(name)}
        return cls(kind=params.get("queue", "all"), **given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One sample in a queue. ``label`` is the label now; ``suggestion`` the class that the run predicts."""

    sample_id: str
    label: str | None
    split: str
    suggestion: str | None
    confidence: float | None
    reason: str
    reviewed: bool
    filepath: str
    content_hash: str


def build(
    spec: QueueSpec,
    frame: pd.DataFrame,
    *,
    predictions: Predictions | None = None,
    flips: Sequence[str] | None = None,
    findings: pd.DataFrame | None = None,
    picked: Sequence[str] | None = None,
) -> list[QueueItem]:
    """The queue's items in order. Excluded samples are in the queue "excluded" alone.

    ``frame`` is the store's, ``predictions`` those of ``spec.run``, ``flips`` the sample ids of "fixed" or "broken",
    ``findings`` those of ``spec.finding`` (core.runs.findings), ``picked`` the ids of ``spec.picked``.

    Raises:
        BadInput: the queue needs a run's predictions and there are none.
    """
    if spec.kind in NEEDS_RUN and predictions is None:
        raise BadInput("This queue needs a finished run; click Retrain first.")
    excluded = frame["excluded"].to_numpy(dtype=bool)
    frame = frame[excluded if spec.kind == "excluded" else ~excluded]
    if spec.split:
        frame = frame[frame["split"] == spec.split]
    table = _Table.of(frame, predictions)
    if spec.kind == "finding":
        return _found(table, findings, spec)
    if spec.kind in ("fixed", "broken"):
        chosen = [table.row[i] for i in flips or () if i in table.row]
    elif spec.kind == "samples":
        chosen = [table.row[i] for i in (spec.ids or "").split(",") if i in table.row]
    elif spec.kind == "picked":
        chosen = [table.row[i] for i in picked or () if i in table.row]
    elif spec.kind == "duplicates":
        chosen = _duplicates(frame)
    else:
        chosen = _by_mask(spec, table)
    return table.items(chosen, spec)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The frame's columns as arrays, with the run's prediction for each row (None where it has none)."""

    frame: pd.DataFrame
    label: np.ndarray
    suggestion: np.ndarray
    confidence: np.ndarray
    label_then: np.ndarray
    chance: np.ndarray  # the probability that the run gives the label now; NaN without one
    in_sample: np.ndarray  # the run was fitted on this sample: its prediction says little
    row: dict[str, int]

    @classmethod
    def of(cls, frame: pd.DataFrame, predictions: Predictions | None) -> Self:
        size = len(frame)
        label = frame["label"].to_numpy(dtype=object)
        suggestion, then = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
        confidence, chance = np.full(size, np.nan), np.full(size, np.nan)
        in_sample = np.zeros(size, dtype=bool)
        ids = frame["sample_id"].to_numpy(dtype=object)
        row = {sample_id: index for index, sample_id in enumerate(ids)}
        if predictions is not None and len(predictions):
            found = [(row[i], p) for p, i in enumerate(predictions.sample_id) if i in row]
            if found:
                here, there = (np.array(side, dtype=np.intp) for side in zip(*found, strict=True))
                suggestion[here] = predictions.predicted[there]
                confidence[here] = predictions.confidence[there]
                then[here] = predictions.label[there]
                in_sample[here] = (predictions.split[there] == "train") & ~predictions.out_of_fold[there]
                column = {name: index for index, name in enumerate(predictions.classes)}
                columns = np.array([column.get(name, -1) for name in label[here]], dtype=np.intp)
                given = predictions.probabilities[there, columns].astype(float)
                chance[here] = np.where(columns >= 0, given, np.nan)
        return cls(frame, label, suggestion, confidence, then, chance, in_sample, row)

    def items(self, rows: Sequence[int], spec: QueueSpec) -> list[QueueItem]:
        """Column by column: asking a frame for one cell at a time took seconds for 20,000 samples."""
        chosen = np.asarray(rows, dtype=np.intp)
        names = ("sample_id", "split", "reviewed", "filepath", "content_hash")
        values = [self.frame[name].to_numpy(dtype=object)[chosen].tolist() for name in names]
        found = (self.label[chosen], self.suggestion[chosen], self.confidence[chosen].tolist())
        return [
            QueueItem(
                sample_id=sample_id,
                label=label,
                split=split,
                suggestion=suggestion,
                confidence=None if np.isnan(confidence) else confidence,
                reason=_reason(spec, suggestion, confidence),
                reviewed=bool(reviewed),
                filepath=filepath,
                content_hash=content_hash,
            )
            for sample_id, split, reviewed, filepath, content_hash, label, suggestion, confidence in zip(
                *values, *found, strict=True
            )
        ]


def _by_mask(spec: QueueSpec, table: _Table) -> list[int]:
    label = table.label_then if spec.labels == "run" else table.label
    has_label = np.array([name is not None for name in label], dtype=bool)
    has_suggestion = np.array([name is not None for name in table.suggestion], dtype=bool)
    wrong = has_label & has_suggestion & (label != table.suggestion)
    by_confidence = -np.nan_to_num(table.confidence, nan=-1.0)
    everything = np.ones(len(label), dtype=bool)
    position = np.arange(len(label), dtype=float)
    masks: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "all": (everything, position),
        "excluded": (everything, position),
        "unlabelled": (np.array([name is None for name in table.label], dtype=bool), by_confidence),
        "class": (table.label == spec.label, position),
        "misclassified": (wrong, by_confidence),
        "cell": (has_label & (label == spec.true) & (table.suggestion == spec.pred), by_confidence),
        "suspicious": (wrong & ~table.in_sample & ~_reviewed(table), np.nan_to_num(table.chance, nan=1.0)),
    }
    mask, order = masks[spec.kind]
    rows = np.flatnonzero(mask)
    return [int(row) for row in rows[np.argsort(order[rows], kind="stable")]]


def _found(table: _Table, findings: pd.DataFrame | None, spec: QueueSpec) -> list[QueueItem]:
    """Strongest first, what belongs to one group side by side; a finding whose suggestion was taken is settled."""
    if findings is None or findings.empty:
        return []
    best: dict[str, dict[str, Any]] = {}
    names = ("sample_id", "score", "detail", "suggestion", "group")
    for sample_id, score, detail, suggests, cluster in zip(*(findings[name] for name in names), strict=True):
        row = table.row.get(sample_id)  # strongest first: the first finding of a sample speaks
        if row is None or sample_id in best:
            continue
        suggestion = suggests if isinstance(suggests, str) else None
        if suggestion is None or suggestion != table.label[row]:
            group = cluster if isinstance(cluster, str) else sample_id
            found = {"row": row, "score": score, "detail": str(detail), "suggestion": suggestion, "group": group}
            best[sample_id] = {"sample_id": sample_id, **found}
    strength: dict[str, float] = {}
    for finding in best.values():
        strength[finding["group"]] = max(strength.get(finding["group"], 0.0), finding["score"])
    chosen = sorted(best.values(), key=lambda f: (-strength[f["group"]], f["group"], -f["score"], f["sample_id"]))
    items = table.items([finding["row"] for finding in chosen], spec)
    return [
        replace(item, suggestion=finding["suggestion"], confidence=None, reason=finding["detail"])
        for item, finding in zip(items, chosen, strict=True)
    ]


def _reviewed(table: _Table) -> np.ndarray:
    return table.frame["reviewed"].to_numpy(dtype=bool)


def _duplicates(frame: pd.DataFrame) -> list[int]:
    """Copies side by side; pictures whose copies carry different labels first."""
    hashes = frame["content_hash"]
    copies = frame.assign(row=np.arange(len(frame)))[hashes.duplicated(keep=False).to_numpy()]
    labels = copies.assign(label=copies["label"].fillna(UNLABELLED)).groupby("content_hash")["label"].nunique()
    order = copies.assign(agreed=copies["content_hash"].map(labels).eq(1)).sort_values(
        ["agreed", "content_hash", "sample_id"], kind="stable"
    )
    return [int(row) for row in order["row"]]


def _reason(spec: QueueSpec, suggestion: str | None, confidence: float) -> str:
    if spec.kind == "duplicates":
        return "exact copy"
    if suggestion is None:
        return ""
    return f"{suggestion} {confidence:.0%}"
