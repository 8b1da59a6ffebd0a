"""Queues: which samples to review, in which order, and why each is there. Arithmetic on a table and findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd

from core.domain.errors import BadInput
from core.review import merging, ranking
from core.review.memory import Memory, question, questions
from core.review.ranking import Ranked
from core.review.spec import FINDING_TITLES, KINDS, NAMES_RUN, NEEDS_RUN, REMEMBERING, QueueKind, QueueSpec
from core.review.table import Table
from core.runs.predictions import Predictions

__all__ = [
    "FINDING_TITLES", "KINDS", "NAMES_RUN", "NEEDS_RUN", "REMEMBERING", "Inputs", "Queue", "QueueItem", "QueueKind",
    "QueueSpec", "build",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One sample in a queue. ``label`` is the label now; ``suggestion`` the class that its sources speak for.

    ``evidence`` names the questions that brought it here; a decision carries it into the journal.
    """

    sample_id: str
    label: str | None
    split: str
    suggestion: str | None
    confidence: float | None
    reason: str
    reviewed: bool
    filepath: str
    content_hash: str
    evidence: str = ""
    excluded: bool = False
    score: float = 0.0


class Queue(Sequence[QueueItem]):
    """The items of a queue, made when they are asked for: 100,000 of them at once would take a second.

    ``ids``, ``labels`` and so on are the columns, in order.
    """

    def __init__(self, spec: QueueSpec, ranked: Ranked, evidence: list[str] | None, table: Table) -> None:
        self._spec, self._ranked, self._evidence, self._table = spec, ranked, evidence, table
        self._asks = spec.kind in REMEMBERING or spec.kind == "cell"
        self._excluded = spec.kind == "excluded"
        rows = ranked.rows
        self.ids: list[str] = table.ids[rows].tolist()
        self.labels: list[str | None] = table.label[rows].tolist()
        self.suggestions: list[str | None] = ranked.suggestion.tolist()
        self.reasons = ranked.reason

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> QueueItem: ...

    @overload
    def __getitem__(self, at: slice) -> list[QueueItem]: ...

    def __getitem__(self, at: int | slice) -> QueueItem | list[QueueItem]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        row, table = self._ranked.rows[at], self._table
        sure = float(table.confidence[row])
        by_model = self.suggestions[at] is not None and self.suggestions[at] == table.suggestion[row]
        return QueueItem(
            sample_id=self.ids[at],
            label=self.labels[at],
            split=self.column("split", row),
            suggestion=self.suggestions[at],
            confidence=sure if by_model and not np.isnan(sure) else None,
            reason=self.reasons[at],
            reviewed=bool(table.reviewed[row]),
            filepath=self.column("filepath", row),
            content_hash=str(table.content_hash[row]),
            evidence=self.evidence[at],
            excluded=self._excluded,
            score=float(self._ranked.score[at]),
        )

    def part(self, start: int, stop: int) -> "Queue":
        """The items from ``start`` to before ``stop``, as a queue of their own."""
        places = range(*slice(start, stop).indices(len(self)))
        evidence = None if self._evidence is None else self._evidence[places.start : places.stop]
        return Queue(self._spec, self._ranked.only(list(places)), evidence, self._table)

    def column(self, name: str, row: int | None = None) -> Any:
        """A column of the store's frame for all items as a list, or its value in one row of the table."""
        values = self._table.frame[name].to_numpy()
        return values[row] if row is not None else values[self._ranked.rows].tolist()

    @cached_property
    def confidences(self) -> list[int]:
        """In percent; 0 where the suggestion is not the model's."""
        rows, table = self._ranked.rows, self._table
        same = (self._ranked.suggestion == table.suggestion[rows]) & table.has_suggestion[rows]
        sure: list[int] = np.where(same, np.nan_to_num(table.confidence[rows]) * 100, 0).round().astype(int).tolist()
        return sure

    @cached_property
    def evidence(self) -> Sequence[str]:
        """The questions that brought each item here."""
        if self._evidence is not None:
            return self._evidence
        return [question(self._ranked.source, says) for says in self._ranked.says] if self._asks else [""] * len(self)

    @property
    def excluded(self) -> bool:
        """Whether all items are excluded from the dataset; otherwise none is."""
        return self._excluded


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a queue is made from.

    ``table`` holds the samples (the excluded ones for the queue "excluded", the others for all others) with the
    predictions of ``spec.run``; ``other`` are the predictions of the other run, ``names`` both runs; ``flips`` the
    sample ids of "fixed" and "broken"; ``findings`` the findings by kind (core.runs.findings); ``picked`` the ids of
    ``spec.picked``; ``memory`` what was decided before.
    """

    table: Table
    other: Predictions | None = None
    names: tuple[str, str] = ("", "")
    flips: Sequence[str] | None = None
    findings: Mapping[str, pd.DataFrame] | None = None
    picked: Sequence[str] | None = None
    memory: Memory | None = None
    has_run: bool = False


def build(spec: QueueSpec, inputs: Inputs) -> "Queue":
    """The queue's items in order. What was skipped comes last.

    Raises:
        BadInput: the queue needs a run's predictions and there are none.
    """
    if spec.kind in NEEDS_RUN and not inputs.has_run:
        raise BadInput("This queue needs a finished run; click Retrain first.")
    evidence: list[str] | None = None
    if spec.kind == "merged":
        rates = inputs.memory.hit_rates() if inputs.memory else {}
        parts = [_open(part, inputs) for part in _sources(inputs)]
        ranked, evidence = merging.merge(parts, rates, inputs.table)
        order = _skipped_last(ranked, evidence, inputs)
        if order is not None:
            ranked, evidence = ranked.only(order), [evidence[at] for at in order]
    else:
        ranked = _ranked(spec, inputs)
        asks = spec.kind in REMEMBERING and spec.labels == "now"  # a run's errors of then are what they were
        ranked = _open(ranked, inputs) if asks else _answered_last(ranked, inputs) if spec.kind == "cell" else ranked
    if spec.split:
        inside = inputs.table.frame["split"].to_numpy(dtype=object)[ranked.rows] == spec.split
        kept = np.flatnonzero(inside).tolist()
        ranked = ranked.only(kept)
        evidence = [evidence[at] for at in kept] if evidence is not None else None
    return Queue(spec, ranked, evidence, inputs.table)


def _ranked(spec: QueueSpec, inputs: Inputs) -> Ranked:
    table, row = inputs.table, inputs.table.row
    if spec.kind == "suspicious" and "suspicious" in (inputs.findings or {}):
        return ranking.by_finding("suspicious", (inputs.findings or {})["suspicious"], table)
    if spec.kind == "finding":
        return ranking.by_finding(spec.source, (inputs.findings or {})[spec.source], table)
    if spec.kind == "disagreement":
        if inputs.other is None:
            raise BadInput("Two runs that have finished are needed to see where they disagree.")
        return ranking.by_disagreement(table, inputs.other, inputs.names)
    if spec.kind == "duplicates":
        return ranking.duplicates(table)
    lists: dict[str, Sequence[str]] = {
        "fixed": inputs.flips or (),
        "broken": inputs.flips or (),
        "samples": (spec.ids or "").split(","),
        "picked": inputs.picked or (),
        "unsure": inputs.memory.unsure() if inputs.memory and spec.kind == "unsure" else (),
    }
    if spec.kind in lists:
        return ranking.listed(spec.source, [row[i] for i in lists[spec.kind] if i in row], table)
    return ranking.by_run(spec, table)


def _sources(inputs: Inputs) -> list[Ranked]:
    """All that the merged queue is made of."""
    findings = inputs.findings or {}
    parts = [ranking.by_finding(kind, found, inputs.table) for kind, found in findings.items() if len(found)]
    if inputs.has_run and "suspicious" not in findings:
        parts.append(ranking.by_run(QueueSpec(kind="suspicious"), inputs.table))
    if inputs.other is not None:
        parts.append(ranking.by_disagreement(inputs.table, inputs.other, inputs.names))
    return parts


def _open(ranked: Ranked, inputs: Inputs) -> Ranked:
    """Without what was answered; what was skipped comes last."""
    gone, later = _known(ranked, inputs)
    return ranked.only([*_others(ranked, {*gone, *later}), *later]) if gone or later else ranked


def _answered_last(ranked: Ranked, inputs: Inputs) -> Ranked:
    """All that is there, as a matrix counts it; what was answered comes after what is open, and says so."""
    answered, later = _known(ranked, inputs)
    if not (answered or later):
        return ranked
    found = ranked.only([*_others(ranked, {*answered, *later}), *later, *answered])
    open_ = len(found.rows) - len(answered)
    told = [f"{why} · decided" if why else "decided" for why in found.reason[open_:]]
    return replace(found, reason=[*found.reason[:open_], *told])


def _others(ranked: Ranked, but: set[int]) -> list[int]:
    return [at for at in range(len(ranked.rows)) if at not in but]


def _known(ranked: Ranked, inputs: Inputs) -> tuple[list[int], list[int]]:
    """The positions of what was answered, and of what was skipped."""
    memory, table = inputs.memory, inputs.table
    if memory is None:
        return [], []
    known = memory.samples()
    ids = table.ids[ranked.rows].tolist()
    touched = [at for at, sample_id in enumerate(ids) if sample_id in known]  # few, and only they need a closer look
    gone: list[int] = []
    later: list[int] = []
    for at in touched:
        row = ranked.rows[at]
        asked = (ranked.source, ranked.says[at].replace("\n", " "))
        if memory.settled(ids[at], asked, label=table.label[row], content_hash=table.content_hash[row]):
            gone.append(at)
        elif memory.skipped(ids[at], ranked.source):
            later.append(at)
    return gone, later


def _skipped_last(ranked: Ranked, evidence: list[str], inputs: Inputs) -> list[int] | None:
    """Positions in order, those of images that were skipped at the end; None where none was."""
    memory, ids = inputs.memory, inputs.table.ids[ranked.rows].tolist()
    if memory is None:
        return None
    known = memory.samples()
    later = [
        at
        for at, sample_id in enumerate(ids)
        if sample_id in known and any(memory.skipped(sample_id, source) for source, _ in questions(evidence[at]))
    ]
    last = set(later)
    return [*(at for at in range(len(ids)) if at not in last), *later] if later else None
