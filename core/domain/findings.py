"""Findings: one reason to look at one sample."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to look at a sample.

    ``score`` lies in [0, 1], 1 the strongest; ``suggestion`` is the class that the finding speaks for, if any.
    ``value`` is the raw measurement behind the score in the unit of its kind, ``group`` what the samples of one
    finding share (the id of a duplicate cluster).
    """

    sample_id: str
    kind: str
    score: float
    detail: str
    suggestion: str | None = None
    value: float | None = None
    group: str | None = None
