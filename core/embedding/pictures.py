"""From a file, or bytes, to a square of pixels: the two ways in which networks here see an image."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.images.reading import UnreadableImage, decode, read_bytes

__all__ = ["ChangedImage", "Pixels", "UnreadableImage", "cropped", "first_that_holds", "imported_bytes", "squeezed"]

Pixels = npt.NDArray[np.uint8]


class ChangedImage(UnreadableImage):
    """The file holds something else than what was imported."""


def imported_bytes(path: Path, content_hash: str) -> bytes:
    """A file's bytes, which are those that were imported: what is kept by their hash must be theirs.

    Raises:
        UnreadableImage: it is gone or cannot be read.
        ChangedImage: it was changed since.
    """
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != content_hash:
        raise ChangedImage("it was changed after it was imported")
    return data


def first_that_holds(content_hash: str, paths: Iterable[str]) -> bytes:
    """The bytes of a content out of the first of its files that holds it still.

    Raises:
        UnreadableImage: none does; it says why the last one does not.
    """
    why = UnreadableImage("it has no file")
    for path in paths:
        try:
            return imported_bytes(Path(path), content_hash)
        except UnreadableImage as error:
            why = error
    raise why


def cropped(source: Path | bytes, size: int, *, share: float) -> Pixels:
    """The centre square of an image, ``share`` of its shorter side, as uint8 (size, size, 3). Bicubic.

    Raises:
        UnreadableImage: it is gone, or no image that can be read whole.
    """
    image = _decoded(source, round(size / share))
    side = min(image.size) * share
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def squeezed(source: Path | bytes, size: int) -> Pixels:
    """The whole image, its sides made equal, as uint8 (size, size, 3). Bilinear with antialiasing.

    Nothing is cut away, so an object at the edge, or the head of a portrait, is still seen.

    Raises:
        UnreadableImage: it is gone, or no image that can be read whole.
    """
    image = _decoded(source, size)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0))


def _decoded(source: Path | bytes, at_least: int) -> Image.Image:
    return decode(source if isinstance(source, bytes) else read_bytes(source), at_least=at_least)
