"""What datasets a workspace keeps: renamed, exported, put away, brought back, deleted for good."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadInput, NotFound
from core.domain.naming import Naming, last_owner, owner
from core.jobs import folders
from core.review import recovery
from core.runs.atomic import read_json
from core.runs.layout import RunPaths
from core.snapshots.export import Exported, Form, Progress, export
from core.snapshots.freeze import freeze
from core.workspace.requests import dataset_name

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


@dataclass(frozen=True, slots=True)
class PutAway:
    """A dataset that is put away: its samples (excluded ones too), decisions and runs, and the bytes of the runs.

    ``since`` is the moment, in Unix seconds.
    """

    id: str
    name: str
    since: float
    samples: int
    decisions: int
    runs: int
    size_bytes: int


class Keeping:
    """What happens to a dataset as a whole. A user's image files are never touched."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def rename(self, dataset: str, name: str) -> str:
        """Give a dataset another name; its runs, journal and queues go with it. Returns the name without blanks.

        Raises:
            NotFound: no such dataset.
            BadInput: a name that no dataset can have or another one has, or something works on the dataset.
        """
        store, wanted = self._workspace.store, dataset_name(name)
        dataset_id = store.id_of(dataset)
        if wanted == dataset:
            return wanted
        self._refuse_busy(dataset)
        store.rename(dataset_id, wanted)
        self._workspace.forget_names()
        return wanted

    def called_now(self, name: str) -> str | None:
        """What the dataset in use is called that gave up ``name`` last, for addresses that still name it; None where
        there is none.
        """
        found = last_owner((one for one in self._workspace.store.namings() if one.put_away is None), name)
        return None if found is None else found.name

    def export(self, dataset: str, target: Path, form: Form, *, progress: Progress | None = None) -> Exported:
        """Write a dataset as it is now, without what is excluded, as class folders, a zip of them, or a CSV.

        Raises:
            NotFound: no such dataset.
            BadInput: the target is there already or cannot be written.
        """
        workspace = self._workspace
        workspace.reconcile(dataset)
        info, frame = workspace.dataset(dataset), workspace.in_words_of_now(dataset)
        return export(freeze(workspace.paths, info, frame, keep=False), target, form, progress=progress)

    def put_away(self, dataset: str) -> None:
        """Have a dataset out of sight, with its runs. Labels, journal and runs are kept, and its name is free.

        Raises:
            NotFound: no such dataset.
            BadInput: something works on it.
        """
        store = self._workspace.store
        dataset_id = store.id_of(dataset)
        self._refuse_busy(dataset)
        recovery.recover(store, older_than=1.0)
        if store.journal_unsettled(dataset_id) is not None:
            raise BadInput(f"Somebody is deciding on images of {dataset!r}; try again in a few seconds.")
        store.put_away(dataset_id)
        self._workspace.forget_names()

    def away(self) -> list[PutAway]:
        """The datasets that are put away, the last one first."""
        namings = self._workspace.store.namings()
        away = [naming for naming in namings if naming.put_away is not None]
        mine = self._folders(namings) if away else {}
        found = [self._put_away(naming, mine.get(naming.id, [])) for naming in away]
        return sorted(found, key=lambda one: one.since, reverse=True)

    def find(self, name: str) -> PutAway:
        """The dataset of that name, or id, that was put away last.

        Raises:
            NotFound: there is none.
        """
        away = self.away()
        found = next((one for one in away if name in (one.name, one.id)), None)
        if found is None:
            known = ", ".join(one.name for one in away) or "none"
            raise NotFound(f"No dataset {name!r} is put away; those that are: {known}.")
        return found

    def bring_back(self, dataset_id: str, name: str | None = None) -> str:
        """Have a dataset that was put away in use again, under its name or another; returns it.

        Raises:
            NotFound: no dataset with that id is put away.
            BadInput: another dataset has that name by now.
        """
        wanted = self.find(dataset_id).name if name is None else dataset_name(name)
        self._workspace.store.bring_back(dataset_id, wanted)
        self._workspace.forget_names()
        return wanted

    def delete(self, dataset_id: str) -> PutAway:
        """Delete a dataset that was put away for good: labels, journal, what was found on it, its runs.

        Returns what went. Thumbnails, embeddings and pixels are kept by content, and others may use them.

        Raises:
            NotFound: no dataset with that id is put away.
            BadInput: a watched folder is predicted by one of its runs.
        """
        workspace, gone = self._workspace, self.find(dataset_id)
        mine = self._folders(workspace.store.namings()).get(gone.id, [])
        workspace.watches.refuse_in_use({paths.name for paths in mine})
        for paths in mine:
            folders.emptied(paths)
        for folder in (workspace.paths.findings(gone.id), workspace.paths.checked(gone.id)):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (workspace.paths.costs, workspace.paths.prompt_rules):
            (file / f"{gone.id}.json").unlink(missing_ok=True)
        workspace.store.delete(gone.id)  # last: after a crash it is still there, to be deleted again
        workspace.forget_names()
        return gone

    def _refuse_busy(self, dataset: str) -> None:
        workspace = self._workspace
        if any(watch.dataset == dataset for watch in workspace.watches.all()):
            raise BadInput(f"A folder is watched for {dataset!r}; end that first.")
        views = [*workspace.runs(dataset, trials=True), *workspace.jobs(dataset), *workspace.searches.all(dataset)]
        busy = next((view for view in views if view.active or view.state == "paused"), None)
        if busy is not None:
            what = f"{busy.title} ({busy.name}) is {busy.state} on {dataset!r}"
            raise BadInput(f"{what}; let it end, or cancel it first.")

    def _put_away(self, naming: Naming, mine: Sequence[RunPaths]) -> PutAway:
        samples, decisions = self._workspace.store.extent(naming.id)
        runs = sum(paths.name.startswith("run-") for paths in mine)
        size = sum(folders.size_of(paths) for paths in mine)
        return PutAway(naming.id, naming.name, float(naming.put_away or 0), samples, decisions, runs, size)

    def _folders(self, namings: Sequence[Naming]) -> dict[str, list[RunPaths]]:
        """The folders of the runs, jobs and searches that were a dataset's, by its id."""
        paths, found = self._workspace.paths, defaultdict(list)
        for one in [one for parent in (paths.runs, paths.jobs, paths.searches) for one in folders.listed(parent)]:
            spec = read_json(one.spec) or {}
            theirs = owner(namings, str(spec.get("dataset", "")), float(spec.get("created_at", 0.0)))
            if theirs is not None:
                found[theirs.id].append(one)
        return found
