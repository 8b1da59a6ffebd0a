"""Writers of image files as the generators write them: PNG texts, EXIF of both kinds, XMP, WebP and JPEG containers."""

import io
import struct
import zlib
from types import SimpleNamespace

import pytest
from PIL.PngImagePlugin import PngInfo

from tests.stealth import pixels, stealth


def png(texts=None, *, international=(), packed=(), chunks=(), after=(), mode="RGB"):
    """``add_text`` decides between tEXt and iTXt by the characters, as AUTOMATIC1111 lets it."""
    info = PngInfo()
    for key, text in (texts or {}).items():
        if key in international:
            info.add_itxt(key, text)
        else:
            info.add_text(key, text, zip=key in packed)
    for kind, body in chunks:
        info.add(kind, body)
    for kind, body in after:
        info.add(kind, body, after_idat=True)
    out = io.BytesIO()
    pixels(mode).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def jpeg(*, exif=b"", xmp=b"", comment=b"", c2pa=b""):
    out = io.BytesIO()
    pixels().save(out, "JPEG")
    data = out.getvalue()
    parts = [b"\xff\xd8"]
    if exif:
        parts.append(segment(0xE1, b"Exif\0\0" + exif))
    if xmp:
        parts.append(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    if comment:
        parts.append(segment(0xFE, comment))
    if c2pa:
        half = len(c2pa) // 2
        parts.append(segment(0xEB, b"JP" + struct.pack(">HI", 7, 1) + c2pa[:half]))
        parts.append(segment(0xEB, b"JP" + struct.pack(">HI", 7, 2) + c2pa[:8] + c2pa[half:]))
    return b"".join(parts) + data[2:]


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def webp(*, exif=b"", xmp=b"", c2pa=b""):
    out = io.BytesIO()
    pixels().save(out, "WEBP", exif=exif, xmp=xmp)
    data = out.getvalue()
    if c2pa:
        data += b"C2PA" + struct.pack("<I", len(c2pa)) + c2pa + b"\0" * (len(c2pa) & 1)
        data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    return data


def tiff(main=(), sub=(), order="<"):
    """An EXIF block of ASCII (2) or UNDEFINED (7) values: ``main`` in the first directory, ``sub`` in the EXIF one."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    values, blobs = [], []
    entries = [*main, *([(0x8769, 4, None)] if sub else [])]
    start = 8 + 2 + 12 * len(entries) + 4
    sub_size = 2 + 12 * len(sub) + 4 if sub else 0
    at = start + sub_size

    def written(tag, kind, raw):
        nonlocal at
        if raw is None:
            return struct.pack(order + "HHII", tag, 4, 1, start)
        raw = raw + b"\0" if kind == 2 else raw
        if len(raw) <= 4:
            return struct.pack(order + "HHI", tag, kind, len(raw)) + raw.ljust(4, b"\0")
        entry = struct.pack(order + "HHII", tag, kind, len(raw), at)
        blobs.append(raw)
        at += len(raw)
        return entry

    for tag, kind, raw in entries:
        values.append(written(tag, kind, raw))
    first = struct.pack(order + "H", len(entries)) + b"".join(values) + b"\0\0\0\0"
    second = b""
    if sub:
        inner = [written(*entry) for entry in sub]
        second = struct.pack(order + "H", len(inner)) + b"".join(inner) + b"\0\0\0\0"
    return head + first + second + b"".join(blobs)


def user_comment(text, encoding="utf-16-be", head=b"UNICODE\0"):
    return (0x9286, 7, head + text.encode(encoding))


def cbor(value):
    """RFC 8949 of texts, whole numbers, lists and objects."""

    def head(major, count):
        if count < 24:
            return bytes([major << 5 | count])
        size = 0 if count < 256 else 1 if count < 65536 else 2
        return bytes([major << 5 | 24 + size]) + count.to_bytes(1 << size, "big")

    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(inner) for key, inner in value.items())


def box(kind, body):
    return struct.pack(">I4s", len(body) + 8, kind) + body


def manifest(*contents):
    """A C2PA manifest store whose boxes hold ``contents``."""
    inner = b"".join(box(b"jumb", box(b"jumd", b"x" * 20) + box(b"cbor", cbor(content))) for content in contents)
    return box(b"jumb", box(b"jumd", b"c2pa" + b"\0" * 16) + box(b"jumb", box(b"jumd", b"y" * 20) + inner))


@pytest.fixture(scope="session")
def write():
    """The writers."""
    names = (png, jpeg, webp, tiff, user_comment, stealth, manifest, pixels, zlib)
    return SimpleNamespace(**{function.__name__: function for function in names})
