"""Composition root: a folder becomes a workspace with its store, snapshots, runs and jobs.

CONTRACT STUB while being built; signatures are settled, bodies follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd

from core.domain.decisions import Decision, JournalEntry, Outcome, Source
from core.domain.runs import RunState, TrainOptions
from core.domain.samples import DatasetInfo, Sample, Split
from core.runs.layout import WorkspacePaths
from core.runs.predictions import Predictions


@dataclass(frozen=True, slots=True)
class RunView:
    """A run or job as its folder tells it."""

    name: str  # "run-7", "job-3"
    kind: Literal["train", "import", "embed"]
    dataset: str
    state: RunState
    spec: dict[str, Any]  # spec.json
    status: dict[str, Any]  # status.json: phase, done, total, rate, seconds_left, epoch, epochs, message, device
    metrics: list[dict[str, Any]]  # metrics.jsonl
    error: str  # one sentence, "" unless failed or lost
    created_at: float  # unix seconds
    seconds: float | None  # how long it ran


@dataclass(frozen=True, slots=True)
class StaleMeter:
    """What changed in a dataset since its newest succeeded run (``run`` None: never trained)."""

    run: str | None
    labels_changed: int
    added: int
    changed_in_test: int


# core.evaluation.metrics (no torch, no store):
#   Evaluation: classes, matrix (int ndarray; rows are labels, columns predictions), samples, correct, accuracy, macro_f1,
#               per_class: tuple[ClassFigures(name, precision, recall, f1, support, predicted)]
#   Comparison: old, new (run names), split, samples, old_accuracy, new_accuracy, old_evaluation, new_evaluation,
#               fixed, broken, still_wrong: tuple[str, ...] sample ids; labels_changed: int; left_out: int; note: str
# core.review.queues:
#   QueueSpec(kind, run=None, split=None, true=None, pred=None, other=None, labels="now", label=None)
#     kind: "all" | "unlabelled" | "class" | "misclassified" | "cell" | "fixed" | "broken" | "suspicious" | "duplicates" | "samples"
#     .title() -> "Wrong in run-7, test"; .to_params() -> dict[str,str]; QueueSpec.from_params(mapping)
#   QueueItem(sample_id, label, split, suggestion, confidence, reason, reviewed, filepath, content_hash)


class Workspace:
    paths: WorkspacePaths

    @classmethod
    def open(cls, root: Path | None = None, *, user: str | None = None) -> Self:
        """Attach to the workspace's mongod, or start one for the life of this process."""
        raise NotImplementedError

    def close(self) -> None: ...

    # data
    def datasets(self) -> list[DatasetInfo]: ...
    def dataset(self, name: str) -> DatasetInfo: ...
    def samples(self, dataset: str) -> pd.DataFrame: ...  # sample_id filepath content_hash label split width height reviewed
    def sample(self, dataset_id: str, sample_id: str) -> Sample: ...
    def thumbnail(self, dataset_id: str, sample_id: str) -> tuple[bytes, str]: ...  # bytes, content hash
    def add_class(self, dataset: str, name: str) -> None: ...

    # jobs and runs
    def preview(self, folder: str) -> Any: ...  # core.ingest.layouts.Preview: layout, classes, images, skipped, sentence
    def start_import(self, folder: str, dataset: str, *, seed: int = 0) -> str: ...  # job name; embeds afterwards
    def start_embedding(self, dataset: str) -> str: ...
    def retrain(self, dataset: str, options: TrainOptions) -> str: ...  # run name
    def runs(self, dataset: str | None = None) -> list[RunView]: ...  # newest first
    def jobs(self, dataset: str | None = None) -> list[RunView]: ...
    def run(self, name: str) -> RunView: ...  # runs and jobs
    def cancel(self, name: str) -> None: ...
    def wait(self, name: str, timeout: float | None = None) -> RunView: ...
    def log_tail(self, name: str, lines: int = 40) -> str: ...
    def stale(self, dataset: str) -> StaleMeter: ...

    # understanding
    def predictions(self, run: str) -> Predictions: ...
    def evaluation(self, run: str, split: Split, *, labels: Literal["run", "now"] = "run") -> Any: ...
    def compare(self, old: str, new: str, *, split: Split = "test") -> Any: ...
    def queue(self, dataset: str, spec: Any) -> list[Any]: ...
    def predict(self, run: str, images: Sequence[Any]) -> list[Any]: ...  # core.serving: Prediction(classes, probabilities)

    # decisions
    def decide(self, dataset: str, decisions: Sequence[Decision], *, source: Source, queue: str = "") -> list[Outcome]: ...
    def undo(self, dataset: str, *, batch: str | None = None, source: Source = "grid") -> list[Outcome]: ...
    def journal(self, dataset: str, *, limit: int = 50) -> list[JournalEntry]: ...
    def reconcile(self, dataset: str) -> int: ...  # native edits in FiftyOne found and journalled

    # the FiftyOne server, when `labelloop up` runs
    def app_server(self) -> Any: ...  # core.services.app_client.AppClient or None
