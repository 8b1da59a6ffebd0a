"""Import: the product's one pass over each file against a plain Pillow loop; a folder that has not changed; memory.

    python benchmarks/ingest.py [--images 600] [--unchanged 100000]

Ours: scan, read, SHA-256, decode check, thumbnail, perceptual hash and quality values, stored (in memory). The peer is
what a script does: for each file in one loop, Pillow opens and decodes it once for a 64-pixel hash with a cosine
transform, again for the thumbnail, and hashes its bytes. The two take turns on parts of the same files.
"""

import argparse
import hashlib
import io
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.fft import dctn

from core.domain.samples import NewSample
from core.ingest.importer import import_folder
from core.ingest.one_pass import PLAIN, read_image
from core.ingest.readers import Readers
from core.ingest.sources import recognise
from core.store.base import FRAME_COLUMNS
from core.store.memory import MemoryStore

TURNS = 3
SIZE = (500, 375)
LINKS = 50_000  # names of one file; file systems allow some 65,000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--unchanged", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        compare(Path(scratch), arguments.images // TURNS)
        unchanged(Path(scratch) / "many", arguments.unchanged)
    print(f"load {os.getloadavg()[0]:.1f}, peak memory of this process {peak():.0f} MB")


def compare(scratch: Path, each: int) -> None:
    """Rates of both, turn by turn."""
    seconds = {"ours": 0.0, "peer": 0.0}
    with Readers(scratch / "thumbs") as readers:
        list(readers.read([str(photograph(scratch / "warm" / "0.jpg", 0))]))
        for turn in range(TURNS):
            folder = scratch / f"turn-{turn}"
            for number in range(each):
                photograph(folder / f"class-{number % 2}" / f"{number}.jpg", turn * each + number)
            began = time.perf_counter()
            report = ours(folder, scratch / "thumbs", readers)
            seconds["ours"] += time.perf_counter() - began
            assert report["added"] == each
            began = time.perf_counter()
            peer(sorted(folder.rglob("*.jpg")), scratch / f"peer-{turn}")
            seconds["peer"] += time.perf_counter() - began
    rates = {name: TURNS * each / taken for name, taken in seconds.items()}
    print(f"labelloop {rates['ours']:.0f} images/s, plain loop {rates['peer']:.0f} images/s")
    print(f"ratio {rates['ours'] / rates['peer']:.1f}")
    files = sorted((scratch / "turn-0").rglob("*.jpg"))
    began = time.process_time()
    for path in files:
        read_image(path, thumbnail_folder=scratch / "one", extras=PLAIN)
    middle = time.process_time()
    peer(files, scratch / "peer-one")
    ended = time.process_time()
    mine, theirs = (1000 * taken / len(files) for taken in (middle - began, ended - middle))
    print(f"CPU time of one file: our pass {mine:.1f} ms, the loop {theirs:.1f} ms")


def photograph(path: Path, seed: int) -> Path:
    """A JPEG of a photograph's size and entropy (about 50 kB)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (24, 32, 3), dtype=np.uint8)).resize(
        SIZE, Image.Resampling.BICUBIC
    )
    noise = random.integers(-12, 13, (SIZE[1], SIZE[0], 1))
    Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)).save(path, quality=88)
    return path


def ours(folder: Path, thumbs: Path, readers: Readers | None) -> dict[str, int]:
    """The product's own import, into a store in memory."""
    store = MemoryStore()
    return import_folder(
        store,
        recognise(folder),
        existing=nothing(),
        open_dataset=lambda classes: store.create("bench", classes),
        thumbnail_folder=thumbs,
        seed=0,
        frozen_test=False,
        progress=lambda _done, _total: None,
        readers=readers,
    ).as_json()


def peer(files: list[Path], thumbs: Path) -> None:
    """A plain loop."""
    thumbs.mkdir()
    for path in files:
        hashlib.sha256(path.read_bytes()).hexdigest()
        with Image.open(path) as image:
            small = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float32)
        low = dctn(small)[:8, :8]
        (low > np.median(low)).tobytes()
        with Image.open(path) as image:
            image.thumbnail((256, 256))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=82)
        (thumbs / path.name).write_bytes(buffer.getvalue())


def unchanged(folder: Path, count: int) -> None:
    """A folder that was imported before: names and times only."""
    for number in range(count):
        place = folder / ("a" if number % 2 else "b")
        if number % LINKS == 0:
            first = photograph(place / f"{number}.jpg", 1)
            os.utime(first, (1, 1))
        else:
            place.mkdir(exist_ok=True)
            os.link(first, place / f"{number}.jpg")
    stat, root = first.stat(), folder.resolve()
    store = MemoryStore()
    info = store.create("bench", ["a", "b"])
    samples = (
        NewSample(
            f.filepath, f.label, "train", f"{n:064x}", stat.st_size, stat.st_mtime_ns, *SIZE, "image/jpeg", str(root)
        )
        for n, f in enumerate(recognise(folder).files)
    )
    store.insert(info.id, list(samples))
    existing, before = store.frame(info.id), peak()
    began = time.perf_counter()
    report = import_folder(
        store,
        recognise(folder),
        existing=existing,
        open_dataset=lambda _classes: store.dataset("bench"),
        thumbnail_folder=folder,
        seed=0,
        frozen_test=False,
        progress=lambda _done, _total: None,
    )
    taken = time.perf_counter() - began
    assert report.count("present") == count
    print(f"{count:,} unchanged files: {taken:.1f} s, {(peak() - before) * 1024 / count:.2f} kB a file more memory")


def nothing() -> pd.DataFrame:
    """The frame of a dataset that is not there yet."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})


def peak() -> float:
    """MB that this process has used at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
