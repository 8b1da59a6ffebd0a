"""The few EXIF texts that generators use, read from the bytes: both directories, any byte order, bounded."""

import struct

IMAGE_DESCRIPTION, MAKE, MODEL, SOFTWARE, DOCUMENT_NAME, ARTIST = 0x010E, 0x010F, 0x0110, 0x0131, 0x010D, 0x013B
USER_COMMENT, MAKER_NOTE = 0x9286, 0x927C
_EXIF_DIRECTORY = 0x8769
NAMES = {
    DOCUMENT_NAME: "DocumentName",
    IMAGE_DESCRIPTION: "ImageDescription",
    MAKE: "Make",
    MODEL: "Model",
    SOFTWARE: "Software",
    ARTIST: "Artist",
    USER_COMMENT: "UserComment",
    MAKER_NOTE: "MakerNote",
}
# ComfyUI writes each further key one tag lower than the last; a few below DocumentName are looked at as well.
_EXTRA = {tag: f"Tag{tag:04X}" for tag in range(0x0105, DOCUMENT_NAME)}
_TEXT_TYPES = (1, 2, 7)  # BYTE, ASCII, UNDEFINED: one byte each
_MOST_ENTRIES = 1_000
_LONGEST = 8 * 2**20


def texts(data: bytes) -> dict[str, str]:
    """The texts of an EXIF block (a TIFF header and its directories) by tag name; {} where it is broken."""
    if data.startswith(b"Exif\0\0"):
        data = data[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return {}
    found: dict[str, str] = {}
    (first,) = struct.unpack_from(order + "I", data, 4)
    pending = [first]
    seen: set[int] = set()
    while pending:
        offset = pending.pop(0)
        if offset in seen or len(seen) >= 2:  # the main directory and the EXIF one; the thumbnail's says nothing
            continue
        seen.add(offset)
        for tag, raw in _entries(data, order, offset):
            if tag == _EXIF_DIRECTORY and len(raw) == 4:
                pending.append(struct.unpack(order + "I", raw)[0])
                continue
            name = NAMES.get(tag) or _EXTRA.get(tag)
            text = "" if name is None else _decoded(tag, raw)
            if name is not None and text:
                found.setdefault(name, text)
    return found


def user_comment(raw: bytes) -> str:
    """The text of a UserComment. Its header names the encoding, not the byte order; some writers leave it out."""
    head, body = raw[:8], raw[8:]
    if head == b"UNICODE\0":
        return _utf16(body)
    if head in (b"ASCII\0\0\0", b"\0\0\0\0\0\0\0\0", b"JIS\0\0\0\0\0"):
        return _utf8(body)
    return _utf8(raw)


def _entries(data: bytes, order: str, offset: int) -> list[tuple[int, bytes]]:
    """(tag, bytes of its value) of one directory, as far as it can be read."""
    found: list[tuple[int, bytes]] = []
    if offset + 2 > len(data):
        return found
    (count,) = struct.unpack_from(order + "H", data, offset)
    for number in range(min(count, _MOST_ENTRIES)):
        at = offset + 2 + 12 * number
        if at + 12 > len(data):
            break
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        if tag == _EXIF_DIRECTORY and length == 1:
            found.append((tag, data[at + 8 : at + 12]))
        elif kind in _TEXT_TYPES and 0 < length <= _LONGEST:
            start = at + 8 if length <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
            found.append((tag, data[start : start + length]))
    return found


def _decoded(tag: int, raw: bytes) -> str:
    return user_comment(raw) if tag == USER_COMMENT else _utf8(raw.strip(b"\0"))


def _utf8(raw: bytes) -> str:
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _utf16(body: bytes) -> str:
    """UTF-16 of either byte order: in text with any Latin in it the zero bytes tell. Some writers put UTF-8 here."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").rstrip("\0")
    high, low = body[0::2].count(0), body[1::2].count(0)
    if high == low == 0:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return body[: len(body) & ~1].decode("utf-16-le" if low > high else "utf-16-be", "replace").rstrip("\0")
