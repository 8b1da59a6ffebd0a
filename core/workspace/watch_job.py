"""``python -m core.workspace.watch_job FOLDER``: the worker of a watch folder."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.errors import BadInput, LabelloopError
from core.domain.findings import Finding
from core.embedding.backbone import Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
from core.ingest import spool
from core.ingest.importer import Wishes, import_folder
from core.ingest.readers import Readers
from core.ingest.readings import Reading
from core.ingest.watching import Watcher
from core.runs import findings, measurements
from core.runs.atomic import read_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.worker import Progress, run_worker
from core.services import up_record
from core.serving.predictor import Predictor
from core.workspace.facade import Workspace
from core.workspace.honesty import Honesty
from core.workspace.import_job import frame_or_empty, opener

KIND = "arrival"  # the findings that a watch leaves: what its run says of what came in
LEAST, MOST = 1.0, 30.0  # seconds between looks
SHARE = 0.1  # of the time that looking may take
NEWEST = 12  # samples that the page shows
KEPT = 20_000  # findings
ALONE = 5.0  # seconds
QUIET = 5.0  # seconds without an arrival after which what came is checked
RARELY = 60.0  # seconds between the starts of two checks


def watch(paths: RunPaths, progress: Progress) -> None:
    """Take in what arrives until somebody asks for a stop. A lasting watch ends with labelloop and starts with it too.

    Raises:
        Cancelled: somebody asked for a stop.
    """
    spec = read_json(paths.spec)
    with Workspace.open(paths.workspace.root) as workspace, Readers(paths.workspace.thumbnails) as readers:
        arrivals = _Arrivals(workspace, spec, readers, progress)
        company = _Company(paths.workspace) if spec.get("lasting") else None
        while company is None or company.stays():
            progress.check()
            time.sleep(arrivals.turn())


class _Company:
    """Whether labelloop is up. A lasting watch that has seen it up ends with it: Ctrl-C there leaves nothing behind."""

    def __init__(self, workspace: WorkspacePaths) -> None:
        self._workspace = workspace
        self._seen = False
        self._alone_since: float | None = None

    def stays(self) -> bool:
        """False once labelloop has been gone for ``ALONE`` seconds."""
        up = up_record.read(self._workspace)
        if up is not None and up.launcher.alive():
            self._seen, self._alone_since = True, None
            return True
        now = time.monotonic()
        self._alone_since = now if self._alone_since is None else self._alone_since
        return not self._seen or now - self._alone_since < ALONE


class _Arrivals:
    """What one watch has seen and done."""

    def __init__(self, workspace: Workspace, spec: dict[str, Any], readers: Readers, progress: Progress) -> None:
        self._workspace = workspace
        self._dataset = str(spec["dataset"])
        self._folder = Path(spec["folder"])
        self._reading = Reading.from_json(spec.get("reading"))
        self._run = str(spec.get("run") or "")
        self._readers = readers
        self._progress = progress
        self._predictor: Predictor | None = None
        self._backbone: Backbone | None = None
        self._newest: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        self._bad: deque[dict[str, str]] = deque(maxlen=NEWEST)
        self._counts = {"imported": 0, "predicted": 0, "quarantined": 0}
        self._problem = ""
        self._unchecked = False
        self._came_at = self._checked_at = -RARELY
        self._watcher = Watcher(self._folder)
        frame = frame_or_empty(workspace, self._dataset)
        stamps = zip(frame["size_bytes"], frame["mtime_ns"], strict=True)
        known = zip(frame["filepath"], stamps, strict=True)
        self._watcher.know((str(path), (int(size), int(changed))) for path, (size, changed) in known)

    def turn(self) -> float:
        """Look once and take in what is whole; returns the seconds to wait before the next look."""
        began = time.monotonic()
        try:
            ready = self._watcher.look()
        except OSError as error:
            self._tell(f"The folder cannot be read ({error.strerror or error}); it is looked for again and again.")
            return LEAST
        looked = time.monotonic() - began
        if ready:
            try:
                self._take_in(set(ready))
                self._problem = ""
            except BadInput as error:  # gone again before it was read
                self._problem = str(error)
        self._check_when_quiet()
        self._tell(self._problem)
        return min(MOST, max(LEAST, looked / SHARE)) if not ready else LEAST / 4

    def _take_in(self, ready: set[str]) -> None:
        workspace, name = self._workspace, self._dataset
        preview = workspace.imports.preview(self._folder, self._reading)
        preview = replace(preview, files=tuple(f for f in preview.files if f.filepath in ready), skipped=())
        folder = spool.folder_of(workspace.paths.imports, name)
        unreadable: dict[str, str] = {}
        with spool.lock_of(folder):
            existing = frame_or_empty(workspace, name)
            report = import_folder(
                workspace.store,
                preview,
                existing=existing,
                open_dataset=opener(workspace, name, self._progress),
                thumbnail_folder=workspace.paths.thumbnails,
                seed=0,
                frozen_test=any(view.state == "succeeded" for view in workspace.runs(name)),
                progress=lambda _done, _total: self._progress.check(),
                spool_folder=folder,
                wishes=Wishes(
                    measured=lambda hashes, values: measurements.add(workspace.paths, hashes, values),
                    bad=unreadable.__setitem__,
                    together=Honesty(workspace, name).together,
                ),
                readers=self._readers,
            )
        self._progress.update(phase="watching")
        self._set_aside(unreadable)
        for path in ready - unreadable.keys():
            self._watcher.taken(path)
        came = report.count("added") + report.count("duplicate")
        self._counts["imported"] += came
        if came or report.count("changed"):
            self._understand(ready - unreadable.keys())
            self._unchecked, self._came_at = True, time.monotonic()

    def _check_when_quiet(self) -> None:
        """Look for copies, leaks and faults among what came, once a burst is over and not all the time."""
        now = time.monotonic()
        if self._unchecked and now - self._came_at >= QUIET and now - self._checked_at >= RARELY:
            self._workspace.health.start_check(self._dataset)
            self._unchecked, self._checked_at = False, now

    def _set_aside(self, unreadable: dict[str, str]) -> None:
        """The files that could not be read: half-written ones wait for the next look, the others are told."""
        for path, reason in unreadable.items():
            if self._watcher.unreadable(path):
                self._counts["quarantined"] += 1
                self._bad.appendleft({"path": path, "reason": reason})

    def _understand(self, paths: set[str]) -> None:
        """Embed what came in, predict it, and leave a finding for each."""
        workspace = self._workspace
        frame = workspace.samples(self._dataset)
        new = frame[frame["filepath"].isin(paths)]
        ids, files = new["sample_id"].tolist(), new["filepath"].tolist()
        self._embed(list(zip(files, new["content_hash"], strict=True)))
        said = self._predict(ids, files) if self._run else {}
        for sample_id, content in zip(ids, new["content_hash"], strict=True):
            label, sure = said.get(sample_id, ("", 0.0))
            self._newest.appendleft({"sample": sample_id, "hash": content, "predicted": label, "confidence": sure})

    def _embed(self, files: Sequence[tuple[str, str]]) -> None:
        try:
            embed_missing(
                files,
                EmbeddingStore(self._workspace.paths.embeddings),
                self._loaded,
                started=lambda _total: None,
                advanced=lambda _images: self._progress.check(),
            )
        except LabelloopError as error:
            self._problem = str(error)

    def _loaded(self) -> Backbone:
        self._backbone = self._backbone or Backbone(ensure_backbone(self._workspace.paths.cache))
        return self._backbone

    def _predict(self, ids: Sequence[str], files: Sequence[str]) -> dict[str, tuple[str, float]]:
        try:
            self._predictor = self._predictor or Predictor(self._workspace.run_paths(self._run))
            results = self._predictor.predict([Path(file) for file in files])
        except LabelloopError as error:
            self._problem = str(error)
            return {}
        said = {i: (one.predicted, one.confidence) for i, one in zip(ids, results, strict=True) if not one.error}
        dataset = self._workspace.dataset(self._dataset)
        self._workspace.store.predict_samples(dataset.id, said)
        paths = self._workspace.paths
        known = findings.read(paths, dataset.id, KIND)
        older = known[~known["sample_id"].isin(said)].head(KEPT)
        kept = [Finding(*row) for row in older[list(findings.COLUMNS)].itertuples(index=False, name=None)]
        fresh = [
            Finding(i, KIND, sure, f"{self._run} says {label} ({sure:.0%})", suggestion=label, value=sure)
            for i, (label, sure) in said.items()
        ]
        findings.write(paths, dataset.id, KIND, [*fresh, *kept])
        self._counts["predicted"] += len(said)
        return said

    def _tell(self, problem: str) -> None:
        self._progress.update(
            phase="watching",
            **self._counts,
            waiting=self._watcher.waiting,
            newest=list(self._newest),
            bad=list(self._bad),
            message=problem,
        )


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), watch))
