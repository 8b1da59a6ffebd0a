"""The workspace: what the CLI and every page call. It wires the parts together and adds no arithmetic of its own."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from core.domain.decisions import Decision, JournalEntry, Outcome, Source
from core.domain.errors import BadInput, LabelloopError, NotFound
from core.domain.models import INSTANT
from core.domain.runs import TrainOptions
from core.domain.samples import Labels, Split
from core.evaluation.comparison import Comparison, compare
from core.evaluation.metrics import Evaluation
from core.jobs.launcher import Launcher
from core.review import decisions as reviewing
from core.review import recovery, undoing, writing
from core.review.queues import REMEMBERING, Queue, QueueSpec
from core.runs import kept
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.location import locate
from core.runs.predictions import Answers, Predictions
from core.services import mongod
from core.store.base import SampleStore
from core.store.mongo import MongoStore
from core.workspace.cluster import Cluster
from core.workspace.control import Control
from core.workspace.costs import Costs
from core.workspace.errors_of_run import Errors
from core.workspace.explaining import Explaining
from core.workspace.health import Health
from core.workspace.history import History
from core.workspace.imports import Imports
from core.workspace.keeping import Keeping
from core.workspace.neighbours import Neighbours
from core.workspace.overview import Overview
from core.workspace.prompts import Prompts
from core.workspace.relinking import Relinking
from core.workspace.remembered import Remembered
from core.workspace.reporting import Reporting
from core.workspace.requests import login
from core.workspace.review import Review
from core.workspace.running import Running
from core.workspace.searches import Searches
from core.workspace.splits import Splits
from core.workspace.suspicion import Suspicion
from core.workspace.tracking import Tracking
from core.workspace.training import Training
from core.workspace.understanding import Understanding
from core.workspace.uploads import Uploads
from core.workspace.watches import Watches

if TYPE_CHECKING:
    from core.services.app_client import AppClient
    from core.serving.predictor import Prediction, Predictor

_Kept = TypeVar("_Kept")
RECOVER_AFTER = 5.0  # seconds: a younger pending entry may be somebody's decision on its way


class Workspace(Running):
    """Datasets, jobs, runs and decisions of one folder. Safe to share between threads."""

    def __init__(
        self, paths: WorkspacePaths, store: SampleStore, *, user: str, launcher: Launcher, database: Any = None
    ) -> None:
        super().__init__(paths, store, launcher)
        self.user = user
        self._database = database
        self.neighbours = Neighbours(self)
        self._reconciled: dict[str, tuple[int, str]] = {}
        self._recovered = time.monotonic()
        self.review = Review(self)
        self.understanding = Understanding(self)
        self.errors = Errors(self)
        self.training = Training(self)
        self.prompts = Prompts(self)
        self.overview = Overview(self)
        self.health = Health(self)
        self.splits = Splits(self)
        self.relinking = Relinking(self)
        self.suspicion = Suspicion(self)
        self._predictor: tuple[str, Predictor] | None = None
        self._compared: Remembered[Comparison] = Remembered(4)
        self.control = Control(self, self.launch)

    @classmethod
    def open(cls, root: Path | None = None, *, user: str | None = None, keep_spare: bool = False) -> Self:
        """Attach to the workspace's mongod, or start one for the life of this process.

        ``keep_spare`` keeps a preloaded process ready for the next instant retrain or import; the dashboard asks for
        it.

        Raises:
            BadInput: the folder cannot be used.
            MissingProgram: there is no mongod.
            ServiceFailed: mongod did not start.
        """
        paths = WorkspacePaths(locate(root))
        database = mongod.attach_or_start(paths)
        store = MongoStore(database.uri, mongod.DATABASE)
        launcher = Launcher(spare="light" if keep_spare else None)
        workspace = cls(paths, store, user=user or login(), launcher=launcher, database=database)
        recovery.recover(store, older_than=RECOVER_AFTER)
        workspace.control.recover()
        if keep_spare:
            workspace.control.watch()
        return workspace

    def close(self) -> None:
        """Let go of the database; stops it if this process started it. Jobs go on."""
        self.control.close()
        self._launcher.close()
        self.training.close()
        if isinstance(self.store, MongoStore):
            self.store.close()
        if self._database is not None:
            self._database.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # parts

    @property
    def imports(self) -> Imports:
        """Previews, imports and watch folders."""
        return Imports(self)

    @property
    def keeping(self) -> Keeping:
        """Renaming datasets, putting them away and bringing them back."""
        return Keeping(self)

    @property
    def watches(self) -> Watches:
        """Folders whose new images are taken in as they appear."""
        return Watches(self)

    @property
    def uploads(self) -> Uploads:
        """Files that came through the browser."""
        return Uploads(self.paths)

    @property
    def reporting(self) -> Reporting:
        """Reports on runs."""
        return Reporting(self)

    @property
    def costs(self) -> Costs:
        """What errors cost."""
        return Costs(self)

    @property
    def explaining(self) -> Explaining:
        """Where in its images a run saw what it saw."""
        return Explaining(self)

    @property
    def history(self) -> History:
        """Notes, differences, labels and datasets of past runs."""
        return History(self)

    @property
    def cluster(self) -> Cluster:
        """Where networks train: this machine or a Ray cluster."""
        return Cluster(self)

    @property
    def tracking(self) -> Tracking:
        """Mirrors and alerts."""
        return Tracking(self)

    @property
    def searches(self) -> Searches:
        """Searches for hyperparameters."""
        return Searches(self)

    def start_import(self, source: str | Path, dataset: str, *, seed: int = 0) -> str:
        """Import a source as it is recognised, in the background, then embed; returns the job's name.

        Raises:
            BadInput: no such source, no images in it, or a name that a dataset cannot have.
        """
        return self.imports.start(source, dataset, seed=seed)

    # understanding

    def predictions(self, run: str) -> Predictions:
        """A finished run's predictions.

        Raises:
            NotFound: no such run, or it has no predictions (yet).
        """
        return self._read(run, kept.read)

    def answers(self, run: str) -> Answers:
        """As :meth:`predictions`, without the probabilities: for what looks at many runs at once."""
        return self._read(run, kept.read_answers)

    def evaluation(self, run: str, split: Split, *, labels: Labels = "run") -> Evaluation:
        """A run on one split, under the labels that it was trained with or those of now."""
        return self.understanding.judged(run, split, labels=labels).evaluation

    def compare(self, old: str, new: str, *, split: Split = "test", labels: Labels = "now") -> Comparison:
        """Two runs on the same samples under the same labels: those of now, or the newer run's.

        Raises:
            BadInput: runs of different datasets.
        """
        views = self.run(old), self.run(new)
        if views[0].dataset != views[1].dataset:
            datasets = " and ".join(repr(view.dataset) for view in views)
            raise BadInput(f"{old} and {new} are runs of different datasets ({datasets}); compare runs of one.")
        name = views[1].dataset
        answers = self.review.answers(name, old), self.review.answers(name, new)

        def made() -> Comparison:
            now = self.understanding.labels_now(name) if labels == "now" else None
            replaced = self.understanding.replaced(old, new)
            return compare(*answers, names=(views[0].name, views[1].name), split=split, labels=now, replaced=replaced)

        made_of = (*answers, self.samples(name) if labels == "now" else None)
        return self._compared.of((old, new, split, labels), made_of, made)

    def queue(self, dataset: str, spec: QueueSpec) -> Queue:
        """A queue's items, in order; the same object as before while nothing changed.

        Raises:
            NotFound: no such dataset or run.
            BadInput: the queue needs a run and there is none that finished.
        """
        return self.review.queue(dataset, spec)

    def predict(self, run: str, images: Sequence[Path | bytes], *, by_cost: bool = False) -> "list[Prediction]":
        """Classify images by path or by their bytes with a finished run; ``by_cost`` answers with the class whose
        expected cost is least.

        Raises:
            NotFound: no such run, it has no model, or by cost: nobody said what errors cost.
            BadInput: its model cannot be used.
        """
        from core.serving.predictor import Predictor  # ONNX Runtime is loaded for those who predict only

        paths = self.run_paths(run)
        loaded = self._predictor
        if loaded is None or loaded[0] != paths.name:
            loaded = self._predictor = (paths.name, Predictor(paths))  # seconds of loading that the next call spares
        if not by_cost:
            return loaded[1].predict(images)
        dataset = self.run(run).dataset
        costs = self.costs.of(dataset, loaded[1].classes)
        if costs is None:
            raise NotFound(f"Nobody said what errors cost in {dataset!r}; enter it on its Thresholds and keep it.")
        return loaded[1].predict(images, costs=costs)

    def show_in_app(self, dataset: str, spec: QueueSpec, *, who: str | None = None) -> tuple[int, set[str]]:
        """Show a queue in the FiftyOne App, its run's predictions beside the labels; what others than ``who`` have
        before them comes last.

        Returns:
            The queue's size, and the names of those who have some of it before them.

        Raises:
            core.domain.errors.ServiceFailed: the FiftyOne server does not run or answer.
        """
        items = self.queue(dataset, spec)
        run = self.review.run_of(dataset, spec) if spec.run or spec.kind in REMEMBERING else None
        if run:
            rows = self.review.predictions(dataset, run)
            shown = zip(rows.sample_id, rows.predicted, rows.confidence, strict=True)
            predicted = {str(i): (str(label), float(confidence)) for i, label, confidence in shown}
            self.store.show_predictions(self.dataset(dataset).id, " ".join([run, *rows.classes]), predicted)
        client = self.app_server()
        if client is not None:
            if spec.kind == "all" and not spec.split:  # the dataset itself, in its own order
                client.show(dataset, None, spec.title())
                return len(items), set()
            said = zip(items.ids, items.suggestions, items.evidence, strict=True)
            says = {sample: (suggests, asked) for sample, suggests, asked in said if suggests or asked}
            ids, others = self.review.others_last(dataset, items.ids, who=who or self.user)
            client.show(dataset, ids, spec.title(), says)
            return len(items), others
        return len(items), set()

    # decisions

    def decide(
        self,
        dataset: str,
        decisions: Sequence[Decision],
        *,
        source: Source,
        queue: str = "",
        batch: str | None = None,
        who: str | None = None,
    ) -> list[Outcome]:
        """Write decisions to the journal and to the labels; one outcome each, in order. Durable when it returns."""
        info, who = self.uncounted(dataset), who or self.user
        return reviewing.decide(self.store, info, decisions, who=who, source=source, queue=queue, batch=batch)

    def undo(self, dataset: str, *, batch: str | None = None, source: Source = "grid") -> list[Outcome]:
        """Take back one batch of decisions, or the newest; an empty list where there is none."""
        return undoing.undo(self.store, self.uncounted(dataset), who=self.user, source=source, batch=batch)

    def journal(self, dataset: str, *, limit: int = 50, who: str | None = None) -> list[JournalEntry]:
        """The newest decisions, of anybody or of one person."""
        return self.store.journal(self.uncounted(dataset).id, limit=limit, who=who)

    def reconcile(self, dataset: str) -> int:
        """Find labels that were set natively in FiftyOne and journal them; returns how many."""
        info = self.uncounted(dataset)
        if time.monotonic() - self._recovered > RECOVER_AFTER:  # what another process left as it was killed
            self._recovered = time.monotonic()
            recovery.recover(self.store, older_than=RECOVER_AFTER)
        version = self.store.version(info.id)
        if self._reconciled.get(info.id) == version:
            return 0
        found = writing.reconcile(self.store, info, who=self.user)
        self._reconciled[info.id] = version
        return found

    def _before_freeze(self, dataset: str) -> None:
        self.reconcile(dataset)

    def _expected(self, dataset: str, options: Mapping[str, Any]) -> float | None:
        if options.get("model") == INSTANT:  # starts at once, and is over before anybody reads it
            return None
        try:
            return round(self.training.estimate(dataset, TrainOptions.read(options)).seconds, 1)
        except LabelloopError:  # a recipe of another version, run again
            return None

    def _before_start(self, run: RunPaths, dataset: str) -> None:
        self.suspicion.describe(run, dataset)

    # services

    def app_server(self) -> "AppClient | None":
        """A client of the FiftyOne server that ``labelloop up`` runs on this workspace, None when it does not run."""
        from core.services import stack  # brings the process supervision along, which few callers need
        from core.services.app_client import AppClient

        up = stack.running(self.paths)
        return AppClient(up.app_port, up.app_token) if up is not None else None

    # private

    def _read(self, run: str, read: Callable[[Path], _Kept]) -> _Kept:
        try:
            return read(self.run_paths(run).predictions)
        except FileNotFoundError:
            raise NotFound(f"{run} has no predictions; only a run that has finished does.") from None
