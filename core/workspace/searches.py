"""Searches for hyperparameters: started here, worked by :mod:`core.search` in a process of its own, read from files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.cluster import place
from core.domain.errors import BadInput
from core.jobs import folders
from core.runs.atomic import read_json
from core.search.space import read_space, rooted
from core.snapshots import manifest
from core.snapshots.freeze import freeze
from core.snapshots.manifest import Snapshot
from core.workspace.requests import check_trainable, versions, without_class
from core.workspace.views import RunView, read_view

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

METHODS = ("tpe", "random", "grid")
OBJECTIVES = ("accuracy", "macro_f1", "loss")
MOST_TRIALS = 10_000
_SAME = ("dataset", "snapshot", "space", "method", "objective", "trials", "seed", "prune")


@dataclass(frozen=True, slots=True)
class SearchView:
    """A search as its folder tells it. ``trials`` has a mapping a trial (see core.search.__main__), ``result`` what the
    best recipe gave on all splits, None until then.
    """

    view: RunView
    trials: list[dict[str, Any]]
    best: int | None
    importance: dict[str, float]
    result: dict[str, Any] | None


class Searches:
    """The searches of a workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def start(
        self,
        dataset: str,
        space: Mapping[str, Any],
        *,
        trials: int = 20,
        method: Literal["tpe", "random", "grid"] = "tpe",
        objective: Literal["accuracy", "macro_f1", "loss"] = "accuracy",
        prune: bool = True,
        seed: int = 0,
        where: place.Place | None = None,
    ) -> str:
        """Freeze the dataset as it is and search in the background; returns the search's name.

        The trials see a snapshot without the test split. The same request while such a search goes returns that one.
        Files of weights are named from the home folder unless they are named in full.

        Raises:
            NotFound: no such dataset.
            BadInput: a space, method, objective or number that cannot be; nothing to learn from or to judge by.
        """
        space = rooted(space, Path.home())
        read = read_space(space)
        if method not in METHODS or objective not in OBJECTIVES:
            raise BadInput(f"Choose a method of {', '.join(METHODS)} and an objective of {', '.join(OBJECTIVES)}.")
        if not 1 <= trials <= MOST_TRIALS:
            raise BadInput(f"The number of trials must lie between 1 and {MOST_TRIALS:,}, not {trials}.")
        if method == "grid":
            trials = min(trials, read.size())
        workspace = self._workspace
        workspace.reconcile(dataset)
        info, frame = workspace.dataset(dataset), workspace.in_words_of_now(dataset)
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
        check_trainable(info, frame)
        if not frame.loc[frame["split"] == "val", "label"].isin(info.classes).any():
            raise BadInput("A search chooses by val, and no image of val has a label; label some or split anew.")
        whole = freeze(workspace.paths, info, frame)
        spec: dict[str, Any] = {
            "kind": "search",
            "dataset": dataset,
            "snapshot": self._without_test(whole).id,
            "whole_snapshot": whole.id,
            "classes": list(whole.classes),
            "space": dict(space),
            "method": method,
            "objective": objective,
            "trials": trials,
            "prune": prune,
            "seed": seed,
            "versions": versions(),
            "place": asdict(where or place.of_workspace(workspace.paths)),
        }
        if strange := without_class(info, frame):
            spec["without_class"] = strange
        with folders.lock_of(workspace.paths.searches):
            for paths in folders.listed(workspace.paths.searches)[:20]:
                known = read_json(paths.spec) or {}
                if all(known.get(key) == spec[key] for key in _SAME) and read_view(paths).active:
                    return paths.name
            made = folders.make(workspace.paths.searches, "search", spec)
        workspace.launch(made)
        return made.name

    def all(self, dataset: str | None = None) -> list[RunView]:
        """Searches, newest first."""
        views = self._workspace.views(self._workspace.paths.searches)
        return [view for view in views if dataset is None or view.dataset == dataset]

    def read(self, name: str) -> SearchView:
        """One search with its trials.

        Raises:
            NotFound: there is none.
        """
        paths = self._workspace.run_paths(name)
        table = read_json(paths.folder / "trials.json") or {}
        return SearchView(
            view=self._workspace.run(name),
            trials=list(table.get("trials", [])),
            best=table.get("best"),
            importance=dict(table.get("importance", {})),
            result=read_json(paths.folder / "result.json"),
        )

    def _without_test(self, whole: Snapshot) -> Snapshot:
        samples = whole.samples[whole.samples["split"] != "test"].reset_index(drop=True)
        identity = manifest.identify(samples, whole.classes)
        snapshot = Snapshot(id=identity, dataset=whole.dataset, classes=whole.classes, samples=samples)
        manifest.write(self._workspace.paths.snapshot(identity), snapshot)
        return snapshot
