"""Accuracy and seconds of each recipe on photographs of two classes, beside what the recipes' authors report.

    python benchmarks/accuracy.py TRAIN TEST WORKSPACE [--recipe balanced hobby-cnn cnn:epochs=10 ...] [--minutes 4]

TRAIN and TEST are folders of class folders; a tenth of TRAIN is val, and the accuracy is that on TEST, which no
recipe has seen. A recipe is a preset's name, or a model's, with fields changed behind a colon. With ``--minutes`` a
run that is not done by then is paused and goes on when this is started again; ``--finish`` ends it there and keeps its
best epoch. Seconds are those of training by the clock, and of the processor over all cores (prediction of all images
included), which says what another load on the machine hides.
"""

import argparse
import hashlib
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from core.domain.models import MODELS
from core.domain.recipes import PRESETS, preset
from core.domain.runs import TrainOptions
from core.evaluation.intervals import wilson
from core.runs import predictions
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.worker import PAUSED
from core.snapshots import manifest
from core.training.__main__ import main as work
from core.training.task import read_task

_IMAGES = (".jpg", ".jpeg", ".png")


def main() -> None:
    """Train what is not done yet, then print a line a recipe."""
    parser = argparse.ArgumentParser()
    for name in ("train", "test", "workspace"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--recipe", nargs="*", default=[one.name for one in PRESETS])
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--held-out", type=int, default=1000)
    parser.add_argument("--finish", action="store_true")
    given = parser.parse_args()
    workspace = WorkspacePaths(given.workspace)
    samples = photographs(given.train, given.test, given.held_out)
    classes = tuple(sorted(samples["label"].unique()))
    snapshot = manifest.Snapshot(manifest.identify(samples, classes), "photographs", classes, samples)
    manifest.write(workspace.snapshot(snapshot.id), snapshot)
    until = time.monotonic() + 60 * given.minutes if given.minutes else float("inf")
    for words in given.recipe:
        run = workspace.run(words.replace(":", "-").replace(",", "-").replace("=", "-"))
        if not run.predictions.exists() and time.monotonic() < until:
            document = {"kind": "train", "snapshot": snapshot.id, "options": asdict(options_of(words))}
            trained(run, document, until, finish=given.finish)
        print(line(words, run), flush=True)


def photographs(train: Path, test: Path, held_out: int) -> pd.DataFrame:
    """A snapshot's table: every tenth of ``train`` is val, the first ``held_out`` of ``test`` in random order test."""
    rows = []
    for folder, count in ((train, None), (test, held_out)):
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _IMAGES)
        for place, index in enumerate(np.random.default_rng(0).permutation(len(files))[:count]):
            path = files[index]
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            split = "test" if count else ("val" if place % 10 == 9 else "train")
            rows.append((content[:24], str(path), content, path.parent.name, split))
    return pd.DataFrame(rows, columns=list(manifest.COLUMNS)).drop_duplicates("sample_id").astype(object)


def options_of(words: str) -> TrainOptions:
    """``resnet18:epochs=5,image_size=96`` as a recipe."""
    name, _, changes = words.partition(":")
    base = {"model": name} if name in MODELS and name not in {one.name for one in PRESETS} else {}
    base = base or asdict(preset(name).options)
    changed = dict(change.split("=", 1) for change in changes.split(",") if change)
    return TrainOptions.read({**base, **{key: _value(text) for key, text in changed.items()}})


def trained(run: RunPaths, document: dict[str, object], until: float, *, finish: bool) -> None:
    """Train, or go on with training, until it is done or the time is up."""
    if not run.spec.exists():
        write_json(run.spec, document)
    run.pause.unlink(missing_ok=True)
    if finish:
        run.stop.touch()
    alarm = threading.Timer(max(1.0, until - time.monotonic()), run.pause.touch) if until < float("inf") else None
    if alarm:
        alarm.daemon = True
        alarm.start()
    began, processor = time.perf_counter(), time.process_time()
    code = work(run.folder)
    if alarm:
        alarm.cancel()
    spent = read_json(run.folder / "spent.json") or {"seconds": 0.0, "processor": 0.0}
    spent["seconds"] += time.perf_counter() - began
    spent["processor"] += time.process_time() - processor
    write_json(run.folder / "spent.json", spent)
    if code not in (0, PAUSED):
        raise SystemExit(f"{run.name} failed: {read_json(run.error)}")


def line(words: str, run: RunPaths) -> str:
    """What a run reached, or how far it is."""
    lines = read_json_lines(run.metrics) if run.metrics.exists() else []
    spent = read_json(run.folder / "spent.json") or {"seconds": 0.0, "processor": 0.0}
    load = psutil.getloadavg()[0]
    took = (
        f"{sum(one['seconds'] for one in lines):.0f} s of training, {spent['seconds']:.0f} s in all, "
        f"{spent['processor']:.0f} s of processor (load {load:.0f})"
    )
    if not run.predictions.exists():
        best = max((one["val_accuracy"] or 0.0 for one in lines), default=0.0)
        return f"{words}: {len(lines)} epochs so far, val at best {best:.3f}; {took}"
    table = predictions.read(run.predictions).where("test")
    right = int((table.predicted == table.label).sum())
    low, high = wilson(right, len(table))
    epochs = len(lines) if read_task(run).options.model != "instant" else "-"
    return f"{words}: {right / len(table):.3f} ({low:.3f} to {high:.3f}) on {len(table)}, epochs {epochs}; {took}"


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


if __name__ == "__main__":
    main()
