"""Decisions: what a person did to a sample, as the journal keeps it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DecisionKind = Literal["relabel", "confirm"]
Source = Literal["grid", "fiftyone", "native", "cli", "predict"]
State = Literal["pending", "applied", "refused"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision asked for, not written yet.

    ``seen`` is the label that the person saw; the decision is refused when the sample's label is
    another one by now. ``token`` makes a repeated request harmless: a token is applied once.
    """

    sample_id: str
    kind: DecisionKind
    label: str | None
    seen: str | None
    token: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal. ``batch`` groups what one key press decided, ``undoes`` names the entry taken back."""

    id: str
    dataset_id: str
    sample_id: str
    kind: DecisionKind
    old: str | None
    new: str | None
    who: str
    at: datetime
    source: Source
    queue: str
    batch: str
    state: State
    undoes: str | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. ``label`` is the sample's label now; ``reason`` says why it was refused."""

    sample_id: str
    saved: bool
    label: str | None
    entry_id: str | None = None
    reason: str = ""
