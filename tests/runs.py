"""Finished runs made by hand, so that their every figure is known."""

import time
from dataclasses import asdict

from core.jobs import folders
from core.runs import predictions
from core.runs.atomic import write_json
from core.snapshots.freeze import freeze


def finished_run(workspace, dataset, rows, *, options, error="", ago=60.0):
    """A run that began ``ago`` seconds since and predicted ``rows``: an image's chances each, in the order of the
    samples and classes. With an ``error`` it has failed. Returns its folder."""
    info, frame = workspace.dataset(dataset), workspace.samples(dataset)
    classes = list(info.classes)
    spec = {
        "kind": "train",
        "dataset": dataset,
        "snapshot": freeze(workspace.paths, info, frame).id,
        "classes": classes,
        "options": asdict(options),
        "versions": {},
    }
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", spec)
    created = time.time() - ago
    write_json(run.spec, {**spec, "name": run.name, "created_at": created})
    run.lock.touch()
    if error:
        write_json(run.error, {"sentence": error})
    else:
        table = predictions.make(
            classes=classes,
            sample_id=frame["sample_id"].tolist(),
            split=frame["split"].tolist(),
            label=frame["label"].tolist(),
            probabilities=rows / rows.sum(axis=1, keepdims=True),
            out_of_fold=(frame["split"] == "train").to_numpy() if options.model == "instant" else None,
        )
        predictions.write(run.predictions, table)
    write_json(run.exit, {"returncode": 2 if error else 0, "signal": None, "ended_at": created + 3})
    return run
