"""Pictures for the benchmarks of imports: of a photograph's size and entropy, each file's contents its own."""

import io
import itertools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

_TOGETHER = 200


def fill(folder: Path, count: int, size: tuple[int, int], sources: Path | None) -> Path:
    """``count`` JPEGs of ``size`` in two class folders, once: a folder that is full is taken as it is.

    They are crops of the photographs in ``sources``, of another place and scale each; without, made up.
    """
    if len(list(itertools.islice(folder.rglob("*.jpg"), count))) < count:
        for name in ("a", "b"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        parts = [(folder, range(at, min(at + _TOGETHER, count)), size, sources) for at in range(0, count, _TOGETHER)]
        with ProcessPoolExecutor() as pool:
            list(pool.map(_part, parts))
    return folder


def fill_large(folder: Path, count: int, sources: Path | None) -> Path:
    """``count`` JPEGs of 4,000 x 3,000: twenty pictures, and a comment in each file that makes it one of its own."""
    (folder / "a").mkdir(parents=True, exist_ok=True)
    made = [encoded(_grained(image), 90) for image in _pictures(range(20), (4_000, 3_000), sources)]
    for number in range(count):
        data, words = made[number % len(made)], str(number).encode()
        comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
        (folder / "a" / f"{number}.jpg").write_bytes(data[:2] + comment + data[2:])
    return folder


def _grained(image: Image.Image) -> Image.Image:
    """With a sensor's noise: what was enlarged would pack, and unpack, like no photograph."""
    noise = np.random.default_rng(0).normal(0, 5, (image.height, image.width, 1)).astype(np.int16)
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, quality: int) -> bytes:
    """The bytes of a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _part(part: tuple[Path, range, tuple[int, int], Path | None]) -> None:
    folder, numbers, size, sources = part
    for number, image in zip(numbers, _pictures(numbers, size, sources), strict=True):
        (folder / ("a", "b")[number % 2] / f"{number}.jpg").write_bytes(encoded(image, 90))


def _pictures(numbers: range, size: tuple[int, int], sources: Path | None) -> Iterator[Image.Image]:
    files = sorted(sources.rglob("*.jpg"))[:400] if sources else []
    for number in numbers:
        random = np.random.default_rng(number)
        if files:
            with Image.open(files[number * 7 % len(files)]) as opened:
                whole = opened.convert("RGB")
            width, height = (int(side * random.uniform(0.7, 1.0)) for side in whole.size)
            x, y = int(random.integers(whole.width - width + 1)), int(random.integers(whole.height - height + 1))
            yield whole.crop((x, y, x + width, y + height)).resize(size)
        else:
            coarse = Image.fromarray(random.integers(0, 255, (24, 32, 3), dtype=np.uint8)).resize(size)
            noise = random.integers(-12, 13, (size[1], size[0], 1))
            yield Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))
