"""Data health of a workspace: the check job, the findings it leads to, their thresholds, and culling."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
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
from core.domain.generation import CLAIM, Generation
from core.jobs import folders
from core.runs import findings as finding_files
from core.runs import measurements
from core.workspace.remembered import Remembered

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_COLUMNS = ("sample_id", "filepath", "content_hash", "label", "split", "width", "height", "size_bytes", "excluded")
KEPT = 24  # datasets
_UNKNOWN = "Resized copies, crops and leaks among them are not all known."


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a dataset was looked at, in images, and when the last check ended (None: never).

    ``measured`` in their pixels, which imports do already; ``compared`` with all others, which only a check does;
    ``embedded`` by embeddings too, without which crops are not found. ``unasked`` counts the pairs whose embeddings are
    alike and for whose pixels the last check had no time. ``checking`` is the check that goes on, or "".
    """

    samples: int
    measured: int
    compared: int
    embedded: int
    unasked: int
    checked_at: float | None
    checking: str

    @property
    def unseen(self) -> int:
        """Images that no check has compared with the others yet."""
        return self.samples - self.compared

    @property
    def sentence(self) -> str:
        """What is not known yet, for a person; empty where everything is."""
        if not self.unseen:
            return ""
        images = f"{self.unseen:,} {'image is' if self.unseen == 1 else 'images are'} not compared with the others yet"
        return f"{images}{'; the check is running' if self.checking else ''}. {_UNKNOWN}"


class Health:
    """Findings about pictures, files and splits. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._made: Remembered[tuple[Mapping[str, str], frozenset[str]]] = Remembered(KEPT)
        self._facts: Remembered[Facts] = Remembered(KEPT)

    def start_check(self, dataset: str, *, after: str | None = None) -> str:
        """Check a dataset in the background; returns the job's name. A check of just these images is not doubled.

        ``after`` names the embedding job whose results crops and outliers need; the check waits for it.

        Raises:
            NotFound: no such dataset.
        """
        workspace = self._workspace
        frame, dataset_id = workspace.samples(dataset), workspace.store.id_of(dataset)
        contents = hashlib.sha256("\n".join(sorted(frame["content_hash"])).encode()).hexdigest()
        with folders.lock_of(workspace.paths.jobs):
            for view in workspace.jobs(dataset):
                if view.active and view.kind == "check" and view.spec.get("contents") == contents:
                    return view.name
            spec = {
                "kind": "check",
                "dataset": dataset,
                "dataset_id": dataset_id,
                "samples": "samples.parquet",
                "contents": contents,
                "after": after,
            }
            listing = workspace.paths.jobs / f".check-{os.getpid()}-{time.time_ns()}.parquet"
            origins, _ = self._generated(dataset_id, frame)
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
        checks = [view for view in self._workspace.jobs(dataset) if view.kind == "check"]
        ended = next((view.name for view in checks if view.state == "succeeded"), None)
        report = self._workspace.report(ended) if ended else None
        return Coverage(
            samples=len(facts.frame),
            measured=int(facts.measured.sum()),
            compared=int(facts.compared.sum()),
            embedded=int(facts.embedded.sum()),
            unasked=int((report or {}).get("unasked", 0)),
            checked_at=shelf.checked_at(self._workspace.paths.checked(self._id(dataset))),
            checking=next((view.name for view in checks if view.active), ""),
        )

    def pending(self, dataset: str) -> str:
        """As :attr:`Coverage.sentence`; jobs are only asked where there is something to say."""
        return "" if self.facts(dataset).compared.all() else self.coverage(dataset).sentence

    def facts(self, dataset: str) -> Facts:
        """Raw values of all samples that are not excluded, kept as long as nothing changes. Do not write into it."""
        workspace, frame, dataset_id = self._workspace, self._workspace.samples(dataset), self._id(dataset)
        folder = workspace.paths.checked(dataset_id)
        made_of = (frame, shelf.stamp(folder), measurements.stamp(workspace.paths))

        def read() -> Facts:
            return checked.facts(workspace.paths, dataset_id, frame, *self._generated(dataset_id, frame))

        return self._facts.of(dataset_id, made_of, read)

    def origins(self, dataset: str) -> Mapping[str, str]:
        """How images were generated, by sample id: those that share it share seed and prompt."""
        return self._generated(self._id(dataset), self._workspace.samples(dataset))[0]

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

    def _generated(self, dataset_id: str, frame: pd.DataFrame) -> tuple[Mapping[str, str], frozenset[str]]:
        """Seed and prompt by sample id, and the ids of all that carry more than claims of their making.

        Read again when samples or checks came in, not with every label.
        """
        made_of = (len(frame), frame["mtime_ns"].sum(), shelf.stamp(self._workspace.paths.checked(dataset_id)))

        def read() -> tuple[Mapping[str, str], frozenset[str]]:
            described = set()

            def each() -> Iterator[tuple[str, Generation]]:
                for sample_id, generation in self._workspace.store.generations(dataset_id):
                    if generation.tool != CLAIM:
                        described.add(sample_id)
                    yield sample_id, generation

            return checked.origins_of(each()), frozenset(described)

        return self._made.of(dataset_id, made_of, read)

    def _id(self, dataset: str) -> str:
        return self._workspace.dataset(dataset).id
