"""Training a network beside other work: images a second alone and with one processor kept busy by somebody else.

    python benchmarks/contention.py [FOLDER_OF_CLASS_FOLDERS] [--model cnn --size 64 --images 256 --epochs 20]

A run as the product starts it, with its supervisor and worker; the medians of its epochs' own rates. A perfect sharing
of two processors would leave half to three quarters of the speed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pictures import drawn, samples_of

from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest

BUSY = "while True: sum(range(10_000))"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--model", default="cnn")
    for name, value in (("images", 256), ("epochs", 20), ("size", 64)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        samples = samples_of(given.folder or drawn(Path(scratch) / "images", given.images), given.images)
        workspace = WorkspacePaths(Path(scratch))
        classes = tuple(sorted(samples["label"].unique()))
        snapshot = manifest.Snapshot(manifest.identify(samples, classes), "benchmark", classes, samples)
        manifest.write(workspace.snapshot(snapshot.id), snapshot)
        options = {"model": given.model, "epochs": given.epochs, "image_size": given.size, "progressive": False}
        rates = []
        for number, others in enumerate((0, 1), start=1):
            run = workspace.run(f"run-{number}")
            write_json(run.spec, {"kind": "train", "snapshot": snapshot.id, "options": options, "search": "none"})
            busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(others)]
            try:
                subprocess.run([sys.executable, "-m", "core.jobs.supervisor", str(run.folder)], check=True)
            finally:
                for process in busy:
                    process.kill()
            assert read_json(run.exit)["returncode"] == 0
            rates.append(np.median([line["images_per_second"] for line in read_json_lines(run.metrics)]))
            print(
                f"{given.model} at {given.size} px beside {others} busy processes: {rates[-1]:.0f} images/s", flush=True
            )
    print(f"{rates[1] / rates[0]:.2f} of the speed is left, on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
