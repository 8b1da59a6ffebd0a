"""Stealth metadata: text hidden in the lowest bits of the pixels. Read on request only, since it decodes the image.

Bits run down the columns, most significant first: a signature of 15 bytes, a 32-bit length in bits, the data; in the
alpha channel, or in red, green, blue of each pixel in turn; plain or gzipped.
"""

import gzip
import io
import zlib

import numpy as np
from PIL import Image

from core.generators.containers import MAX_TEXT
from core.images.reading import UnreadableImage, open_image

SIGNATURES = {b"stealth_pnginfo": False, b"stealth_pngcomp": True, b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
_HEAD = 15 * 8


def hidden_text(data: bytes) -> str | None:
    """The text that an image hides, ``None`` where it hides none or cannot be decoded."""
    try:
        image = open_image(data)
        if image.mode not in ("RGB", "RGBA"):
            return None
        image.load()
    except (UnreadableImage, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    pixels = np.asarray(image)
    if image.mode == "RGBA":
        found = _read(pixels[:, :, 3:], b"stealth_png")
        if found is not None:
            return found
    return _read(pixels[:, :, :3], b"stealth_rgb")


def _read(channels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", expected: bytes) -> str | None:
    """Bits of ``channels`` (height, width, n), column by column."""
    height, width, depth = channels.shape
    columns = -(-(_HEAD + 32) // (height * depth))
    head = _bytes(channels[:, :columns], _HEAD + 32)
    signature = head[:15]
    if signature not in SIGNATURES or not signature.startswith(expected):
        return None
    bits = int.from_bytes(head[15:19], "big")
    if bits % 8 or bits > 8 * MAX_TEXT or _HEAD + 32 + bits > height * width * depth:
        return None
    columns = -(-(_HEAD + 32 + bits) // (height * depth))
    raw = _bytes(channels[:, :columns], _HEAD + 32 + bits)[19:]
    if SIGNATURES[signature]:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
                raw = file.read(MAX_TEXT)
        except (OSError, EOFError, zlib.error):
            return None
    return raw.decode("utf-8", "replace")


def _bytes(channels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", bits: int) -> bytes:
    ordered = channels.transpose(1, 0, 2).reshape(-1)[:bits] & 1
    return np.packbits(ordered).tobytes()
