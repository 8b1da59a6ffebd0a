"""Reading the journal: choosing entries, and writing them out as plain records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.domain.decisions import JournalEntry
from core.domain.errors import BadInput

COLUMNS = (
    "entry", "at", "who", "kind", "sample_id", "filepath", "content_hash", "old", "new", "suggestion", "queue",
    "evidence", "source", "batch", "undoes", "redoes", "undone",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; None takes all. ``label`` is the class before or after, ``standing`` leaves out what
    was taken back and the undoing itself, ``samples`` are sample ids.
    """

    who: str | None = None
    kind: str | None = None
    source: str | None = None
    label: str | None = None
    queue: str | None = None
    batch: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    standing: bool = False
    samples: frozenset[str] | None = None

    def takes(self, entry: JournalEntry) -> bool:
        """Whether an entry is wanted."""
        wanted = (
            (self.who, entry.who),
            (self.kind, "undo" if entry.undoes else entry.kind),
            (self.source, entry.source),
            (self.queue, entry.queue),
            (self.batch, entry.batch),
        )
        return (
            all(value in (None, found) for value, found in wanted)
            and (self.label is None or self.label in (entry.old, entry.new))
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at <= self.until)
            and (self.samples is None or entry.sample_id in self.samples)
            and not (self.standing and (entry.undone or entry.undoes))
        )


def record(entry: JournalEntry, filepaths: Mapping[str, str]) -> dict[str, Any]:
    """One entry as plain values under ``COLUMNS``; times in ISO 8601, UTC."""
    return {
        "entry": entry.id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "who": entry.who,
        "kind": entry.kind,
        "sample_id": entry.sample_id,
        "filepath": filepaths.get(entry.sample_id, ""),
        "content_hash": entry.content_hash,
        "old": entry.old,
        "new": entry.new,
        "suggestion": entry.suggestion,
        "queue": entry.queue,
        "evidence": [item for item in entry.evidence.split("\n") if item],
        "source": entry.source,
        "batch": entry.batch,
        "undoes": entry.undoes,
        "redoes": entry.redoes,
        "undone": entry.undone,
    }


def rows(records: Iterable[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Records as lines of a table in the order of ``COLUMNS``."""
    lines = []
    for one in records:
        values = {**one, "evidence": " | ".join(one["evidence"]), "undone": "yes" if one["undone"] else ""}
        lines.append(tuple("" if values[name] is None else values[name] for name in COLUMNS))
    return lines


def moment(text: str) -> datetime:
    """A time as people write it: ISO 8601, in this computer's zone where it names none.

    Raises:
        BadInput: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{text!r} is no time; write it like 2026-11-22T14:30.") from None
    return found.astimezone(UTC)
