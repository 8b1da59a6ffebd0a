"""Watch folders of a workspace: what is watched is written down, so that it is watched again after a restart."""

import hashlib
import os
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.errors import BadInput, NotFound
from core.ingest.listing import folder_of
from core.ingest.readings import Reading
from core.jobs import folders
from core.runs.atomic import read_json, write_json
from core.workspace.requests import dataset_name
from core.workspace.views import RunView

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched folder. ``run`` predicts what arrives ("" for none); ``job`` is what does the work now, if it does.

    ``lasting``: it is watched again whenever labelloop starts.
    """

    id: str
    folder: str
    dataset: str
    run: str
    job: RunView | None
    lasting: bool

    @property
    def active(self) -> bool:
        """Whether somebody watches it at this moment."""
        return self.job is not None and self.job.active


class Watches:
    """The watch folders of one workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._folder = workspace.paths.watches

    def all(self) -> list[Watch]:
        """Every watch folder, by its path."""
        found = [read_json(path) for path in self._folder.glob("[!.]*.json")] if self._folder.is_dir() else []
        return sorted((self._view(one) for one in found if one), key=lambda watch: watch.folder)

    def refuse_in_use(self, runs: Set[str]) -> None:
        """See that no watched folder is predicted by one of ``runs``, which are to be deleted.

        Raises:
            BadInput: one is.
        """
        watch = next((watch for watch in self.all() if watch.run in runs), None)
        if watch is not None:
            raise BadInput(f"{watch.run} predicts what arrives in {watch.folder!r}; end that watch first.")

    def start(
        self,
        folder: str | Path,
        dataset: str,
        *,
        run: str | None = None,
        reading: Reading | None = None,
        lasting: bool = True,
    ) -> Watch:
        """Watch a folder from now on, in the background. The same folder and dataset again change run and reading.

        ``lasting``: while labelloop is up, and again after a restart; otherwise until the job is cancelled. A watch
        that is lasting stays so.

        Raises:
            BadInput: no such folder, or a name that a dataset cannot have.
            NotFound: there is no such run, or it has no model.
        """
        root, name = str(folder_of(folder)), dataset_name(dataset)
        chosen = self._run(run) if run else ""
        if Path(root).is_relative_to(self._workspace.paths.root):
            raise BadInput("A folder of labelloop's own workspace cannot be watched.")
        identity = hashlib.sha256(os.fsencode(root) + b"\0" + name.encode()).hexdigest()[:12]
        known = read_json(self._folder / f"{identity}.json")
        wanted = {
            "id": identity,
            "folder": root,
            "dataset": name,
            "run": chosen,
            "reading": (reading or Reading()).as_json(),
            "lasting": lasting or bool(known and known.get("lasting")),
        }
        if known is not None:
            watch = self._view(known)
            if watch.active and {**known, **wanted} == known:
                return watch
            self._end(watch)
        return self._view(self._launch(wanted))

    def stop(self, identity: str) -> None:
        """Watch a folder no longer. What came in stays.

        Raises:
            NotFound: it is not watched.
        """
        record = read_json(self._folder / f"{identity}.json") if identity.isalnum() else None
        if record is None:
            raise NotFound("That folder is not watched.")
        (self._folder / f"{identity}.json").unlink(missing_ok=True)
        self._end(self._view(record))

    def find_job(self, watch: Watch) -> Watch:
        """The same watch, its job as it is now."""
        if watch.job is None:
            return watch
        return replace(watch, job=self._workspace.run(watch.job.name))

    def find(self, folder: str | Path, dataset: str | None = None) -> Watch:
        """The watch on a folder.

        Raises:
            NotFound: it is not watched.
        """
        root = str(Path(str(folder)).expanduser().resolve())
        for watch in self.all():
            if watch.folder == root and dataset in (None, watch.dataset):
                return watch
        raise NotFound(f"The folder {root!r} is not watched.")

    def revive(self) -> list[str]:
        """Start what should watch and does not, after a restart or a crash; returns the new jobs' names."""
        records = [read_json(path) for path in self._folder.glob("[!.]*.json")] if self._folder.is_dir() else []
        started = []
        for record in records:
            if record and record.get("lasting") and not self._view(record).active:
                started.append(str(self._launch({k: v for k, v in record.items() if k != "job"})["job"]))
        return started

    def _launch(self, wanted: dict[str, Any]) -> dict[str, Any]:
        workspace = self._workspace
        with folders.lock_of(workspace.paths.jobs):
            job = folders.make(workspace.paths.jobs, "job", {"kind": "watch", **wanted})
            record = {**wanted, "job": job.name}
            write_json(self._folder / f"{wanted['id']}.json", record)
        workspace.launch(job)
        return record

    def _end(self, watch: Watch) -> None:
        if watch.active and watch.job is not None:
            self._workspace.cancel(watch.job.name)
            self._workspace.wait(watch.job.name, timeout=20)

    def _view(self, record: dict[str, Any]) -> Watch:
        try:
            job: RunView | None = self._workspace.run(str(record.get("job", "")))
        except NotFound:
            job = None
        lasting = bool(record.get("lasting"))
        return Watch(record["id"], record["folder"], record["dataset"], record.get("run") or "", job, lasting)

    def _run(self, name: str) -> str:
        view = self._workspace.run(name)
        if not self._workspace.run_paths(view.name).model.exists():
            raise NotFound(f"{view.name} has no trained model to predict with.")
        return view.name
