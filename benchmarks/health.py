"""Near duplicates: how long among 100,000 pictures, and how many planted copies of real photographs are found.

    python benchmarks/health.py                     # 100,000 made-up hashes and embeddings
    python benchmarks/health.py --photographs DIR   # copies of the photographs in DIR are planted, and looked for

The speed part compares hashes and finds each picture's nearest by embedding, which is what a check does beside reading
files. The quality part plants one copy of every fourth photograph in each way and counts what is found, with the
untouched photographs as the control: any pair among those is a false alarm (look at it: real sets hold copies too).
"""

import argparse
import io
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from core.checks import likeness
from core.checks.kinds import BY_KEY
from core.embedding.backbone import Backbone, ensure_backbone, picture
from core.images import alike
from core.images.measures import RECORD, measure
from core.images.reading import decode
from core.neighbours.nearest import among
from core.neighbours.vectors import Vectors

LIMIT = float(BY_KEY["near-duplicate"].threshold or 1)
EVERY = 4


def speed(count: int) -> None:
    """Made-up pictures, one in a hundred of them a copy."""
    random = np.random.default_rng(0)
    records = np.zeros(count, dtype=RECORD)
    records["contrast"] = 0.2
    records["phash"] = random.integers(0, 2**63, (count, 4)).astype(np.uint64) * 2
    centres = random.normal(0, 1, (400, 1280)).astype(np.float32)
    embeddings = centres[random.integers(0, 400, count)] + random.normal(0, 1, (count, 1280)).astype(np.float32)
    copies, originals = np.arange(0, count, 100), np.arange(0, count, 100) + 1
    records["phash"][copies] = records["phash"][originals] ^ np.uint64(0b1001000100)
    embeddings[copies] = embeddings[originals] + random.normal(0, 0.1, (len(copies), 1280)).astype(np.float32)
    stored = embeddings.astype(np.float16)
    began, processor = time.perf_counter(), time.process_time()
    found = alike.pairs(records)
    hashed = time.perf_counter() - began
    near = among(Vectors.of(stored), 8)
    whole = time.perf_counter() - began
    processor = time.process_time() - processor
    nearest = [set(row) for row in near.rows[copies].tolist()]
    missed = sum(original not in row for original, row in zip(originals.tolist(), nearest, strict=True))
    asked = likeness.proposals(near, np.arange(count), set(zip(found.left.tolist(), found.right.tolist(), strict=True)))
    print(f"{count:,} pictures: hashes {hashed:.1f} s, {len(found):,} pairs of {len(copies):,} planted")
    print(f"with nearest by embedding {whole:.1f} s ({processor:.1f} s of processor); {missed} copies not among them")
    print(f"{len(asked):,} pairs would be asked of pixels; load {os.getloadavg()[0]:.1f}")


def quality(folder: Path) -> None:
    """Plant copies, look for them."""
    files = sorted(path for path in folder.rglob("*.jpg"))
    originals = [decode(path.read_bytes()) for path in files]
    ways = {
        "saved again, quality 30": lambda image: saved(image, quality=30),
        "half the size": lambda image: saved(image.resize((image.width // 2, image.height // 2)), quality=85),
        "WebP": lambda image: saved(image, format="WEBP", quality=60),
        "crop to 90 %": lambda image: saved(cropped(image, 0.9), quality=85),
        "crop to 75 %": lambda image: saved(cropped(image, 0.75), quality=85),
        "crop to 60 %": lambda image: saved(cropped(image, 0.6), quality=85),
        "crop to 50 %": lambda image: saved(cropped(image, 0.5), quality=85),
        "mirrored": lambda image: saved(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), quality=85),
    }
    chosen = list(range(0, len(files), EVERY))
    with TemporaryDirectory() as cache:
        backbone = Backbone(ensure_backbone(Path(cache)))
        control = pairs_of(backbone, originals)
        print(f"{len(files)} untouched photographs: {len(control)} pairs called copies")
        for left, right, value in control:
            print(f"  {files[left].name} {files[right].name} {value:.2f}")
        for name, make in ways.items():
            pictures = originals + [make(originals[row]) for row in chosen]
            wanted = {(row, len(files) + place) for place, row in enumerate(chosen)}
            found = {(left, right) for left, right, _ in pairs_of(backbone, pictures)}
            new = found - {(left, right) for left, right, _ in control}
            right_ones = len(new & wanted)
            precision = right_ones / max(len(new), 1)
            print(
                f"{name:26} recall {right_ones / len(wanted):.3f}   precision {precision:.3f}   ({len(wanted)} planted)"
            )


def pairs_of(backbone: Backbone, pictures: list[Image.Image]) -> list[tuple[int, int, float]]:
    """What a check finds among pictures."""
    records = np.array([measure(image) for image in pictures], dtype=RECORD)
    pairs = {(pair.left, pair.right): pair for pair in likeness.by_hash(records)}
    embeddings = np.concatenate(
        [
            backbone.embed(np.stack([picture(jpeg(image)) for image in pictures[i : i + 16]]))
            for i in range(0, len(pictures), 16)
        ]
    )
    near = among(Vectors.of(embeddings), 8)
    settled = {place for place, pair in pairs.items() if pair.likeness >= likeness.SETTLED}
    asked = likeness.proposals(near, np.arange(len(pictures)), settled)[: likeness.MOST]
    for (left, right, _), pair in zip(asked, likeness.confirm(asked, pictures.__getitem__), strict=True):
        known = pairs.get((left, right))
        if pair is not None and (known is None or known.likeness < pair.likeness):
            pairs[left, right] = pair
    return [(pair.left, pair.right, pair.likeness) for pair in pairs.values() if pair.likeness >= LIMIT]


def jpeg(image: Image.Image) -> bytes:
    """Bytes, as the backbone reads them."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def saved(image: Image.Image, **options: object) -> Image.Image:
    """The image after a trip through a file."""
    buffer = io.BytesIO()
    image.save(buffer, **{"format": "JPEG", **options})
    return decode(buffer.getvalue())


def cropped(image: Image.Image, share: float) -> Image.Image:
    """A part, off centre."""
    width, height = int(image.width * share), int(image.height * share)
    x, y = (image.width - width) // 3, (image.height - height) // 2
    return image.crop((x, y, x + width, y + height))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if arguments.photographs:
        quality(arguments.photographs)
    else:
        speed(arguments.count)
