"""One outcome a file, and the report that adds them up."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["added", "present", "changed", "duplicate", "quarantined"]
KINDS: tuple[Kind, ...] = get_args(Kind)
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


class Report:
    """The sum of an import, which ends as the job's report.json. It names ``LISTED`` files of each kind, at most."""

    def __init__(self, layout: str = "") -> None:
        self.layout = layout
        self.splits: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.kept = 0
        self.leaks = 0
        self.seconds = 0.0
        self.notes: list[str] = []
        self._counts: Counter[Kind] = Counter()
        self._listed: dict[Kind, list[FileOutcome]] = {kind: [] for kind in KINDS}
        self._conflicts: list[FileOutcome] = []
        self._conflict_count = 0
        self._kept: list[tuple[str, str | None, str]] = []
        self._skipped: list[tuple[str, str]] = []
        self._skipped_count = 0

    def add(self, outcome: FileOutcome) -> None:
        """Count one file's outcome."""
        self._counts[outcome.kind] += 1
        if outcome.kind == "duplicate" and outcome.label != outcome.other_label:
            self._conflict_count += 1
            if len(self._conflicts) < LISTED:
                self._conflicts.append(outcome)
        elif len(self._listed[outcome.kind]) < LISTED:
            self._listed[outcome.kind].append(outcome)

    def skip(self, path: str, reason: str) -> None:
        """Count a file that was not read at all."""
        self._skipped_count += 1
        if len(self._skipped) < LISTED:
            self._skipped.append((path, reason))

    def keep_label(self, path: str, label: str | None, label_of_source: str) -> None:
        """Count a file whose label here is another than in the source: a person's decision, as a rule."""
        self.kept += 1
        if len(self._kept) < LISTED:
            self._kept.append((path, label, label_of_source))

    def count(self, kind: Kind) -> int:
        """How many files came out so."""
        return self._counts[kind]

    @property
    def files(self) -> int:
        """How many files there were, skipped ones aside."""
        return self._counts.total()

    def first(self, kind: Kind) -> FileOutcome | None:
        """One file of a kind."""
        return next(iter(self._listed[kind]), None)

    def listed(self, kind: Kind) -> list[FileOutcome]:
        """The first ``LISTED`` files of a kind."""
        return list(self._listed[kind])

    def conflicts(self) -> int:
        """Duplicates that carry another label than the picture that they are a copy of."""
        return self._conflict_count

    def as_json(self) -> dict[str, Any]:
        """The form of report.json. Lists are cut at ``LISTED``; counts are not."""
        duplicates = [*self._conflicts, *self._listed["duplicate"]][:LISTED]
        return {
            "files": self.files,
            **{kind: self.count(kind) for kind in KINDS},
            "skipped": self._skipped_count,
            "seconds": round(self.seconds, 2),
            "layout": self.layout,
            "splits": dict(self.splits),
            "labels": dict(self.labels),
            "kept": self.kept,
            "leaks": self.leaks,
            "conflicts": self.conflicts(),
            "duplicates": [
                {"path": o.path, "copy_of": o.copy_of, "label": o.label, "other_label": o.other_label}
                for o in duplicates
            ],
            "quarantine": [{"path": o.path, "reason": o.reason} for o in self._listed["quarantined"]],
            "skipped_files": [{"path": path, "reason": reason} for path, reason in self._skipped],
            "added_files": [{"path": o.path, "label": o.label} for o in self._listed["added"]],
            "present_files": [{"path": o.path, "label": o.label} for o in self._listed["present"]],
            "changed_files": [{"path": o.path, "label": o.label} for o in self._listed["changed"]],
            "kept_labels": [
                {"path": path, "label": label, "label_of_source": other} for path, label, other in self._kept
            ],
            "notes": list(self.notes),
        }
