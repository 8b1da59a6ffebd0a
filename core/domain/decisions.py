"""Decisions: what a person did to a sample, as the journal keeps it."""

import random
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DecisionKind = Literal["relabel", "confirm"]
Source = Literal["grid", "fiftyone", "native", "cli", "predict"]
State = Literal["pending", "applied", "refused"]


def new_id() -> str:
    """An id for a journal entry: 24 hex digits whose order is the order in which they were made."""
    return f"{time.time_ns():016x}{random.getrandbits(32):08x}"


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
    was_reviewed: bool = False
    token: str = ""


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A journalled entry on its way to the sample: set ``new`` where the label still is ``old``."""

    entry_id: str
    sample_id: str
    old: str | None
    new: str | None
    reviewed: bool


@dataclass(frozen=True, slots=True)
class LabelState:
    """What a sample's label is now.

    ``journalled`` is the label that the journal last wrote: another one in ``label`` was set natively in FiftyOne.
    ``entry_id`` names the journal entry that wrote it.
    """

    sample_id: str
    label: str | None
    journalled: str | None
    reviewed: bool
    entry_id: str | None

    @property
    def edited_natively(self) -> bool:
        """Whether somebody changed the label past the journal."""
        return self.label != self.journalled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. ``label`` is the sample's label now; ``reason`` says why it was refused."""

    sample_id: str
    saved: bool
    label: str | None
    entry_id: str | None = None
    reason: str = ""
