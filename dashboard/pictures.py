"""Bytes that a browser can show: the file itself where browsers know its format, else a JPEG of it, else the reason."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from core.images.reading import decode, open_image, read_bytes

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)


def type_of(data: bytes) -> str:
    """The media type by content; what is no known image is a plain stream of bytes, which no browser runs."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if data[4:12] == b"ftypavif" else "application/octet-stream"


def showable(filepath: str) -> bytes:
    """The image file's own bytes, or a JPEG made from them where browsers do not know the format (TIFF).

    Raises:
        core.images.reading.UnreadableImage: the file is gone or broken.
    """
    data = read_bytes(Path(filepath))
    if type_of(data) != "application/octet-stream":
        open_image(data)  # the header at least must be that of an image
        return data
    buffer = io.BytesIO()
    decode(data).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def placeholder(reason: str) -> bytes:
    """A grey PNG that says why there is no image."""
    image = Image.new("RGB", (256, 256), (124, 127, 134))
    draw = ImageDraw.Draw(image)
    draw.line((100, 84, 156, 140), fill=(255, 255, 255), width=5)
    draw.line((156, 84, 100, 140), fill=(255, 255, 255), width=5)
    font = ImageFont.load_default(15)
    for row, line in enumerate(_wrapped(reason)[:4]):
        draw.text((128, 168 + 19 * row), line, fill=(255, 255, 255), font=font, anchor="mm")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _wrapped(text: str, width: int = 32) -> list[str]:
    lines = [""]
    for word in text.split():
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < width else [lines[-1], word]
    return lines
