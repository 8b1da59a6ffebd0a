"""Networks on the CPU: the product's training against a plain fp32 loop over a DataLoader, on the same images.

    python benchmarks/training.py [FOLDER_OF_CLASS_FOLDERS] [--model resnet18 --images 192 --epochs 3]

Each round trains both from scratch on the same files with the same number of epochs, batches and peak learning
rate, and scores both on the same held-out quarter. The peer is the loop of torch's own tutorial: decode and resize
each image each epoch, default memory layout, float32, AdamW. Ours includes decoding, augmentation, checkpoints and
metrics; its processor time, given beside the clock's ratio since other work spoils it less, also the predictions of all
images and the export. Without a folder, seeded pictures of three kinds are drawn.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pictures import drawn, samples_of

from core.domain.runs import TrainOptions
from core.runs import predictions
from core.runs.atomic import read_json_lines, write_json
from core.runs.layout import WorkspacePaths
from core.runs.worker import Progress
from core.snapshots import manifest
from core.training import network
from core.training.task import read_task

BATCH = 32


def main() -> None:
    """Measure and print the ratio and both accuracies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--model", default="resnet18")
    for name, value in (("images", 192), ("epochs", 3), ("rounds", 1), ("size", 128)):
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    costs: dict[str, list[float]] = {"ours": [], "peer": []}
    scores: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as scratch:
        samples = samples_of(arguments.folder or drawn(Path(scratch) / "images", arguments.images), arguments.images)
        for turn in range(arguments.rounds):
            workspace = WorkspacePaths(Path(scratch) / f"workspace-{turn}")
            for name, train in (("ours", ours), ("peer", peer)):
                rate, cost, score = train(samples, workspace, arguments, turn)
                rates[name].append(rate)
                costs[name].append(cost)
                scores[name].append(score)
                print(f"round {turn + 1}, {name}: {rate:.2f} images/s, held-out accuracy {score:.3f}", flush=True)
    ratio = np.median(rates["ours"]) / np.median(rates["peer"])
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    cost = np.median(costs["peer"]) / np.median(costs["ours"])
    print(
        f"ratio {ratio:.2f}, of processor time {cost:.2f} (goal 3 for resnet18, 2 for the others); held-out accuracy "
        f"ours {means['ours']:.3f}, peer {means['peer']:.3f}"
    )


def ours(
    samples: pd.DataFrame, workspace: WorkspacePaths, arguments: argparse.Namespace, seed: int
) -> tuple[float, float, float]:
    """A whole run as the product makes it. The rate counts decoding: the first epoch waits for it."""
    classes = tuple(sorted(samples["label"].unique()))
    snapshot = manifest.Snapshot(manifest.identify(samples, classes), "benchmark", classes, samples)
    manifest.write(workspace.snapshot(snapshot.id), snapshot)
    run = workspace.run("run-1")
    options = {"model": arguments.model, "epochs": arguments.epochs, "image_size": arguments.size, "batch_size": BATCH}
    write_json(run.spec, {"kind": "train", "snapshot": snapshot.id, "options": {**options, "seed": seed}})
    with Progress(run) as progress:
        task = read_task(run)
        began, processor = time.perf_counter(), time.process_time()
        network._pixels(run, task, progress)  # decodes; the run finds them decoded
        decoding = time.perf_counter() - began
        network.train(run, task, progress)
    processor = time.process_time() - processor
    lines = read_json_lines(run.metrics)
    train_images = int((samples["split"] == "train").sum())
    seconds = decoding + sum(line["seconds"] for line in lines)
    test = predictions.read(run.predictions).where("test")
    images = train_images * len(lines)
    return images / seconds, processor / images, float((test.predicted == test.label).mean())


def peer(
    samples: pd.DataFrame, workspace: WorkspacePaths, arguments: argparse.Namespace, seed: int
) -> tuple[float, float, float]:
    """The plain loop, in a process of its own that imports nothing of ours."""
    table = workspace.root / "samples.csv"
    samples[["filepath", "label", "split"]].to_csv(table, index=False)
    script = Path(__file__).with_name("plain_loop.py")
    numbers = (
        arguments.size,
        arguments.epochs,
        seed,
        TrainOptions(model=arguments.model, image_size=arguments.size).peak_rate,
    )
    command = [sys.executable, str(script), str(table), *map(str, numbers), arguments.model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return found["rate"], found["cost"], found["accuracy"]


if __name__ == "__main__":
    main()
