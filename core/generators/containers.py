"""The texts that an image file carries, read from its bytes without decoding a pixel: PNG, JPEG, WebP, GIF, AVIF.

Tolerant and bounded: a wrong checksum, a cut end or a text that unpacks to gigabytes costs that text, nothing else.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from core.generators import exif

MAX_TEXT = 8 * 2**20  # bytes of one text, unpacked
MAX_TOTAL = 16 * 2**20  # bytes of all texts of a file
_MOST_PARTS = 65_536  # chunks or segments of a file
_PNG = b"\x89PNG\r\n\x1a\n"
_XMP_PNG = "XML:com.adobe.xmp"
_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(slots=True)
class Embedded:
    """What was found: ``texts`` by PNG keyword (comments of other formats as "Comment"), ``exif`` by tag name."""

    format: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    exif: dict[str, str] = field(default_factory=dict)
    xmp: str = ""
    c2pa: bytes = b""
    room: int = MAX_TOTAL

    def add(self, key: str, raw: bytes, *, encoding: str | None = None) -> None:
        """Keep a text, as long as there is room; a later one of the same key replaces it, as readers do."""
        if len(raw) > min(MAX_TEXT, self.room):
            return
        self.room -= len(raw)
        text = raw.decode(encoding, "replace") if encoding else _latin(raw)
        if key == _XMP_PNG:
            self.xmp = text
        else:
            self.texts[key] = text

    @property
    def empty(self) -> bool:
        """Nothing was found."""
        return not (self.texts or self.exif or self.xmp or self.c2pa)


def embedded(data: bytes) -> Embedded:
    """The texts of an image file; an empty one for other files."""
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:6] in (b"GIF87a", b"GIF89a") or data[4:12] in (b"ftypavif", b"ftypavis"):
        return _by_pillow(data)
    return Embedded()


def _png(data: bytes) -> Embedded:
    found = Embedded("PNG")
    for kind, body in _png_chunks(data):
        if kind == b"tEXt":
            key, _, text = bytes(body).partition(b"\0")
            found.add(key.decode("latin-1"), text)
        elif kind == b"zTXt":
            key, _, rest = bytes(body).partition(b"\0")
            if rest[:1] == b"\0":
                found.add(key.decode("latin-1"), _unpacked(rest[1:], found.room))
        elif kind == b"iTXt":
            _international(found, bytes(body))
        elif kind == b"eXIf":
            found.exif = exif.texts(bytes(body))
        elif kind == b"comf":  # ComfyUI's animated PNGs
            key, _, text = bytes(body).partition(b"\0")
            found.add(key.decode("latin-1"), text)
        elif kind == b"caBX":
            found.c2pa = bytes(body[:MAX_TEXT])
    return found


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), len(_PNG)
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return
        if kind != b"IDAT" and length <= len(data) - at - 8:
            yield kind, view[at + 8 : at + 8 + length]
        at += length + 12


def _international(found: Embedded, body: bytes) -> None:
    key, _, rest = body.partition(b"\0")
    packed, method, rest = rest[:1], rest[1:2], rest[2:]
    _language, _, rest = rest.partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    if packed == b"\1":
        text = _unpacked(text, found.room) if method == b"\0" else b""
    found.add(key.decode("latin-1"), text, encoding="utf-8")


def _unpacked(packed: bytes, room: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, max(1, min(MAX_TEXT, room) + 1))
    except zlib.error:
        return b""


def _jpeg(data: bytes) -> Embedded:
    found = Embedded("JPEG")
    boxes: dict[bytes, list[tuple[int, bytes]]] = {}
    for marker, body in _jpeg_segments(data):
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            found.exif = found.exif or exif.texts(body)
        elif marker == 0xE1 and body.startswith(_XMP_JPEG):
            found.xmp = body[len(_XMP_JPEG) :].decode("utf-8", "replace")
        elif marker == 0xFE:
            found.add("Comment", body)
        elif marker == 0xEB and body[:2] == b"JP" and len(body) > 16:  # JUMBF: instance, sequence, box
            boxes.setdefault(body[2:4], []).append((int.from_bytes(body[4:8], "big"), body[8:]))
    for parts in boxes.values():
        parts.sort(key=lambda part: part[0])
        found.c2pa = found.c2pa or parts[0][1] + b"".join(part[8:] for _, part in parts[1:])
    return found


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    for _ in range(_MOST_PARTS):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker in (0xDA, 0xD9):  # pixels begin, or the end
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _webp(data: bytes) -> Embedded:
    found, at = Embedded("WebP"), 12
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length] if kind in (b"EXIF", b"XMP ", b"C2PA") else b""
        if kind == b"EXIF":
            found.exif = exif.texts(body)
        elif kind == b"XMP ":
            found.xmp = body[:MAX_TEXT].decode("utf-8", "replace")
        elif kind == b"C2PA":
            found.c2pa = body[:MAX_TEXT]
        at += 8 + length + (length & 1)
    return found


def _by_pillow(data: bytes) -> Embedded:
    found = Embedded("GIF" if data.startswith(b"GIF") else "AVIF")
    try:
        with Image.open(io.BytesIO(data), formats=("GIF", "AVIF")) as image:
            comment, block, xmp = (image.info.get(key) for key in ("comment", "exif", "xmp"))
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, Image.DecompressionBombError):
        return found
    if isinstance(comment, bytes):
        found.add("Comment", comment)
    if isinstance(block, bytes):
        found.exif = exif.texts(block)
    if isinstance(xmp, bytes):
        found.xmp = xmp[:MAX_TEXT].decode("utf-8", "replace")
    return found


def _latin(raw: bytes) -> str:
    """Latin-1, as PNG has it; UTF-8 where it is that, which Latin-1 text never is by chance."""
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
