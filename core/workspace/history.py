"""What can be done with past runs: notes, differences, run again, labels restored, dataset exported, deleted."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.domain.decisions import Decision, Source
from core.domain.errors import BadInput
from core.jobs import folders
from core.runs import notes as notes_file
from core.runs import used
from core.runs.atomic import read_json
from core.runs.notes import Notes
from core.snapshots import manifest
from core.snapshots.differences import SnapshotDifference, difference
from core.snapshots.export import Exported, Form, Progress, export
from core.snapshots.freeze import freeze
from core.snapshots.manifest import Snapshot
from core.workspace.requests import versions
from core.workspace.training import has_gpu
from core.workspace.views import RunView

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_OF_ONE_RUN = ("name", "created_at", "versions", "expected", "differing", "search", "trial", "final")  # not run again


@dataclass(frozen=True, slots=True, eq=False)
class RunDifference:
    """From one run to another: fields of recipe and versions with their two values (None: not there), and the data."""

    old: str
    new: str
    recipe: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    data: SnapshotDifference


@dataclass(frozen=True, slots=True)
class Restored:
    """What bringing labels back did. ``returned`` had been excluded since; ``refused`` were changed by somebody
    meanwhile; ``without`` had no label then and keep the one that they have; ``gone`` are not in the dataset any more;
    ``classes_added`` had been removed since.
    """

    run: str
    restored: int
    returned: int
    same: int
    refused: int
    without: int
    gone: int
    classes_added: tuple[str, ...]


class History:
    """Past runs of a workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def notes(self, run: str) -> Notes:
        """What people added to a run."""
        return notes_file.read(self._workspace.run_paths(run))

    def annotate(self, run: str, **fields: Any) -> Notes:
        """Change some fields of a run's notes (those of :class:`Notes`).

        Raises:
            NotFound: no such run.
            BadInput: a note or a tag that cannot be.
        """
        return notes_file.change(self._workspace.run_paths(run), **fields)

    def snapshot(self, run: str) -> Snapshot:
        """The samples and labels that a run was trained with.

        Raises:
            NotFound: no such run, or its snapshot is gone.
        """
        return manifest.of_run(self._workspace.run_paths(run))

    def difference(self, old: str, new: str) -> RunDifference:
        """What was another way in ``new``: recipe, versions, samples, labels, splits, classes.

        Raises:
            NotFound: no such run, or its snapshot is gone.
            BadInput: runs of different datasets.
        """
        first, second = self._workspace.run(old), self._workspace.run(new)
        if first.dataset != second.dataset:
            raise BadInput(f"{old} and {new} are runs of different datasets; compare runs of one.")
        return RunDifference(
            old=first.name,
            new=second.name,
            recipe=_differing(flat(first.options), flat(second.options)),
            versions=_differing(flat(first.spec.get("versions") or {}), flat(second.spec.get("versions") or {})),
            data=difference(self.snapshot(first.name), self.snapshot(second.name)),
        )

    def edits_since(self, run: str) -> SnapshotDifference:
        """What changed in the dataset after the run had frozen it: edits that are not in this run."""
        frozen, name = self.snapshot(run), self._workspace.run(run).dataset
        info, frame = self._workspace.dataset(name), self._workspace.in_words_of_now(name)
        return difference(frozen, freeze(self._workspace.paths, info, frame, keep=False))

    def again(self, run: str) -> str:
        """Start a run with the same recipe on the same snapshot, seed included; returns its name. Its spec says what
        :meth:`differing` does. A search's trial becomes a run like any other, and as such is measured on test too,
        which its search had kept from it.

        While such a run waits or works, that one is returned: a double click starts one.

        Raises:
            NotFound: no such run, or its snapshot is gone, or its dataset is put away.
            BadInput: it was no training run.
        """
        view = self._workspace.run(run)
        self._workspace.store.id_of(view.dataset)
        if view.kind != "train":
            raise BadInput(f"{view.name} is no training run.")
        frozen, differing = self.snapshot(run), self.differing(run)
        manifest.keep(self._workspace.run_paths(run).snapshot, self._workspace.paths.snapshot(frozen.id))
        spec = {key: value for key, value in view.spec.items() if key not in _OF_ONE_RUN}
        if view.trial:
            search = read_json(self._workspace.paths.searches / str(view.spec.get("search")) / "spec.json") or {}
            spec["snapshot"] = search.get("whole_snapshot", spec["snapshot"])
        again = {**spec, "dataset": view.dataset, "again": view.name, "differing": differing}
        return self._workspace.start_run(again)

    def differing(self, run: str) -> list[str]:
        """What keeps :meth:`again` from giving exactly the same, a sentence each; none where nothing is known to.

        Raises:
            NotFound: no such run.
        """
        view, ran = self._workspace.run(run), used.read(self._workspace.run_paths(run))
        then, now = flat(view.spec.get("versions") or {}), versions()
        found = [
            f"{name} was {then[name]} then and is {now.get(name, 'not installed')} now."
            for name in then
            if then[name] != now.get(name)
        ]
        if ran.get("weights_sha256"):
            here = used.digest(Path(ran["weights"]).expanduser())
            if here != ran["weights_sha256"]:
                found.append(f"The weights in {ran['weights']} {'are others now' if here else 'cannot be read'}.")
        if str(ran.get("device", "")).startswith("cuda") and not has_gpu():
            found.append("It was trained on a GPU, and there is none here.")
        return found

    def restore_labels(self, run: str, *, source: Source = "grid") -> Restored:
        """Give every sample the label that it had in a run, through the journal, as one batch that undo takes back.

        Raises:
            NotFound: no such run, or its snapshot or dataset is gone.
        """
        view, frozen = self._workspace.run(run), self.snapshot(run)
        workspace = self._workspace
        info, now = workspace.dataset(view.dataset), workspace.samples(view.dataset)
        both = frozen.samples.loc[:, ["sample_id", "label"]].merge(
            now.loc[:, ["sample_id", "label", "excluded"]], on="sample_id", suffixes=("_then", "_now")
        )
        then, seen = both["label_then"].to_numpy(object), both["label_now"].to_numpy(object)
        differs = then != seen
        had_none = pd.isna(then)
        chosen = both[differs & ~had_none]
        wanted = set(chosen["label_then"])
        missing = tuple(name for name in frozen.classes if name in wanted and name not in info.classes)
        batch = uuid.uuid4().hex
        for name in missing:
            workspace.add_class(view.dataset, name, source=source, batch=batch)
        decisions = [
            Decision(sample, "relabel", label, before, f"{batch}-{place}")
            for place, (sample, label, before) in enumerate(
                zip(chosen["sample_id"], chosen["label_then"], chosen["label_now"], strict=True)
            )
        ]
        back = both[both["excluded"].to_numpy(dtype=bool)]
        labels = {decision.sample_id: decision.label for decision in decisions}
        returning = [
            Decision(sample, "restore", None, labels.get(sample, label), f"{batch}-back-{place}")
            for place, (sample, label) in enumerate(zip(back["sample_id"], back["label_now"], strict=True))
        ]
        queue = f"labels of {view.name}"
        outcomes = workspace.decide(view.dataset, decisions, source=source, queue=queue, batch=batch)
        returned = workspace.decide(view.dataset, returning, source=source, queue=queue, batch=batch)
        saved = sum(outcome.saved for outcome in outcomes)
        return Restored(
            run=view.name,
            restored=saved,
            returned=sum(outcome.saved for outcome in returned),
            same=int((~differs).sum()),
            refused=len(outcomes) - saved,
            without=int((differs & had_none).sum()),
            gone=len(frozen.samples) - len(both),
            classes_added=missing,
        )

    def export(self, run: str, target: Path, form: Form, *, progress: Progress | None = None) -> Exported:
        """Write the dataset that a run was trained on as class folders, a zip of them, or a CSV. What the run makes of
        it, its model card, lies beside the images.

        Raises:
            NotFound: no such run, or its snapshot is gone.
            BadInput: the target is there already or cannot be written.
        """
        return export(self.snapshot(run), target, form, progress=progress, cards=self._workspace.reporting.cards(run))

    def delete(self, run: str) -> int:
        """Delete a run that is put away for good: its network, predictions, figures and log. Its number is not given
        again, and labels stay as they are. Returns the bytes that it had taken.

        Raises:
            NotFound: no such run.
            BadInput: it is not put away, it has not ended, or a watched folder is predicted by it.
        """
        workspace, view = self._workspace, self._workspace.run(run)
        paths = workspace.run_paths(run)
        if view.kind != "train":
            raise BadInput(f"{view.name} is no training run.")
        if view.active or view.state == "paused":
            raise BadInput(f"{view.name} is {view.state}; only what has ended can be deleted.")
        if not self.notes(view.name).archived:
            raise BadInput(f"{view.name} is not put away; only what was put away can be deleted.")
        workspace.watches.refuse_in_use({view.name})
        size = folders.size_of(paths)
        folders.emptied(paths)
        return size


def flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted names: {"a": {"b": 1}} is {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def chosen(
    views: Iterable[RunView],
    notes: Callable[[str], Notes],
    *,
    states: Iterable[str] = (),
    models: Iterable[str] = (),
    tags: Iterable[str] = (),
    star: bool = False,
    archived: bool = False,
    text: str = "",
) -> list[RunView]:
    """The runs that fit all of the filters; an empty filter lets everything through, archived runs must be asked for.

    ``text`` is looked for in name, note, tags and the values of options, whatever its case.
    """
    states, models, tags, needle = set(states), set(models), set(tags), text.strip().lower()
    found = []
    for view in views:
        added = notes(view.name)
        fits = (
            (archived or not added.archived)
            and (not star or added.star)
            and (not states or view.state in states)
            and (not models or view.options.get("model") in models)
            and tags <= set(added.tags)
        )
        if fits and (not needle or needle in _words(view, added)):
            found.append(view)
    return found


def _words(view: RunView, added: Notes) -> str:
    values = [f"{name}={value}" for name, value in flat(view.options).items()]
    return " ".join([view.name, view.title, added.text, *added.tags, *values, view.error]).lower()


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
