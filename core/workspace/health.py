"""Data health of a workspace: the check job, the findings it leads to, their thresholds, and culling."""

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from core.checks import culling, findings, shelf
from core.checks import dataset as checked
from core.checks.culling import Plan, Rule
from core.checks.findings import Facts
from core.checks.kinds import BY_KEY
from core.domain.decisions import Decision, DecisionKind, Outcome, Source
from core.domain.errors import BadInput
from core.domain.findings import Finding
from core.jobs import folders
from core.runs import findings as finding_files
from core.runs import measurements

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_COLUMNS = ("sample_id", "filepath", "content_hash", "label", "split", "width", "height", "size_bytes", "excluded")


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a dataset was looked at: images in all, measured, and when the last check ended (None: never)."""

    samples: int
    measured: int
    checked_at: float | None


class Health:
    """Findings about pictures, files and splits. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._made: dict[str, tuple[object, Mapping[str, str]]] = {}
        self._known: dict[str, tuple[object, pd.DataFrame, Facts]] = {}

    def start_check(self, dataset: str, *, after: str | None = None) -> str:
        """Check a dataset in the background; returns the job's name. A check that waits or works is not doubled.

        ``after`` names the embedding job whose results crops and outliers need; the check waits for it.

        Raises:
            NotFound: no such dataset.
        """
        workspace = self._workspace
        frame, info = workspace.samples(dataset), workspace.uncounted(dataset)
        with folders.lock_of(workspace.paths.jobs):
            for view in workspace.jobs(dataset):
                waits = view.status.get("phase") in (None, "starting")
                if view.active and view.kind == "check" and (waits or view.spec.get("samples_count") == len(frame)):
                    return view.name
            spec = {
                "kind": "check",
                "dataset": dataset,
                "dataset_id": info.id,
                "samples": "samples.parquet",
                "samples_count": len(frame),
                "after": after,
            }
            listing = workspace.paths.jobs / f".check-{os.getpid()}-{time.time_ns()}.parquet"
            origins = self._origins(info.id, frame)
            table = frame.loc[:, list(_COLUMNS)]
            table["origin"] = table["sample_id"].map(origins)
            table.to_parquet(listing, index=False)
            job = folders.make(workspace.paths.jobs, "job", spec)
            listing.rename(job.folder / "samples.parquet")
        workspace.launch(job)
        return job.name

    def coverage(self, dataset: str) -> Coverage:
        """How much was looked at."""
        facts = self.facts(dataset)
        made = finding_files.kinds(self._workspace.paths, self._id(dataset))
        return Coverage(len(facts.frame), int(facts.measured.sum()), max(made.values(), default=None))

    def facts(self, dataset: str) -> Facts:
        """Raw values of all samples that are not excluded, kept as long as nothing changes. Do not write into it."""
        workspace, frame, dataset_id = self._workspace, self._workspace.samples(dataset), self._id(dataset)
        folder = workspace.paths.checked(dataset_id)
        stamp = (shelf.stamp(folder), measurements.stamp(workspace.paths))
        known = self._known.get(dataset_id)
        if known is not None and known[0] == stamp and known[1] is frame:
            return known[2]
        facts = checked.facts(workspace.paths, dataset_id, frame, self._origins(dataset_id, frame))
        self._known[dataset_id] = (stamp, frame, facts)
        return facts

    def thresholds(self, dataset: str) -> dict[str, float]:
        """The threshold of each kind that has one."""
        chosen = shelf.read_thresholds(self._workspace.paths.checked(self._id(dataset)))
        return findings.thresholds(self.facts(dataset), chosen)

    def usual(self, dataset: str, kind: str) -> float:
        """Where the threshold of a kind starts on this dataset."""
        return findings.thresholds(self.facts(dataset), {})[kind]

    def set_threshold(self, dataset: str, kind: str, value: float | None) -> None:
        """Move a threshold and make the findings anew; None goes back to where it starts.

        Raises:
            BadInput: there is nothing to set for that kind.
        """
        if kind not in BY_KEY or BY_KEY[kind].threshold is None:
            raise BadInput(f"There is no threshold to set for {kind!r}.")
        shelf.set_threshold(self._workspace.paths.checked(self._id(dataset)), kind, value)
        self.refresh(dataset)

    def preview(self, dataset: str, kind: str, threshold: float | None = None) -> list[Finding]:
        """What a kind finds with another threshold (None: with that of now); nothing is written."""
        limits = self.thresholds(dataset)
        if threshold is not None:
            limits[kind] = threshold
        return findings.find_kind(self.facts(dataset), kind, limits)

    def refresh(self, dataset: str) -> dict[str, int]:
        """Make the findings anew where labels, splits, files or thresholds changed since; returns counts by kind."""
        paths, dataset_id = self._workspace.paths, self._id(dataset)
        folder = paths.checked(dataset_id)
        version = list(self._workspace.store.version(dataset_id))
        now = [version, shelf.stamp(folder), shelf.read_thresholds(folder), list(measurements.stamp(paths))]
        notes = shelf.read_state(folder)
        if notes.get("made_of") == now and set(notes.get("counts", ())) == set(BY_KEY):
            counts: dict[str, int] = notes["counts"]
            return counts
        facts = self.facts(dataset)
        found = findings.find(facts, findings.thresholds(facts, shelf.read_thresholds(folder)))
        for kind, rows in found.items():
            finding_files.write(paths, dataset_id, kind, rows)
        counts = {kind: len(rows) for kind, rows in found.items()}
        shelf.note(folder, made_of=now, counts=counts)
        return counts

    def findings(self, dataset: str, kind: str) -> pd.DataFrame:
        """The findings of one kind as they are now, strongest first (core.runs.findings.COLUMNS)."""
        self.refresh(dataset)
        return finding_files.read(self._workspace.paths, self._id(dataset), kind)

    def plan_cull(self, dataset: str, *, near: bool = True, rules: Sequence[Rule] = culling.USUAL) -> Plan:
        """Which copies could go, and which of each cluster stays; nothing is written."""
        limit = self.thresholds(dataset)["near-duplicate"] if near else None
        return culling.plan(self.facts(dataset), likeness=limit, rules=rules)

    def exclude(
        self, dataset: str, sample_ids: Sequence[str], *, source: Source = "grid", why: str = ""
    ) -> list[Outcome]:
        """Leave samples out of queues, training and figures, through the journal. Files stay; restore brings back."""
        return self._decide(dataset, sample_ids, "exclude", source, why)

    def restore(self, dataset: str, sample_ids: Sequence[str], *, source: Source = "grid") -> list[Outcome]:
        """Take excluded samples back in."""
        return self._decide(dataset, sample_ids, "restore", source, "")

    def _decide(
        self, dataset: str, sample_ids: Sequence[str], kind: DecisionKind, source: Source, why: str
    ) -> list[Outcome]:
        frame = self._workspace.samples(dataset)
        labels: Mapping[str, str | None] = dict(zip(frame["sample_id"], frame["label"], strict=True))
        missing = [sample_id for sample_id in sample_ids if sample_id not in labels]
        if missing:
            raise BadInput(f"There is no sample {missing[0]!r} in {dataset!r}; nothing was changed.")
        made = [
            Decision(sample_id, kind, labels[sample_id], labels[sample_id], uuid.uuid4().hex, evidence=why)
            for sample_id in dict.fromkeys(sample_ids)
        ]
        return self._workspace.decide(dataset, made, source=source, queue="Data health") if made else []

    def _origins(self, dataset_id: str, frame: pd.DataFrame) -> Mapping[str, str]:
        """How images were generated: read again when samples or checks came in, not with every label."""
        stamp = (len(frame), frame["mtime_ns"].sum(), shelf.stamp(self._workspace.paths.checked(dataset_id)))
        known = self._made.get(dataset_id)
        if known is None or known[0] != stamp:
            known = (stamp, checked.origins_of(self._workspace.store.generations(dataset_id)))
            self._made[dataset_id] = known
        return known[1]

    def _id(self, dataset: str) -> str:
        return self._workspace.dataset(dataset).id
