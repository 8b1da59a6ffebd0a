"""``python -m core.workspace.mirroring RUNFOLDER``: what follows a run's end, in a process that may take its time.

Mirrors it where the settings say so, gives the alerts that it is due, and shows a notice of the desktop. Whatever goes
wrong here is written into the run's log and costs the run nothing.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.domain.errors import BadInput
from core.domain.runs import TrainOptions
from core.evaluation.metrics import Evaluation, evaluate
from core.runs import predictions, used
from core.runs.identity import identity
from core.runs.layout import RunPaths
from core.runs.notes import read as read_notes
from core.tracking import alerts, desktop, settings
from core.tracking.record import Record
from core.workspace.views import RunView, read_view

BEST_FIRST = ("test", "val")
DESKTOP_AFTER = 20.0  # seconds: what ends sooner was looked at
EXTRA = "pip install labelloop[tracking]"

log = logging.getLogger("labelloop.tracking")


def record_of(paths: RunPaths) -> Record:
    """What mirrors are given of a run.

    Raises:
        BadInput: it has not ended, or it is no training run.
    """
    view = read_view(paths)
    if view.kind != "train" or view.state in ("queued", "running", "paused"):
        raise BadInput(f"{view.name} is {view.state}; only a training run that has ended can be mirrored.")
    found = _evaluations(paths)
    split = next((name for name in BEST_FIRST if name in found), None)
    tags = {
        "workspace": paths.workspace.root.name,
        "snapshot": str(view.spec.get("snapshot", "")),
        "labels": ",".join(read_notes(paths).tags),
    }
    if "search" in view.spec:
        tags["search"] = str(view.spec["search"])
    versions = {f"version.{name}": str(value) for name, value in (view.spec.get("versions") or {}).items()}
    files = [paths.spec, paths.metrics, paths.model, paths.model_card]
    return Record(
        key=f"{identity(paths.workspace)}/{view.name}",
        workspace=paths.workspace.root.name,
        name=view.name,
        dataset=view.dataset,
        state=view.state,
        started=view.created_at,
        ended=view.created_at + (view.seconds or 0.0),
        params=_params(paths, view),
        metrics=view.metrics,
        figures={
            f"{name}_{key}": float(value)
            for name, one in found.items()
            for key, value in (("accuracy", one.accuracy), ("macro_f1", one.macro_f1))
        },
        classes=found[split].classes if split else (),
        matrix=found[split].matrix.tolist() if split else (),
        tags={**tags, **versions},
        files=[file for file in files if file.exists()],
    )


def _params(paths: RunPaths, view: RunView) -> Mapping[str, Any]:
    """What the run really took: of its recipe the fields that it looks at, with what it found or was left."""
    try:
        recipe = TrainOptions.read(view.options).in_use()
    except BadInput:  # of a version with other fields
        recipe = dict(view.options)
    return {**recipe, **used.read(paths)}


def mirror(paths: RunPaths, chosen: settings.Settings) -> dict[str, str]:
    """Write a run to every mirror that is on; where each put it, or why it could not, by mirror."""
    record = record_of(paths)
    said = {}
    for name, where in (("mlflow", chosen.mlflow), ("comet", chosen.comet), ("tensorboard", chosen.tensorboard)):
        if where:
            try:
                said[name] = _mirror(name)(record, where)
            except ModuleNotFoundError as error:
                said[name] = f"failed: {error.name} is not installed ({EXTRA})"
            except Exception as error:  # a mirror's library may raise anything, and the run is safe in its folder
                said[name] = f"failed: {type(error).__name__}: {error}"
    return said


def main(folder: Path) -> int:
    """Do all that follows a run's end. Returns the process's exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    paths = RunPaths(folder)
    view, chosen = read_view(paths), settings.read(paths.workspace)
    if view.kind != "train":
        return 0
    if chosen.mirrors and view.state != "paused":
        for name, words in mirror(paths, chosen).items():
            if words.startswith("failed"):
                log.warning("the mirror in %s %s", name, words)
    if view.trial:  # the search is what a person waits for; its trials are only kept
        return 0
    accuracy = next(((s, found.accuracy) for s, found in _best(_evaluations(paths))), None)
    due = alerts.at_its_end(chosen, view.name, view.dataset, view.state, accuracy, view.error)
    alerts.tell(paths.workspace, chosen, due)
    if chosen.desktop and (view.seconds or 0) > DESKTOP_AFTER and view.state != "paused":
        reached = f"{accuracy[1]:.1%} on {accuracy[0]}" if accuracy else view.error
        desktop.notify(f"{view.name} {view.state}", f"{view.title} on {view.dataset}: {reached}")
    return 0


def _mirror(name: str) -> Callable[[Record, str], str]:
    from core.tracking import comet_mirror, mlflow_mirror, tensorboard_mirror

    mirrors = {"mlflow": mlflow_mirror.mirror, "comet": comet_mirror.mirror, "tensorboard": tensorboard_mirror.mirror}
    return mirrors[name]


def _evaluations(paths: RunPaths) -> Mapping[str, Evaluation]:
    if not paths.predictions.exists():
        return {}
    rows = predictions.read(paths.predictions)
    found = {split: evaluate(rows.where(split)) for split in ("train", "val", "test")}
    return {split: one for split, one in found.items() if one.samples}


def _best(found: Mapping[str, Evaluation]) -> list[tuple[str, Any]]:
    return [(split, found[split]) for split in BEST_FIRST if split in found]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
