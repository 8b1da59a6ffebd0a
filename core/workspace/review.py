"""What review needs of a workspace beyond single decisions: findings as queues, picked sets, redo, histories."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from core.domain.decisions import JournalEntry, Outcome, Source
from core.review import undoing
from core.review.queues import QueueSpec
from core.runs import findings, picked

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


class Review:
    """Queues, journal and undo of one workspace. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._findings: dict[tuple[str, str], tuple[float, pd.DataFrame]] = {}

    def pick(self, sample_ids: Sequence[str], called: str = "Chosen images") -> QueueSpec:
        """A queue of just these samples, in this order, whatever their number; ``called`` is its title."""
        return QueueSpec(kind="picked", picked=picked.write(self._workspace.paths, sample_ids), called=called)

    def picked(self, spec: QueueSpec) -> list[str] | None:
        """The sample ids of a queue of kind "picked"."""
        return picked.read(self._workspace.paths, spec.picked) if spec.picked else None

    def finding_kinds(self, dataset: str) -> dict[str, float]:
        """The kinds of findings that were looked for, each with the time of it (Unix seconds)."""
        return findings.kinds(self._workspace.paths, self._workspace.dataset(dataset).id)

    def findings(self, dataset: str, kind: str) -> pd.DataFrame:
        """The findings of one kind (core.runs.findings), the same frame as long as nothing wrote it anew."""
        dataset_id = self._workspace.dataset(dataset).id
        stamp = findings.kinds(self._workspace.paths, dataset_id).get(kind, 0.0)
        known = self._findings.get((dataset_id, kind))
        if known is None or known[0] != stamp:
            known = (stamp, findings.read(self._workspace.paths, dataset_id, kind))
            self._findings[dataset_id, kind] = known
        return known[1]

    def history(self, dataset: str, sample_id: str) -> list[JournalEntry]:
        """What was decided on one sample, newest first."""
        return self._workspace.store.journal(self._workspace.dataset(dataset).id, limit=None, sample_id=sample_id)

    def redo(self, dataset: str, *, batch: str | None = None, source: Source = "grid") -> list[Outcome]:
        """Do again what the newest undo took back; an empty list where there is none."""
        workspace = self._workspace
        return undoing.redo(workspace.store, workspace.dataset(dataset), who=workspace.user, source=source, batch=batch)
