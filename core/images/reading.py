"""Opening image files: an allow-list of formats, a size limit, upright, in RGB.

A file that cannot be read raises :class:`UnreadableImage` with the reason; anything else that escapes is a bug.
"""

import io
import math
import os
import stat
import struct
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

# Formats whose Pillow readers are safe and whose files browsers can show or we can thumbnail.
# Left out on purpose: EPS, PSD, FLI (hangs in the wild), SVG (script), PDF.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"})
ORIENTATION = 274  # the EXIF tag
MAX_PIXELS = 100_000_000
MAX_BYTES = 256 * 2**20
BACKGROUND = (255, 255, 255)
CHANGED = "it was written to while it was read"

# What Pillow raises for broken files, by experience with fuzzed ones.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError, MemoryError)


class UnreadableImage(Exception):
    """The file is not an image that labelloop can use; the text says why, without the file's name."""


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        UnreadableImage: missing, empty, too large, no regular file, or not allowed to read.
    """
    return read_stable(path)[0]


def read_stable(path: Path) -> tuple[bytes, os.stat_result]:
    """The file's bytes and what the file system says of that very file, the same before and after reading.

    Raises:
        UnreadableImage: as :func:`read_bytes`, or it was written to meanwhile.
    """
    try:
        # Not blocking: a pipe that took the file's name would otherwise be waited for without end.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise UnreadableImage("it is not a regular file")
            if before.st_size == 0:
                raise UnreadableImage("the file is empty")
            if before.st_size > MAX_BYTES:
                raise UnreadableImage(f"the file is larger than {MAX_BYTES // 2**20} MB")
            data = file.read(MAX_BYTES + 1)
            after = os.fstat(descriptor)
    except FileNotFoundError:
        raise UnreadableImage("the file is gone") from None
    except PermissionError:
        raise UnreadableImage("no permission to read the file") from None
    except OSError as error:
        raise UnreadableImage(f"the file cannot be read ({error.strerror or error})") from None
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or len(data) != after.st_size:
        raise UnreadableImage(CHANGED)
    return data, after


def open_image(data: bytes) -> Image.Image:
    """Open without decoding: format and size are known, pixels are not.

    Raises:
        UnreadableImage: not an image of an allowed format, or too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableImage(_what_it_is_instead(data)) from None
    except Image.DecompressionBombError:
        raise UnreadableImage("it has too many pixels to be opened safely") from None
    except _BROKEN as error:
        raise UnreadableImage(f"its header is broken ({_short(error)})") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImage(f"it has {width * height / 1e6:.0f} million pixels; the limit is {MAX_PIXELS // 10**6}")
    return image


def decode(data: bytes, *, at_least: int | None = None) -> Image.Image:
    """Decode fully: upright by EXIF, transparency on white, RGB.

    With ``at_least`` (pixels of the shorter side) a JPEG may be decoded at a smaller scale that still is that large.

    Raises:
        UnreadableImage: truncated or broken.
    """
    return pixels_of(open_image(data), None if at_least is None else (at_least, at_least))


def pixels_of(image: Image.Image, at_least: tuple[int, int] | None = None) -> Image.Image:
    """The pixels of an image that :func:`open_image` returned: upright by EXIF, transparency on white, RGB.

    With ``at_least`` (width, height as stored) a JPEG may be decoded at a smaller scale that still is that large. Such
    a decode reads all of the file's entropy-coded data too, so it finds the same damage; it saves the transform only.

    Raises:
        UnreadableImage: truncated or broken.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if at_least is not None and image.format == "JPEG":
                image.draft("RGB", at_least)
            image.load()
            return to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise UnreadableImage("it has too many pixels to be opened safely") from None
    except _BROKEN as error:
        raise UnreadableImage(f"it is damaged ({_short(error)})") from None


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as a person sees it: EXIF may turn it on its side. From the header alone."""
    try:
        turned = image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
    except _BROKEN:
        turned = False
    return (image.height, image.width) if turned else image.size


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB whatever came: wide greys are scaled (Pillow would clip them to white or black), transparency lies on white.

    Raises:
        UnreadableImage: some of its pixels are no numbers.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*BACKGROUND, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """8-bit grey of 16-bit, 32-bit and fractional grey: by the range that values are meant in, else by their own."""
    import numpy as np

    values = np.array(image if image.mode == "F" else image.convert("I"), dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UnreadableImage("some of its pixels are no numbers")
    meant = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
    top = next((top for top in meant if low >= 0 and high <= top), None)
    if top is None:
        values -= low
        top = high - low or 1.0
    values *= 255.0 / top
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def mime_type(image: Image.Image) -> str:
    """By content, never by name."""
    return Image.MIME.get(image.format or "", "application/octet-stream")


def _what_it_is_instead(data: bytes) -> str:
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not an image"
    if b"<svg" in head:
        return "it is an SVG drawing; only pixel images can be used"
    return "it is not an image in a format that can be read (JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF)"


def _short(error: BaseException) -> str:
    text = str(error).split("\n")[0].strip() or type(error).__name__
    return text if len(text) <= 80 else text[:79] + "…"
