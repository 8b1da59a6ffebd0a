"""One source at a time: which samples it asks about, in which order, and why. Arithmetic on a table."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.review.spec import QueueSpec
from core.review.table import Objects, Rows, Table
from core.runs.predictions import Predictions

UNLABELLED = "(no label)"
HARD = 0.7  # a confidence below it is low


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows of a table, first the one most worth a look.

    ``says`` is what the source says of each (the class it suggests, the cluster it names): the same words again are the
    same question. ``suggestion`` is a class or None, ``score`` in [0, 1] is how sure the source is that something is
    wrong (a rank where it has no better measure).
    """

    source: str
    rows: Rows
    suggestion: Objects
    reason: Sequence[str]
    says: Sequence[str]
    score: Sequence[float]

    def only(self, kept: Sequence[int]) -> "Ranked":
        """Some of it, by position."""
        return Ranked(
            source=self.source,
            rows=self.rows[list(kept)],
            suggestion=self.suggestion[list(kept)],
            reason=[self.reason[at] for at in kept],
            says=[self.says[at] for at in kept],
            score=[self.score[at] for at in kept],
        )


def by_run(spec: QueueSpec, table: Table) -> Ranked:
    """The kinds that compare the label with what a run says, and those that list what there is."""
    label = table.label_then if spec.labels == "run" else table.label
    has_label = label != np.array(None)
    differs = has_label & table.has_suggestion & (label != table.suggestion)
    by_confidence = -np.nan_to_num(table.confidence, nan=-1.0)
    everything = np.ones(len(label), dtype=bool)
    position = np.arange(len(label), dtype=float)
    unseen = ~table.reviewed
    kinds: Mapping[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "all": lambda: (everything, position),
        "excluded": lambda: (everything, position),
        "class": lambda: (table.label == spec.label, position),
        "misclassified": lambda: (differs, by_confidence),
        "cell": lambda: (has_label & (label == spec.true) & (table.suggestion == spec.pred), by_confidence),
        "suspicious": lambda: (differs & ~table.in_sample, np.nan_to_num(table.chance, nan=1.0)),
        "low-confidence": lambda: (
            table.has_suggestion & has_label & ~table.in_sample & unseen & (table.confidence < HARD),
            table.confidence,
        ),
        "unlabelled": lambda: (~table.has_label, position),
        "audit": lambda: (unseen & has_label, _shuffled(table.ids)),
    }
    mask, order = kinds[spec.kind]()
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(order[rows], kind="stable")].astype(np.intp)
    if spec.kind == "unlabelled":
        rows = _most_useful_first(rows, table)
    score = 1.0 - np.nan_to_num(table.chance[rows], nan=0.5) if spec.kind == "suspicious" else None
    return _plain(spec.source, rows, table, score=score)


def by_finding(source: str, findings: pd.DataFrame, table: Table) -> Ranked:
    """Strongest first, what belongs to one group side by side; a finding whose suggestion was taken is settled."""
    best: dict[int, tuple[str, float, str, str | None]] = {}
    names = ("sample_id", "score", "detail", "suggestion", "group")
    for sample_id, score, detail, suggests, cluster in zip(*(findings[name] for name in names), strict=True):
        row = table.row.get(sample_id)  # strongest first: the first finding of a sample speaks
        suggestion = suggests if isinstance(suggests, str) else None
        if row is not None and row not in best and (suggestion is None or suggestion != table.label[row]):
            group = cluster if isinstance(cluster, str) else ""
            best[row] = (group, float(score), str(detail), suggestion)
    strength: dict[str, float] = {}
    for row, (group, score, _, _) in best.items():
        key = group or str(row)
        strength[key] = max(strength.get(key, 0.0), score)
    order = sorted(best, key=lambda row: (-strength[best[row][0] or str(row)], best[row][0], -best[row][1], row))
    found = [best[row] for row in order]
    return Ranked(
        source=source,
        rows=np.array(order, dtype=np.intp),
        suggestion=_objects([suggestion for *_, suggestion in found]),
        reason=[detail for _, _, detail, _ in found],
        says=[suggestion or group for group, _, _, suggestion in found],
        score=[min(1.0, max(0.0, score)) for _, score, _, _ in found],
    )


def by_disagreement(table: Table, other: Predictions, names: tuple[str, str]) -> Ranked:
    """Samples that two runs see differently, those first that both are sure about."""
    second = Table.of(table.frame, other)
    mask = table.has_suggestion & second.has_suggestion & (table.suggestion != second.suggestion)
    mask &= ~table.in_sample & ~second.in_sample
    rows = np.flatnonzero(mask)
    sure = np.minimum(table.confidence[rows], second.confidence[rows])
    order = np.argsort(-sure, kind="stable")
    rows = rows[order].astype(np.intp)
    reasons = [
        f"{names[0]}: {table.suggestion[row]} {table.confidence[row]:.0%}, "
        f"{names[1]}: {second.suggestion[row]} {second.confidence[row]:.0%}"
        for row in rows
    ]
    # the one of the two that is not the label is what there is to decide about
    suggestion = [second.suggestion[r] if table.suggestion[r] == table.label[r] else table.suggestion[r] for r in rows]
    return Ranked("disagreement", rows, _objects(suggestion), reasons, suggestion, sure[order].tolist())


def listed(source: str, rows: Sequence[int], table: Table, reason: str = "") -> Ranked:
    """Rows in an order that somebody else gave."""
    return _plain(source, np.array(rows, dtype=np.intp), table, reason=reason)


def duplicates(table: Table) -> Ranked:
    """Copies side by side; pictures whose copies carry different labels first."""
    hashes = table.frame["content_hash"]
    copies = table.frame.assign(row=np.arange(len(table.frame)))[hashes.duplicated(keep=False).to_numpy()]
    labels = copies.assign(label=copies["label"].fillna(UNLABELLED)).groupby("content_hash")["label"].nunique()
    order = copies.assign(agreed=copies["content_hash"].map(labels).eq(1)).sort_values(
        ["agreed", "content_hash", "sample_id"], kind="stable"
    )
    return _plain("duplicates", order["row"].to_numpy(dtype=np.intp), table, reason="exact copy")


def _plain(
    source: str, rows: Rows, table: Table, *, reason: str | None = None, score: np.ndarray | None = None
) -> Ranked:
    suggestion = table.suggestion[rows]
    confidence = table.confidence[rows]
    reasons = (
        [reason] * len(rows)
        if reason
        else ["" if s is None else s + percent for s, percent in zip(suggestion, _percents(confidence), strict=True)]
    )
    asks = source in ("suspicious", "misclassified", "low-confidence", "cell")
    return Ranked(
        source=source,
        rows=rows,
        suggestion=suggestion,
        reason=reasons,
        says=[s or "" for s in suggestion] if asks else [""] * len(rows),
        score=(1.0 - np.arange(len(rows)) / max(1, len(rows)) if score is None else score).tolist(),
    )


def _most_useful_first(rows: Rows, table: Table) -> Rows:
    """Where the model hesitates most a label teaches it most; class by class in turn, so that no class waits."""
    hesitates = rows[np.argsort(np.nan_to_num(table.margin[rows], nan=2.0), kind="stable")]
    turn: dict[str | None, int] = {}
    turns = np.empty(len(hesitates), dtype=np.intp)
    for at, name in enumerate(table.suggestion[hesitates]):
        turns[at] = turn[name] = turn.get(name, -1) + 1
    return hesitates[np.argsort(turns, kind="stable")]


def _shuffled(ids: Objects) -> np.ndarray:
    """A random order that is the same each time and for everybody."""
    digests = (hashlib.blake2b(sample_id.encode(), digest_size=6).digest() for sample_id in ids.tolist())
    return np.fromiter((int.from_bytes(d, "big") for d in digests), dtype=np.float64, count=len(ids))


def _percents(shares: np.ndarray) -> list[str]:
    """Each share as " 93%"; there are 101 such texts, so that 100,000 shares need not be formatted one by one."""
    texts = np.array([f" {percent}%" for percent in range(101)], dtype=object)
    found: list[str] = texts[np.rint(np.nan_to_num(shares) * 100).astype(np.intp).clip(0, 100)].tolist()
    return found


def _objects(values: Sequence[str | None]) -> Objects:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
