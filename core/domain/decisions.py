"""Decisions: what a person did to a sample, as the journal keeps it."""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

DecisionKind = Literal["relabel", "confirm", "exclude", "restore", "skip", "unsure", "rename", "class"]
KINDS: tuple[DecisionKind, ...] = tuple(kind for kind in get_args(DecisionKind) if kind not in ("rename", "class"))
"""What can be decided on one sample; "rename" is what renaming or merging a class does to it, and "class" a change of
the class list itself, whose entry concerns no sample: its ``sample_id`` is empty.
"""
Source = Literal["grid", "fiftyone", "native", "cli", "predict", "import"]
State = Literal["pending", "applied", "refused"]
USER = "LABELLOOP_USER"  # the environment variable with the name that the journal records
USER_HEADER = "LABELLOOP_USER_HEADER"  # the environment variable that names the header with a person's name


def new_id() -> str:
    """An id for a journal entry: 24 hex digits whose order is the order in which they were made."""
    return f"{time.time_ns():016x}{random.getrandbits(32):08x}"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision asked for, not written yet.

    ``seen`` is the label that the person saw; the decision is refused when the sample's label is
    another one by now, when it was excluded or restored since (``seen_excluded``; None: that does not matter), or when
    its file has other contents (``seen_content``: how the content hash began; empty: that does not matter).
    ``token`` makes a repeated request harmless: a token is applied once. ``label`` matters for "relabel" alone.
    ``evidence`` names the reasons that brought the sample into the queue, ``suggestion`` the class they spoke for.
    """

    sample_id: str
    kind: DecisionKind
    label: str | None
    seen: str | None
    token: str
    suggestion: str | None = None
    evidence: str = ""
    seen_excluded: bool | None = None
    seen_content: str = ""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal. ``batch`` groups what one key press decided, ``undoes`` names the entry taken back.

    ``reviewed`` and ``excluded`` are the sample's marks after the entry, ``was_reviewed`` and ``was_excluded`` those
    before it. ``content_hash`` says which content was decided on, ``follows`` which entry had written what was seen.
    A redo is an entry like the one that had been undone; its ``redoes`` names the undoing entry.
    """

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
    reviewed: bool = True
    excluded: bool = False
    was_excluded: bool = False
    content_hash: str = ""
    suggestion: str | None = None
    evidence: str = ""
    follows: str | None = None
    redoes: str | None = None


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A journalled entry on its way to the sample: set ``new`` and the marks where label and exclusion still are
    ``old`` and ``was_excluded``. ``reviewed`` None leaves that mark as it is.
    """

    entry_id: str
    sample_id: str
    old: str | None
    new: str | None
    reviewed: bool | None
    excluded: bool = False
    was_excluded: bool = False


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
    excluded: bool = False
    content_hash: str = ""

    @property
    def edited_natively(self) -> bool:
        """Whether somebody changed the label past the journal."""
        return self.label != self.journalled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. ``label`` is the sample's label now; ``reason`` says why it was refused, and then
    ``content`` is its content hash now, where that is known.
    """

    sample_id: str
    saved: bool
    label: str | None
    entry_id: str | None = None
    reason: str = ""
    excluded: bool = False
    content: str = ""


def of_samples(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Without those of changes of the class list, which concern no sample."""
    return [one for one in outcomes if one.sample_id]
