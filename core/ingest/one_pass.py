"""One pass over one image file: bytes, SHA-256, header, full decode, thumbnail, and whatever else is read of it.

Runs in the reader processes (core.ingest.reader). A record is a dict that JSON can hold: either ``reason``, why the
file cannot be used, or ``hash``, ``size``, ``mtime`` (ns), ``width``, ``height`` (upright), ``mime``, ``generation``
(what a generator wrote into it or beside it, or None) and ``measures`` (what was measured on its pixels). Where pixels
are not asked for it is ``generation`` alone.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core import generators
from core.domain.generation import Generation, Lora
from core.images import thumbnails
from core.images.measures import RECORD, measure
from core.images.reading import CHANGED, UnreadableImage, mime_type, open_image, pixels_of, read_stable, upright_size

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extras:
    """What else is read of each file while its bytes are at hand.

    ``measures``: what core.images.measures says of its pixels. ``hidden`` looks for a generator's texts in the alpha
    channel too, which costs a decode. Without ``pixels`` nothing is decoded: only what a generator wrote is read.
    """

    measures: bool = True
    hidden: bool = False
    pixels: bool = True


PLAIN = Extras()


def read_image(path: Path, *, thumbnail_folder: Path, extras: Extras) -> Record:
    """Read a file once. A file that is written to meanwhile is tried a second time, then told."""
    try:
        try:
            data, stat = read_stable(path)
        except UnreadableImage as error:
            if str(error) != CHANGED:
                raise
            data, stat = read_stable(path)
        image = open_image(data)
        if not extras.pixels:
            return {"generation": _generation(data, path, extras)}
        mime, (width, height) = mime_type(image), upright_size(image)
        pixels = pixels_of(image, thumbnails.decode_size(*image.size))
    except UnreadableImage as error:
        return {"reason": str(error)}
    content_hash = hashlib.sha256(data).hexdigest()
    thumbnails.store(thumbnail_folder, content_hash, pixels)
    return {
        "hash": content_hash,
        "size": len(data),
        "mtime": stat.st_mtime_ns,
        "width": width,
        "height": height,
        "mime": mime,
        "generation": _generation(data, path, extras),
        "measures": _measured(pixels, (width, height)) if extras.measures else None,
    }


def generation_of(record: Record) -> Generation | None:
    """The generation in a record."""
    fields = record.get("generation")
    if not fields:
        return None
    loras = tuple(Lora(**lora) for lora in fields["loras"])
    return Generation(**{**fields, "loras": loras, "claims": tuple(fields["claims"])})


def _generation(data: bytes, path: Path, extras: Extras) -> dict[str, Any] | None:
    try:
        found = generators.read_image(data, path, hidden=extras.hidden)
    except Exception:  # whatever strange texts do to their reader must not cost the image
        return None
    return None if found is None else asdict(found)


def _measured(pixels: Image.Image, size: tuple[int, int]) -> str | None:
    """A record of core.images.measures in hex. A JPEG was decoded at about the size on which values are measured."""
    try:
        record = measure(pixels)
    except (ValueError, ArithmeticError, IndexError):  # a picture of one pixel's width, say; it comes in all the same
        return None
    record["width"], record["height"] = size
    return record.tobytes().hex()


def measures_of(record: Record) -> np.void | None:
    """The values of core.images.measures in a record."""
    text = record.get("measures")
    return np.frombuffer(bytes.fromhex(text), dtype=RECORD)[0] if text else None
