"""Every file name of a workspace and of a run or job folder. Nobody else spells them."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkspacePaths:
    """The folder that holds database, thumbnails, caches, snapshots, runs and jobs."""

    root: Path

    @property
    def database(self) -> Path:
        """The data folder of mongod."""
        return self.root / "db"

    @property
    def thumbnails(self) -> Path:
        """Thumbnails by content hash."""
        return self.root / "thumbs"

    @property
    def embeddings(self) -> Path:
        """Embedding blocks by backbone."""
        return self.root / "embeddings"

    @property
    def cache(self) -> Path:
        """What can be made again: decoded pixels, exported backbones, downloaded weights."""
        return self.root / "cache"

    @property
    def snapshots(self) -> Path:
        """Frozen manifests."""
        return self.root / "snapshots"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.root / "runs"

    @property
    def jobs(self) -> Path:
        """One folder an import or embedding job."""
        return self.root / "jobs"

    @property
    def uploads(self) -> Path:
        """Images that came through the browser, and what archives held: the only images that lie in a workspace."""
        return self.root / "uploads"

    @property
    def imports(self) -> Path:
        """What an import has read and not stored yet, a folder a dataset (see core.ingest.spool)."""
        return self.root / "imports"

    @property
    def watches(self) -> Path:
        """One JSON file a watched folder."""
        return self.root / "watches"

    @property
    def costs(self) -> Path:
        """What errors cost, one JSON file a dataset."""
        return self.root / "costs"

    @property
    def prompt_rules(self) -> Path:
        """How labels are read from prompts, one JSON file a dataset."""
        return self.root / "prompt_rules"

    @property
    def tracking(self) -> Path:
        """Where runs are mirrored and who is alerted (see core.tracking.settings)."""
        return self.root / "tracking.json"

    @property
    def identity(self) -> Path:
        """What no other workspace is called (see core.runs.identity)."""
        return self.root / "identity.json"

    @property
    def cluster(self) -> Path:
        """Where networks train unless something else is said (see core.cluster.place)."""
        return self.root / "cluster.json"

    @property
    def alerts(self) -> Path:
        """The alerts that were given, a JSON line each."""
        return self.root / "alerts.jsonl"

    @property
    def searches(self) -> Path:
        """One folder a search for hyperparameters."""
        return self.root / "searches"

    @property
    def checks(self) -> Path:
        """What was measured in images (see core.runs.measurements), and a folder a dataset (see :meth:`checked`)."""
        return self.root / "checks"

    def checked(self, dataset_id: str) -> Path:
        """What the check job found on a dataset as a whole, and the thresholds that a person set."""
        return self.checks / dataset_id

    def findings(self, dataset_id: str) -> Path:
        """One file a kind of finding (see core.runs.findings)."""
        return self.root / "findings" / dataset_id

    @property
    def picked(self) -> Path:
        """Sets of samples that were picked on a chart or map (see core.runs.picked)."""
        return self.root / "picked"

    @property
    def logs(self) -> Path:
        """What mongod, the FiftyOne server and Streamlit print."""
        return self.root / "logs"

    @property
    def queue(self) -> Path:
        """Who waits for which device, in order (see core.jobs.devices)."""
        return self.root / "queue"

    def device_lock(self, device: str) -> Path:
        """Held by the supervisor whose worker trains on ``device``: one network at a time."""
        return self.queue / f"{device}.lock"

    def run(self, name: str) -> "RunPaths":
        """The folder of a run, job or search by its name, whether it exists or not."""
        parents = {"job": self.jobs, "search": self.searches}
        return RunPaths(parents.get(name.partition("-")[0], self.runs) / name)

    def snapshot(self, snapshot_id: str) -> Path:
        """The folder of a snapshot."""
        return self.snapshots / snapshot_id


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The folder of one run or job (a job has no snapshot, checkpoints, predictions or model)."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, which is the run's id ("run-7")."""
        return self.folder.name

    @property
    def number(self) -> int:
        """7 for "run-7"; 0 where the name has no number."""
        match = re.search(r"(\d+)$", self.name)
        return int(match.group(1)) if match else 0

    @property
    def workspace(self) -> WorkspacePaths:
        """The workspace that this folder lies in."""
        return WorkspacePaths(self.folder.parent.parent)

    @property
    def spec(self) -> Path:
        """Written once by the launcher: kind, dataset, snapshot id, options, versions."""
        return self.folder / "spec.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for life."""
        return self.folder / "run.lock"

    @property
    def status(self) -> Path:
        """Written by the worker: phase, epoch, rate, time left, heartbeat."""
        return self.folder / "status.json"

    @property
    def metrics(self) -> Path:
        """Written by the worker: one JSON line an epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """What supervisor and worker print."""
        return self.folder / "log.txt"

    @property
    def cancel(self) -> Path:
        """An empty file that anyone may create."""
        return self.folder / "cancel"

    @property
    def pause(self) -> Path:
        """An empty file that anyone may create: the worker saves where it is and ends; it goes away on resuming."""
        return self.folder / "pause"

    @property
    def stop(self) -> Path:
        """An empty file that anyone may create: training ends here, the best epoch is kept and predicts."""
        return self.folder / "stop"

    @property
    def checkpoints(self) -> Path:
        """:attr:`last_checkpoint` and :attr:`best_checkpoint`, with what they are beside them for people."""
        return self.folder / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """All that going on needs; removed once the run has succeeded."""
        return self.checkpoints / "last.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        """The weights of the best epoch."""
        return self.checkpoints / "best.safetensors"

    @property
    def predictions(self) -> Path:
        """Every sample's probabilities (see core.runs.predictions)."""
        return self.folder / "predictions.parquet"

    @property
    def known(self) -> Path:
        """Written by the launcher: what is known of the samples beside the snapshot (see core.runs.judgements)."""
        return self.folder / "known.json"

    @property
    def judgements(self) -> Path:
        """How likely each label is wrong, written after the run (see core.runs.judgements)."""
        return self.folder / "judgements.parquet"

    @property
    def outlook(self) -> Path:
        """What more images and corrections are likely to bring, written after the run."""
        return self.folder / "outlook.json"

    @property
    def used(self) -> Path:
        """Written by the worker: device, precision, weights, rate and batch as they were (see core.runs.used)."""
        return self.folder / "used.json"

    @property
    def snapshot(self) -> Path:
        """The run's own copy of its snapshot, by hard links: the folder alone says what was learned from."""
        return self.folder / "snapshot"

    @property
    def model(self) -> Path:
        """The trained network or head as ONNX, image batch or embedding in, logits out."""
        return self.folder / "model.onnx"

    @property
    def calibration(self) -> Path:
        """Temperature and abstain threshold, once fitted (see core.runs.calibration)."""
        return self.folder / "calibration.json"

    @property
    def model_card(self) -> Path:
        """What model.onnx wants: input kind, size, normalisation, classes."""
        return self.folder / "model.json"

    @property
    def report(self) -> Path:
        """Written by an import job at its end: outcomes per file."""
        return self.folder / "report.json"

    @property
    def attempts(self) -> Path:
        """Written by the supervisor: a line a start of the worker and a line how it ended (see core.jobs.attempts)."""
        return self.folder / "attempts.jsonl"

    @property
    def notes(self) -> Path:
        """Written by people: note, star, tags, put away (see core.runs.notes)."""
        return self.folder / "notes.json"

    @property
    def place(self) -> Path:
        """Where the run is to go on, where that is not what its spec says (see core.cluster.place)."""
        return self.folder / "place.json"

    @property
    def fence(self) -> Path:
        """The token of the team that works on the run; teams with another one write nothing any more."""
        return self.folder / "fence.json"

    @property
    def outcome(self) -> Path:
        """Left by a team of workers for whoever started it: the one return code of all."""
        return self.folder / "outcome.json"

    @property
    def smaller_batch(self) -> Path:
        """Left by a team whose memory was too small, or after kills (core.jobs.smaller): the batch to go on with."""
        return self.checkpoints / "batch.json"

    @property
    def error(self) -> Path:
        """Written by the worker when it fails: one sentence for the person."""
        return self.folder / "error.json"

    @property
    def exit(self) -> Path:
        """Written by the supervisor: return code or signal, time."""
        return self.folder / "exit.json"
