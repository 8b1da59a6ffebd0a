"""Findings: one reason to look at one sample."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``score`` lies in [0, 1], 1 the strongest; ``suggestion`` is the class that the finding speaks for, if any."""

    sample_id: str
    kind: str
    score: float
    detail: str
    suggestion: str | None = None
