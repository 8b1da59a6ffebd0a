"""From the click to the first metric of a network, with a spare process that has torch behind it and without one.

    python benchmarks/first_metric.py [FOLDER_OF_CLASS_FOLDERS] [--images 192 --model cnn --rounds 2]

The click is the call that starts the supervisor; the first metric is the loss of the epoch so far in status.json,
which the Train page shows within its two seconds. Pixels are decoded in neither case (the first run here) and in both
(the second): both figures are printed.
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil
from pictures import drawn, samples_of

from core.jobs.launcher import Launcher
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.snapshots import manifest


def main() -> None:
    """Measure and print the seconds of each case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--model", default="cnn")
    for name, value in (("images", 192), ("rounds", 2), ("size", 128)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        samples = samples_of(given.folder or drawn(Path(scratch) / "images", given.images), given.images)
        workspace = WorkspacePaths(Path(scratch) / "workspace")
        classes = tuple(sorted(samples["label"].unique()))
        snapshot = manifest.Snapshot(manifest.identify(samples, classes), "benchmark", classes, samples)
        manifest.write(workspace.snapshot(snapshot.id), snapshot)
        cold, warm = Launcher(), Launcher(spare="network")
        try:
            settled(warm._spares["network"].pid)
            for number in range(2 * given.rounds):
                launcher = (cold, warm)[number % 2]
                run = workspace.run(f"run-{number + 1}")
                options = {"model": given.model, "image_size": given.size, "epochs": 400, "seed": number}
                write_json(run.spec, {"kind": "train", "snapshot": snapshot.id, "options": options})
                seconds = _first_metric(run, launcher)
                name, load = ("cold", "warm")[number % 2], psutil.getloadavg()[0]
                print(f"{name}: first metric after {seconds:.1f} s (load {load:.0f})", flush=True)
        finally:
            warm.close()


def settled(pid: int) -> None:
    """Wait until the spare has done its imports: it uses no more processor time."""
    process, before, still = psutil.Process(pid), -1.0, 0
    while still < 6:
        time.sleep(0.5)
        used = sum(process.cpu_times()[:2])
        still = still + 1 if used - before < 0.02 else 0
        before = used


def _first_metric(run: RunPaths, launcher: Launcher) -> float:
    began = time.perf_counter()
    launcher.start(run)
    try:
        while time.perf_counter() - began < 300:
            if (read_json(run.status) or {}).get("loss") is not None:
                return time.perf_counter() - began
            time.sleep(0.02)
        raise SystemExit(f"no metric: {run.log.read_text(encoding='utf-8')[-2000:]}")
    finally:
        run.cancel.touch()
        while not run.exit.exists():
            time.sleep(0.1)


if __name__ == "__main__":
    main()
