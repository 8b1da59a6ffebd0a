"""A trial as a run: started in the ordinary queue, followed by its folder, judged on validation."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from core.domain.runs import RunState, TrainOptions
from core.evaluation.metrics import evaluate
from core.jobs import folders
from core.jobs.restart import restart
from core.runs import predictions
from core.runs.atomic import read_json, read_json_lines
from core.runs.layout import RunPaths
from core.runs.states import state
from core.search.study import Objective
from core.snapshots import manifest

Launch = Callable[[RunPaths], None]


def start(search: RunPaths, options: TrainOptions, launch: Launch, **marks: Any) -> RunPaths:
    """Make and start the run of a trial (mark ``trial``) or the last one (mark ``final``) of a search.

    One that was made before the search was killed is returned as it is.
    """
    spec = read_json(search.spec) or {}
    with folders.lock_of(search.workspace.runs):
        known = of_search(search).get(marks.get("trial"))
        if known is not None:
            return known
        shared = {key: spec[key] for key in ("dataset", "classes", "versions")}
        snapshot = spec["snapshot"] if "trial" in marks else spec["whole_snapshot"]
        made = {"kind": "train", **shared, "snapshot": snapshot, "options": asdict(options), "search": search.name}
        if "place" in spec:
            made["place"] = spec["place"]
        run = folders.make(search.workspace.runs, "run", {**made, **marks})
    manifest.keep(search.workspace.snapshot(str(snapshot)), run.snapshot)
    launch(run)
    return run


def of_search(search: RunPaths) -> dict[int | None, RunPaths]:
    """The runs of a search by the number of their trial; the last one, on all splits, under None."""
    found: dict[int | None, RunPaths] = {}
    for paths in folders.listed(search.workspace.runs):
        spec = read_json(paths.spec) or {}
        if spec.get("search") == search.name:
            found[spec.get("trial")] = paths
    return found


def steps(run: RunPaths, objective: Objective) -> dict[int, float]:
    """What each epoch reached on val, for pruning; empty where there is no val or there are no epochs."""
    measure = "val_loss" if objective == "loss" else "val_accuracy"
    return {
        int(line["epoch"]): float(line[measure])
        for line in read_json_lines(run.metrics)
        if line.get(measure) is not None
    }


def value(run: RunPaths, objective: Objective) -> float | None:
    """What the kept network reached on val; None where it has no labelled val images."""
    found = evaluate(predictions.read(run.predictions).where("val"))
    if not found.samples:
        return None
    return float({"accuracy": found.accuracy, "macro_f1": found.macro_f1, "loss": log_loss(run)}[objective])


def log_loss(run: RunPaths) -> float:
    """Mean negative logarithm of the label's probability on val."""
    import numpy as np

    rows = predictions.read(run.predictions).where("val")
    place = {name: number for number, name in enumerate(rows.classes)}
    known = np.array([label in place for label in rows.label], dtype=bool)
    rows = rows.rows(known)
    own = rows.probabilities[np.arange(len(rows)), [place[label] for label in rows.label]]
    return float(-np.log(np.clip(own.astype(np.float64), 1e-15, 1.0)).mean())


def keep_going(run: RunPaths, launch: Launch) -> RunState:
    """The state of a trial's run; one that was lost with its supervisor is started again."""
    found = state(run)
    if found == "lost":
        restart(run, launch, by="recovery")
        return "queued"
    return found


def error_of(run: RunPaths) -> str:
    """Why a run failed, in its own words."""
    said: Mapping[str, Any] = read_json(run.error) or {}
    return str(said.get("sentence") or "It failed; its log says more.")
