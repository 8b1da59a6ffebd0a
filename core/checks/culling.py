"""Culling clusters of copies: which image of each to keep, by rules in order. Nothing is carried out here."""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import basename
from typing import Literal

import numpy as np

from core.checks.findings import Facts
from core.snapshots.groups import group

Rule = Literal["resolution", "sharpness", "metadata", "size", "oldest"]
RULES: dict[Rule, str] = {
    "resolution": "most pixels",
    "sharpness": "sharpest",
    "metadata": "has generation metadata",
    "size": "largest file",
    "oldest": "came in first",
}
USUAL: tuple[Rule, ...] = ("resolution", "sharpness", "metadata")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster: what stays, what goes and by which rule; ids as the store has them."""

    group: str
    keep: str
    drop: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cull would do. ``conflicts`` are the ids of clusters with two labels: a person decides on those first."""

    clusters: tuple[Cluster, ...]
    conflicts: tuple[str, ...]

    @property
    def drop(self) -> list[str]:
        """Every sample that would be excluded."""
        return [sample_id for cluster in self.clusters for sample_id in cluster.drop]


def plan(facts: Facts, *, likeness: float | None, rules: Sequence[Rule] = USUAL) -> Plan:
    """Keep the best of each cluster by the first rule that tells its images apart; the oldest where none does.

    Clusters are of exact copies, and of near duplicates from ``likeness`` on (None: exact copies alone). Where a
    cluster lies in several splits, the image kept is one of test, else of val: what figures are read on stays.
    """
    near = facts.pairs[facts.pairs["likeness"] >= likeness] if likeness is not None else facts.pairs.head(0)
    clusters = group(facts.frame["content_hash"].tolist(), zip(near["left"], near["right"], strict=True))
    ids, labels = facts.frame["sample_id"].tolist(), facts.frame["label"].tolist()
    splits, names = facts.frame["split"].tolist(), [basename(path) for path in facts.frame["filepath"]]
    values = {rule: _values(facts, rule) for rule in dict.fromkeys((*rules, "oldest"))}
    made, conflicts = [], []
    for key, rows in clusters.members().items():
        if len({labels[row] for row in rows if labels[row] is not None}) > 1:
            conflicts += [ids[row] for row in rows]
            continue
        held = next(
            ([r for r in rows if splits[r] == split] for split in ("test", "val") if split in _of(splits, rows)), rows
        )
        best, why = _best(held, values)
        if len(held) < len(rows) and len(held) == 1:
            why = f"in {splits[best]}"
        drop = tuple(ids[row] for row in rows if row != best)
        made.append(Cluster(key, ids[best], drop, f"{names[best]}: {why}"))
    return Plan(tuple(made), tuple(conflicts))


def _of(splits: list[str], rows: list[int]) -> set[str]:
    return {splits[row] for row in rows}


def _best(rows: list[int], values: dict[Rule, "np.ndarray"]) -> tuple[int, str]:
    left = list(rows)
    for rule, numbers in values.items():
        best = max(float(numbers[row]) for row in left)
        leaders = [row for row in left if float(numbers[row]) >= best]
        if len(leaders) < len(left):
            left = leaders
            if len(left) == 1:
                return left[0], RULES[rule]
    return left[0], RULES["oldest"]


def _values(facts: Facts, rule: Rule) -> np.ndarray:
    frame = facts.frame
    if rule == "resolution":
        return (frame["width"] * frame["height"]).to_numpy(dtype=np.float64)
    if rule == "sharpness":
        return np.round(np.where(facts.measured, facts.records["sharpness"].astype(np.float64), 0.0), 2)
    if rule == "size":
        return frame["size_bytes"].to_numpy(dtype=np.float64)
    if rule == "metadata":
        return facts.described.astype(np.float64)
    return -np.arange(len(frame), dtype=np.float64)  # rows are ordered by sample id, which grows with time
