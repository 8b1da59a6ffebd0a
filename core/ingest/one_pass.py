"""One pass over one image file: bytes, SHA-256, header, full decode, thumbnail, and whatever else is read of it.

Runs in the reader processes (core.ingest.reader). A record is a dict that JSON can hold: either ``reason``, why the
file cannot be used, or ``hash``, ``size``, ``mtime`` (ns), ``width``, ``height`` (upright), ``mime``, ``generation``
(what a generator wrote into it or beside it, or None) and ``measures`` (what was measured on its pixels).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from core import generators
from core.domain.generation import Generation, Lora
from core.images import thumbnails
from core.images.reading import CHANGED, UnreadableImage, mime_type, open_image, pixels_of, read_stable, upright_size

Record = dict[str, Any]
Measure = Callable[[Image.Image], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What else is read of each file while its bytes are at hand.

    ``measure``, a module's function since it runs in other processes, gets the decoded image (RGB, upright; a JPEG may
    come scaled down, its shorter side at least ``measure_side`` pixels) and returns what JSON can hold, by name; where
    it raises, the file comes in without. ``hidden`` looks for texts in the alpha channel too, which costs a decode.
    """

    measure: Measure | None = None
    measure_side: int = 0
    hidden: bool = False

    def as_json(self) -> dict[str, Any]:
        """The form in which a reader process gets it."""
        return {"measure": _address(self.measure), "measure_side": self.measure_side, "hidden": self.hidden}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Extras":
        """The extras that :meth:`as_json` wrote."""
        return cls(_function(value["measure"]), int(value["measure_side"]), bool(value["hidden"]))


NOTHING = Extras()


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
        mime, (width, height) = mime_type(image), upright_size(image)
        pixels = pixels_of(image, _decoded_at(image.size, extras))
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
        "measures": _measured(pixels, extras),
    }


def generation_of(record: Record) -> Generation | None:
    """The generation in a record."""
    fields = record.get("generation")
    if not fields:
        return None
    loras = tuple(Lora(**lora) for lora in fields["loras"])
    return Generation(**{**fields, "loras": loras, "claims": tuple(fields["claims"])})


def _decoded_at(size: tuple[int, int], extras: Extras) -> tuple[int, int]:
    width, height = thumbnails.decode_size(*size)
    if extras.measure is None:
        return width, height
    shorter = min(*size, extras.measure_side)
    scale = shorter / min(size)
    return max(width, int(size[0] * scale)), max(height, int(size[1] * scale))


def _generation(data: bytes, path: Path, extras: Extras) -> dict[str, Any] | None:
    try:
        found = generators.read_image(data, path, hidden=extras.hidden)
    except Exception:  # whatever strange texts do to their reader must not cost the image
        return None
    return None if found is None else asdict(found)


def _measured(pixels: Image.Image, extras: Extras) -> dict[str, Any] | None:
    if extras.measure is None:
        return None
    try:
        return dict(extras.measure(pixels))
    except Exception:  # the same for a measurement
        return None


def _address(function: Callable[..., Any] | None) -> str | None:
    return None if function is None else f"{function.__module__}:{function.__qualname__}"


def _function(address: str | None) -> Any:
    if address is None:
        return None
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)
