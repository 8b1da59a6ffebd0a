"""One outcome a file, and the report that adds them up."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["added", "present", "changed", "duplicate", "quarantined"]
LISTED = 500  # how many files a report names of each kind; the counts are exact


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file. ``copy_of`` and ``other_label`` belong to a duplicate, ``reason`` to a quarantined one."""

    path: str
    kind: Kind
    label: str | None = None
    copy_of: str = ""
    other_label: str | None = None
    reason: str = ""


@dataclass
class Report:
    """The sum of an import, which ends as the job's report.json."""

    layout: str = ""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[FileOutcome] = field(default_factory=list)
    splits: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    leaks: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        """How many files came out so."""
        return sum(outcome.kind == kind for outcome in self.outcomes)

    def conflicts(self) -> int:
        """Duplicates that carry another label than the picture that they are a copy of."""
        return sum(o.kind == "duplicate" and o.label != o.other_label for o in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """The form of report.json. Lists are cut at ``LISTED``; counts are not."""
        duplicates = [o for o in self.outcomes if o.kind == "duplicate"]
        duplicates.sort(key=lambda o: o.label == o.other_label)
        quarantined = [o for o in self.outcomes if o.kind == "quarantined"]
        return {
            "files": len(self.outcomes),
            **{kind: self.count(kind) for kind in ("added", "present", "changed", "duplicate", "quarantined")},
            "skipped": len(self.skipped),
            "seconds": round(self.seconds, 2),
            "layout": self.layout,
            "splits": dict(self.splits),
            "labels": dict(self.labels),
            "leaks": self.leaks,
            "conflicts": self.conflicts(),
            "duplicates": [
                {"path": o.path, "copy_of": o.copy_of, "label": o.label, "other_label": o.other_label}
                for o in duplicates[:LISTED]
            ],
            "quarantine": [{"path": o.path, "reason": o.reason} for o in quarantined[:LISTED]],
            "skipped_files": [{"path": path, "reason": reason} for path, reason in self.skipped[:LISTED]],
            "notes": list(self.notes),
        }
