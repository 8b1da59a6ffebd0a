"""Memory of training by the number of images: the worker's own, what it maps of the cache of pixels, and that on disk.

    python benchmarks/training_memory.py [--images 10000 100000] [--side 32] [--keep DIR]

Small JPEGs (64 x 48), each of its own contents, are learnt by a small network for an epoch, in a worker as the product
starts it. Its own memory is RssAnon of the kernel; pages of the cache that are mapped (RssFile) are given back when
others need memory. Linux only.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from photographs import fill

from core.domain.runs import TrainOptions
from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--keep", type=Path, help="where the images are made once and kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for count in given.images:
            folder = fill((given.keep or Path(scratch)) / f"small-{count}", count, (64, 48), None)
            measure(snapshot_of(folder), WorkspacePaths(Path(scratch) / f"workspace-{count}"), given.side)


def snapshot_of(folder: Path) -> pd.DataFrame:
    """A snapshot's table: every tenth image is val, another test."""
    rows = []
    for place, path in enumerate(sorted(folder.rglob("*.jpg"))):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        split = {8: "val", 9: "test"}.get(place % 10, "train")
        rows.append((content[:24], str(path), content, path.parent.name, split))
    return pd.DataFrame(rows, columns=list(manifest.COLUMNS)).astype(object)


def measure(samples: pd.DataFrame, workspace: WorkspacePaths, side: int) -> None:
    """Train once and print a line."""
    classes = tuple(sorted(samples["label"].unique()))
    identity = manifest.identify(samples, classes)
    manifest.write(workspace.snapshot(identity), manifest.Snapshot(identity, "small", classes, samples))
    run = workspace.run("run-1")
    options = TrainOptions(model="layer-cnn", layers="conv 8, pool, conv 16, average", image_size=side, epochs=1)
    write_json(run.spec, {"kind": "train", "snapshot": identity, "options": asdict(options)})
    began = time.perf_counter()
    worker = subprocess.Popen(
        [sys.executable, "-m", "core.training", str(run.folder)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    most: dict[str, dict[str, int]] = {}
    while worker.poll() is None:
        phase = str((read_json(run.status) or {}).get("phase"))
        for name, kilobytes in resident(worker.pid).items():
            known = most.setdefault(phase, {})
            known[name] = max(known.get(name, 0), kilobytes)
        time.sleep(0.2)
    assert worker.returncode == 0, read_json(run.error)
    own, mapped = (max(one.get(name, 0) for one in most.values()) for name in ("RssAnon", "RssFile"))
    disk = sum(path.stat().st_size for path in workspace.cache.rglob("*") if path.is_file())
    print(
        f"{len(samples):,} images at {side} px: own memory {own / 1024:.0f} MB, mapped at most {mapped / 1024:.0f} MB, "
        f"cache on disk {disk / 2**20:.0f} MB, {time.perf_counter() - began:.0f} s"
    )
    print("  own, by phase: " + ", ".join(f"{name} {one['RssAnon'] / 1024:.0f}" for name, one in most.items() if one))


def resident(pid: int) -> dict[str, int]:
    """Kilobytes by the kernel's names; nothing where the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in lines)
        if name in ("RssAnon", "RssFile")
    }


if __name__ == "__main__":
    main()
