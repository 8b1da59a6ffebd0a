"""Jobs and training runs of a workspace: started, found, watched."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from core.cluster import place
from core.domain.errors import NotFound
from core.domain.models import INSTANT
from core.domain.naming import Naming, owner
from core.domain.runs import TrainOptions
from core.jobs import folders
from core.jobs.launcher import Launcher
from core.runs.atomic import read_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.snapshots import manifest
from core.snapshots.freeze import freeze
from core.store.base import SampleStore
from core.workspace.datasets import Datasets
from core.workspace.remembered import Remembered
from core.workspace.requests import check_trainable, same_request, told_without_class, versions, without_class
from core.workspace.views import RunView, StaleMeter, read_view, stale_meter, view_of

NAMES_FOR = 1.0  # seconds for which the names of datasets are taken for what they were


class Running(Datasets):
    """Datasets, and the background jobs and runs on them: each a folder and a process of its own."""

    _namings: tuple[float, list[Naming]]  # when they were asked for; none where every dataset has always had its name

    def __init__(self, paths: WorkspacePaths, store: SampleStore, launcher: Launcher) -> None:
        super().__init__(paths, store)
        self._launcher = launcher
        self._frozen: Remembered[pd.DataFrame] = Remembered(4)
        self._meters: Remembered[StaleMeter] = Remembered(8)
        self.forget_names()

    def launch(self, paths: RunPaths) -> None:
        """Start the job whose folder was made, or have it go on."""
        self._launcher.start(paths)

    def start_embedding(self, dataset: str) -> str:
        """Embed what is not embedded yet in the background; returns the job's name."""
        frame = self.samples(dataset)
        with folders.lock_of(self.paths.jobs):
            for view in self.jobs(dataset):
                if view.active and view.kind == "embed":
                    return view.name
            listing = self.paths.jobs / f".{os.getpid()}-{time.time_ns()}.parquet"
            frame.loc[:, ["filepath", "content_hash"]].to_parquet(listing, index=False)
            spec: dict[str, Any] = {"kind": "embed", "dataset": dataset, "samples": "samples.parquet"}
            where = place.of_workspace(self.paths)
            if where.ray:  # in one box, one process uses all cores already
                spec["place"] = asdict(where)
            job = folders.make(self.paths.jobs, "job", spec)
            listing.rename(job.folder / "samples.parquet")
        self.launch(job)
        return job.name

    def retrain(self, dataset: str, options: TrainOptions, *, where: place.Place | None = None) -> str:
        """Freeze the dataset as it is and train on it in the background; returns the run's name.

        ``where`` is what the settings say unless it is given; an instant run is always made here. A file of weights is
        named from the home folder unless it is named in full.

        The same request while such a run waits or works returns that run: a double click starts one.

        Raises:
            NotFound: no such dataset.
            BadInput: there is nothing to learn from.
        """
        self._before_freeze(dataset)
        info = self.dataset(dataset)
        frame = self.in_words_of_now(dataset)
        check_trainable(info, frame[~frame["excluded"]])
        snapshot = freeze(self.paths, info, frame)
        spec: dict[str, Any] = {
            "kind": "train",
            "dataset": dataset,
            "snapshot": snapshot.id,
            "classes": list(snapshot.classes),
            "options": asdict(options.rooted(Path.home())),
        }
        if strange := without_class(info, frame):
            spec["without_class"] = strange
        if where is not None:
            spec["place"] = asdict(where)
        return self.start_run(spec)

    def labels_without_class(self, dataset: str) -> list[str]:
        """What a person should know before a run: a sentence for each label that is no class."""
        return told_without_class(without_class(self.uncounted(dataset), self.in_words_of_now(dataset)))

    def start_run(self, spec: dict[str, Any]) -> str:
        """Make a run folder of ``spec`` (kind, dataset, snapshot, classes, options) and start it; returns its name.

        The same request while such a run waits or works returns that run: a double click starts one.
        """
        whole = {**spec, "versions": versions()}
        if spec["options"].get("model") == INSTANT:
            whole.pop("place", None)
        elif "place" not in whole:
            whole["place"] = asdict(place.of_workspace(self.paths))
        if (expected := self._expected(str(spec["dataset"]), spec["options"])) is not None:
            whole["expected"] = expected
        with folders.lock_of(self.paths.runs):
            for paths in folders.listed(self.paths.runs)[:20]:
                if same_request(read_json(paths.spec), whole) and read_view(paths).active:
                    return paths.name
            run = folders.make(self.paths.runs, "run", whole)
        manifest.keep(self.paths.snapshot(str(spec["snapshot"])), run.snapshot)
        self._before_start(run, str(spec["dataset"]))
        self.launch(run)
        return run.name

    def runs(self, dataset: str | None = None, *, trials: bool = False) -> list[RunView]:
        """Training runs, newest first; those of a search's ``trials`` only where asked for: they know no test split."""
        views = self.views(self.paths.runs)
        return [v for v in views if (dataset is None or v.dataset == dataset) and (trials or not v.trial)]

    def jobs(self, dataset: str | None = None) -> list[RunView]:
        """Imports and embeddings, newest first."""
        return [view for view in self.views(self.paths.jobs) if dataset is None or view.dataset == dataset]

    def views(self, folder: Path) -> list[RunView]:
        """All runs, jobs or searches of a folder, newest first, each with what its dataset is called now."""
        return [self._named(view_of(paths)) for paths in folders.listed(folder)]

    def run(self, name: str) -> RunView:
        """A run or job by its name; a bare number means the run of that number.

        Raises:
            NotFound: there is none.
        """
        return self._named(view_of(self.run_paths(name)))

    def run_paths(self, name: str) -> RunPaths:
        """The folder of a run or job.

        Raises:
            NotFound: there is none.
        """
        name = f"run-{name}" if name.isdecimal() else name
        prefix, _, number = name.partition("-")
        paths = self.paths.run(name)
        if prefix not in ("run", "job", "search") or not number.isdecimal() or not paths.spec.exists():
            known = ", ".join(view.name for view in self.runs()[:5]) or "none yet"
            raise NotFound(f"There is no run {name!r} in this workspace; the newest are: {known}.")
        return paths

    def forget_names(self) -> None:
        """Ask for the names of datasets anew: they have just changed."""
        self._namings = (float("-inf"), [])

    def cancel(self, name: str) -> None:
        """Ask a run or job to stop; one that has ended stays as it is."""
        paths = self.run_paths(name)
        view = read_view(paths)
        if view.active or view.state == "paused":
            paths.cancel.touch()

    def wait(self, name: str, timeout: float | None = None) -> RunView:
        """Wait until a run or job has ended, or ``timeout`` seconds; returns it as it is then."""
        paths = self.run_paths(name)
        deadline = None if timeout is None else time.monotonic() + timeout
        while (view := read_view(paths)).active and (deadline is None or time.monotonic() < deadline):
            time.sleep(0.1)
        return view

    def log_tail(self, name: str, lines: int = 40) -> str:
        """The last lines of a run's or job's log."""
        try:
            text = self.run_paths(name).log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def report(self, job: str) -> dict[str, Any] | None:
        """What an import job found (core.ingest.outcomes.Report.as_json), None while it works."""
        report: dict[str, Any] | None = read_json(self.run_paths(job).report)
        return report

    def stale(self, dataset: str) -> StaleMeter:
        """What a retrain would see that the newest succeeded run has not. Kept until the dataset or that run changes:
        every page asks for it every two seconds.
        """
        frame = self.as_learnt(dataset)
        for newest in (view for view in self.runs(dataset) if view.state == "succeeded"):
            try:
                frozen = self._snapshot(newest)
            except NotFound:  # somebody removed both folders: pages live on, by the run before
                continue
            made_of = (newest.name, frame, frozen)
            return self._meters.of(dataset, made_of, partial(stale_meter, newest.name, frame, frozen))
        new = int((~frame["excluded"]).sum())
        return StaleMeter(run=None, labels_changed=0, added=new, removed=0, in_test=0, touched=new)

    def not_in(self, run: str) -> StaleMeter:
        """What the dataset holds now that a run, which may still wait or work, was not started with.

        Raises:
            NotFound: no such run, or its snapshot or dataset is gone.
        """
        view = self.run(run)
        return stale_meter(view.name, self.as_learnt(view.dataset), self._snapshot(view))

    def newest_with_predictions(self, dataset: str, *, prefer: str | None = None) -> str | None:
        """The newest run that finished, one of the model ``prefer`` before others."""
        finished = [view for view in self.runs(dataset) if view.state == "succeeded"]
        preferred = [view for view in finished if view.options.get("model") == prefer]
        return next((view.name for view in [*preferred, *finished]), None)

    def _named(self, view: RunView) -> RunView:
        """A view with what its dataset is called now, or with a title that no dataset has where that is put away."""
        at, namings = self._namings
        if time.monotonic() - at > NAMES_FOR:
            namings = self.store.namings()
            if all(naming.plain for naming in namings):
                namings = []
            self._namings = (time.monotonic(), namings)
        naming = owner(namings, view.dataset, view.created_at)
        return view if naming is None or naming.title == view.dataset else replace(view, dataset=naming.title)

    def _snapshot(self, run: RunView) -> pd.DataFrame:
        """The samples that a run was started with, read once for all runs of that snapshot."""
        paths = self.paths.run(run.name)
        return self._frozen.of(run.spec.get("snapshot"), (), lambda: manifest.of_run(paths).samples)

    def _before_freeze(self, dataset: str) -> None:
        """See that what a snapshot is made of is in order."""

    def _expected(self, dataset: str, options: Mapping[str, Any]) -> float | None:
        """The seconds that a run with these options will take; None where nobody asks."""

    def _before_start(self, run: RunPaths, dataset: str) -> None:
        """Add to the folder of a new run what its process cannot ask for."""
