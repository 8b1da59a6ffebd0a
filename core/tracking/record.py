"""What a mirror is given of a run: plain values out of its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """A run that has ended. ``params`` is its recipe as it ran, flat; ``metrics`` a mapping an epoch, as metrics.jsonl
    has them; ``figures`` what it reached, such as "test_accuracy"; ``matrix`` a confusion matrix, rows are labels.
    Times are Unix seconds; ``key`` names the run among those of all workspaces, and with ``started`` among all that
    ever had its number; ``workspace`` is what people call the workspace, which others may be called too.
    """

    key: str
    workspace: str
    name: str
    dataset: str
    state: str
    started: float
    ended: float
    params: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    figures: Mapping[str, float]
    classes: Sequence[str]
    matrix: Sequence[Sequence[int]]
    tags: Mapping[str, str]
    files: Sequence[Path]


def series(record: Record) -> dict[str, list[tuple[int, float]]]:
    """Each figure that the run measured by epoch, as (epoch, value)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in record.metrics:
        for name, value in line.items():
            if name != "epoch" and isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name, []).append((int(line["epoch"]), float(value)))
    return found


def moments(record: Record) -> dict[int, float]:
    """When each epoch ended, in Unix seconds, by the seconds that it took."""
    found, at = {}, record.started
    for line in record.metrics:
        at += float(line.get("seconds") or 0.0)
        found[int(line["epoch"])] = min(at, record.ended)
    return found
