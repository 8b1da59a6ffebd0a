"""Queues: which samples to review, in which order, and why each is there. Arithmetic on a table and findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.domain.errors import BadInput
from core.review import merging, ranking
from core.review.memory import Memory, question, questions
from core.review.ranking import Ranked
from core.review.spec import FINDING_TITLES, KINDS, NEEDS_RUN, REMEMBERING, QueueKind, QueueSpec
from core.review.table import Table
from core.runs.predictions import Predictions

__all__ = ["FINDING_TITLES", "KINDS", "NEEDS_RUN", "Inputs", "QueueItem", "QueueKind", "QueueSpec", "build"]


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


def build(spec: QueueSpec, inputs: Inputs) -> list[QueueItem]:
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
        ranked, evidence = ranked.only(order), [evidence[at] for at in order]
    else:
        ranked = _ranked(spec, inputs)
        asks = spec.kind in REMEMBERING and spec.labels == "now"  # a run's errors of then are what they were
        ranked = _open(ranked, inputs) if asks else ranked
    if spec.split:
        inside = inputs.table.frame["split"].to_numpy(dtype=object)[ranked.rows] == spec.split
        kept = np.flatnonzero(inside).tolist()
        ranked = ranked.only(kept)
        evidence = [evidence[at] for at in kept] if evidence is not None else None
    return _items(spec, ranked, evidence, inputs)


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
    memory, table = inputs.memory, inputs.table
    if memory is None:
        return ranked
    kept: list[int] = []
    later: list[int] = []
    for at, sample_id in enumerate(table.ids[ranked.rows].tolist()):
        if not memory.touched(sample_id):
            kept.append(at)
            continue
        row = ranked.rows[at]
        asked = (ranked.source, ranked.says[at].replace("\n", " "))
        if memory.settled(sample_id, asked, label=table.label[row], content_hash=table.content_hash[row]):
            continue
        (later if memory.skipped(sample_id, ranked.source) else kept).append(at)
    return ranked if len(kept) == len(ranked.rows) else ranked.only([*kept, *later])


def _skipped_last(ranked: Ranked, evidence: list[str], inputs: Inputs) -> list[int]:
    """Positions in order, those of images that were skipped at the end."""
    memory, ids = inputs.memory, inputs.table.ids[ranked.rows].tolist()
    skipped = [
        memory is not None and any(memory.skipped(sample_id, source) for source, _ in questions(asked))
        for sample_id, asked in zip(ids, evidence, strict=True)
    ]
    return sorted(range(len(ids)), key=skipped.__getitem__)


def _items(spec: QueueSpec, ranked: Ranked, evidence: list[str] | None, inputs: Inputs) -> list[QueueItem]:
    """Column by column: asking a frame for one cell at a time took seconds for 20,000 samples."""
    table, rows = inputs.table, ranked.rows
    names = ("sample_id", "split", "reviewed", "filepath", "content_hash")
    columns = [table.frame[name].to_numpy(dtype=object)[rows].tolist() for name in names]
    by_model = ranked.suggestion == table.suggestion[rows]
    sure = [None if np.isnan(c) else c for c in np.where(by_model, table.confidence[rows], np.nan).tolist()]
    if evidence is None:
        asks = spec.kind in REMEMBERING or spec.kind == "cell"
        evidence = [question(ranked.source, says) for says in ranked.says] if asks else [""] * len(rows)
    hidden = spec.kind == "excluded"
    return [
        QueueItem(
            sample_id, label, split, suggestion, confidence, reason, bool(reviewed), filepath,
            content_hash, why, hidden, score,
        )
        for sample_id, split, reviewed, filepath, content_hash, label, suggestion, confidence, reason, why, score
        in zip(
            *columns, table.label[rows].tolist(), ranked.suggestion.tolist(), sure, ranked.reason, evidence,
            ranked.score, strict=True,
        )
    ]  # fmt: skip
