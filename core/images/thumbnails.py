"""Thumbnails by content hash: the same picture has one thumbnail, and a changed file gets a new one."""

import hashlib
import io
import os
from pathlib import Path

from PIL import Image

from core.images.reading import decode, read_bytes

SIZE = 256
QUALITY = 82


def path_of(folder: Path, content_hash: str) -> Path:
    """Where the thumbnail of that content lies, in one of 256 folders."""
    return folder / content_hash[:2] / f"{content_hash}.jpg"


def make(image: Image.Image) -> bytes:
    """JPEG, ``SIZE`` pixels on the longer side at most, from a decoded RGB image."""
    small = image if max(image.size) <= SIZE else _reduced(image)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def store(folder: Path, content_hash: str, image: Image.Image) -> None:
    """Write the thumbnail unless it is there. Not synced: one that a crash damaged is made again."""
    path = path_of(folder, content_hash)
    if not path.exists():
        _write(path, make(image))


def decode_size(width: int, height: int) -> tuple[int, int]:
    """The size that an image has to be decoded at for its thumbnail: a tenth under ``SIZE`` still looks the same."""
    scale = min(1.0, 0.9 * SIZE / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def fetch(folder: Path, content_hash: str, filepath: str) -> bytes:
    """The thumbnail, made now if it is not there.

    Raises:
        UnreadableImage: it must be made and the file cannot be read.
    """
    path = path_of(folder, content_hash)
    try:
        data = path.read_bytes()
        if data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9"):
            return data
    except FileNotFoundError:
        pass
    original = read_bytes(Path(filepath))
    data = make(decode(original, at_least=SIZE))
    if hashlib.sha256(original).hexdigest() == content_hash:  # a file that changed since must not take this name
        _write(path, data)
    return data


def _reduced(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((SIZE, SIZE), Image.Resampling.HAMMING, reducing_gap=2.0)
    return small


def _write(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        aside.write_bytes(data)
    except FileNotFoundError:  # the first of its folder: asking for it each time costs as much as writing
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(data)
    os.replace(aside, path)
