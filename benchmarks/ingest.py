"""Import of photographs, whole: the product's against FiftyOne's own import with what the product does besides.

    python benchmarks/ingest.py [--images 10000] [--photographs DIR] [--keep DIR] [--large 1000]

Ours is one click: job started, names read, every file read once (SHA-256, decode check, perceptual hash, quality
values, generator's metadata, thumbnail), splits made, stored in MongoDB, seen in the workspace. The peer is what its
documentation leads to: ``Dataset.from_dir``, ``compute_metadata``, then a loop with imagehash and Pillow's thumbnails;
its import of FiftyOne and its database's start are not counted. Both on the same files, one after the other, and both
find them in the system's cache; with ``--cold`` (Linux, as root) ours has to fetch them from the disk.

Then photographs of 12 megapixels: the import's rate over that of Pillow's plain decode on one core times the cores.
"""

import argparse
import hashlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from photographs import fill, fill_large
from PIL import Image
from scipy.fft import dctn
from whole_import import bring_in, workspace_at

SIZE = (500, 375)
DECODED = 40
_BOTH = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--photographs", type=Path, help="a folder of photographs to cut the images from")
    parser.add_argument("--keep", type=Path, help="where the images are made once and kept")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--large", type=int, default=1_000)
    parser.add_argument("--peer", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer(*arguments.peer)
    with tempfile.TemporaryDirectory() as scratch, workspace_at(Path(scratch) / "workspace") as workspace:
        kept = arguments.keep or Path(scratch)
        if arguments.images:
            folder = fill(kept / f"photographs-{arguments.images}", arguments.images, SIZE, arguments.photographs)
            if arguments.cold:
                os.sync()
                Path("/proc/sys/vm/drop_caches").write_text("1")
            else:
                for path in folder.rglob("*.jpg"):
                    path.read_bytes()
            print(f"{arguments.images:,} JPEGs of {SIZE[0]} x {SIZE[1]}, load {os.getloadavg()[0]:.1f}", flush=True)
            took = bring_in(workspace, folder, "photographs")
            print(
                f"labelloop {took.seconds:.1f} s ({took.processor:.1f} s of processor without mongod), "
                f"worker {took.worker:.0f} MB, readers {took.readers:.0f} MB together",
                flush=True,
            )
            seconds, processor = _peer(folder, Path(scratch) / "peer", workspace.store._client.address)
            print(f"ratio {seconds / took.seconds:.1f}, of processor {processor / took.processor:.1f}", flush=True)
        if arguments.large:
            folder = fill_large(kept / f"large-{arguments.large}", arguments.large, arguments.photographs)
            large(workspace, folder, arguments.large)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return None


def large(workspace, folder: Path, count: int) -> None:
    """12 megapixels."""
    print(f"{count:,} JPEGs of 12 megapixels, load {os.getloadavg()[0]:.1f}", flush=True)
    files = sorted((folder / "a").glob("*.jpg"))[:DECODED]
    began = time.perf_counter()
    for file in files:
        with Image.open(io.BytesIO(file.read_bytes())) as image:
            image.load()
    plain = len(files) / (time.perf_counter() - began) * len(os.sched_getaffinity(0))
    took = bring_in(workspace, folder, "large")
    print(f"labelloop {count / took.seconds:.1f} images/s, Pillow's decode times cores {plain:.1f}")
    print(f"ratio {count / took.seconds / plain:.2f}, worker {took.worker:.0f} MB, readers {took.readers:.0f} MB")


def _peer(folder: Path, scratch: Path, address: tuple[str, int]) -> tuple[float, float]:
    """The peer in a process of its own, on the same mongod, in a database of its own."""
    scratch.mkdir()
    uri = f"mongodb://{address[0].replace('/', '%2F')}" + ("" if address[0].startswith("/") else f":{address[1]}")
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_URI": uri,
        "FIFTYONE_DATABASE_NAME": "peer",
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DO_NOT_TRACK": "true",
    }
    line = [sys.executable, __file__, "--peer", str(folder), str(scratch)]
    out = subprocess.run(line, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(out, end="", flush=True)
    words = out.split()
    return float(words[-6]), float(words[-4].removeprefix("("))


def peer(folder: Path, scratch: Path) -> None:
    """FiftyOne's import, metadata, hashes, thumbnails."""
    import fiftyone

    before = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in _BOTH)
    marks = [time.perf_counter()]
    dataset = fiftyone.Dataset.from_dir(
        str(folder), fiftyone.types.ImageClassificationDirectoryTree, name="peer", progress=False
    )
    marks.append(time.perf_counter())
    dataset.compute_metadata(progress=False)
    marks.append(time.perf_counter())
    for number, path in enumerate(dataset.values("filepath")):
        hashlib.sha256(Path(path).read_bytes()).hexdigest()
        with Image.open(path) as image:
            phash(image)
        with Image.open(path) as image:
            image.thumbnail((256, 256))
            image.save(scratch / f"{number}.jpg", quality=82)
    marks.append(time.perf_counter())
    parts = dict(zip(("from_dir", "compute_metadata", "hashes, thumbnails"), np.diff(marks), strict=True))
    listed = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts.items())
    used = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in _BOTH) - before
    print(
        f"FiftyOne {fiftyone.__version__}: {listed}; together {marks[-1] - marks[0]:.1f} s ({used:.1f} s of processor)"
    )


def phash(image: Image.Image) -> bytes:
    """imagehash.phash, or where that is not installed what it computes."""
    try:
        import imagehash
    except ImportError:
        small = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
        low = dctn(small)[:8, :8]
        return (low > np.median(low)).tobytes()
    return imagehash.phash(image).hash.tobytes()


if __name__ == "__main__":
    main()
