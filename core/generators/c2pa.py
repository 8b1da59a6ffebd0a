"""C2PA manifests: what a file claims of its origin. Nothing is verified: no signature is checked, no certificate read.

A manifest is a tree of JUMBF boxes whose leaves hold CBOR (RFC 8949); both are read here as far as three words of it
need: the claim generator, the software agents, the digital source types.
"""

import struct
from collections.abc import Iterator
from typing import Any

from core.generators.values import clean

_DEEPEST = 40
_MOST_BOXES = 5_000
_MOST_VALUES = 50_000
_MOST_CLAIMS = 20


def claims(manifest: bytes) -> tuple[str, ...]:
    """What the manifest says, as "what: value" sentences, each once; () where it says nothing that can be read."""
    found: dict[str, None] = {}
    for body in _cbor_boxes(manifest):
        try:
            value = _Reader(body).value()
        except (ValueError, IndexError, struct.error, RecursionError, OverflowError, TypeError):
            continue
        for key, text in _texts(value):
            if key in ("claim_generator", "softwareAgent", "digitalSourceType") and len(found) < _MOST_CLAIMS:
                found[
                    f"{_WORDS[key]}: {clean(text).rsplit('/', 1)[-1] if key == 'digitalSourceType' else clean(text)}"
                ] = None
    return tuple(found)


_WORDS = {
    "claim_generator": "claim generator",
    "softwareAgent": "software agent",
    "digitalSourceType": "digital source type",
}


def _cbor_boxes(data: bytes) -> Iterator[bytes]:
    pending = [(0, len(data), 0)]
    for _ in range(_MOST_BOXES):
        if not pending:
            return
        at, end, depth = pending.pop()
        if at + 8 > end:
            continue
        length, kind = struct.unpack_from(">I4s", data, at)
        stop = end if length == 0 else at + length
        if length != 0 and length < 8:
            continue
        if stop < end:
            pending.append((stop, end, depth))
        if kind == b"jumb" and depth < _DEEPEST:
            pending.append((at + 8, min(stop, end), depth + 1))
        elif kind == b"cbor":
            yield data[at + 8 : min(stop, end)]


def _texts(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(key, text) of every text in the value; ``{"name": ...}`` counts under the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, inner in value.items():
            under = "claim_generator" if name == "claim_generator_info" else str(name)
            yield from _texts(inner, key if name == "name" and key else under, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key, depth + 1)


class _Reader:
    """Reads one CBOR value.

    Raises:
        ValueError: malformed, too deep or too large.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._values = data, 0, 0

    def value(self, depth: int = 0) -> Any:
        self._values += 1
        if depth > _DEEPEST or self._values > _MOST_VALUES:
            raise ValueError("too deep or too large")
        first = self._data[self._at]
        self._at += 1
        major, short = first >> 5, first & 31
        if major == 7:
            return self._simple(short)
        count = self._count(short)
        if major in (0, 1):
            return count if major == 0 else -1 - (count or 0)
        if major == 6:  # a tag: the value after it is what matters
            return self.value(depth + 1)
        return self._text(major, count, depth) if major in (2, 3) else self._container(major, count, depth)

    def _text(self, major: int, count: int | None, depth: int) -> Any:
        if count is None:
            return self._joined(depth)
        raw = self._data[self._at : self._at + count]
        self._at += count
        return raw.decode("utf-8", "replace") if major == 3 else raw

    def _joined(self, depth: int) -> Any:
        parts = []
        while self._data[self._at] != 0xFF:
            parts.append(self.value(depth + 1))
        self._at += 1
        return "".join(parts) if all(isinstance(part, str) for part in parts) else b""

    def _container(self, major: int, count: int | None, depth: int) -> Any:
        listed: list[Any] = []
        while (len(listed) < count * (2 if major == 5 else 1)) if count is not None else self._data[self._at] != 0xFF:
            listed.append(self.value(depth + 1))
        self._at += count is None
        if major == 4:
            return listed
        pairs = zip(listed[::2], listed[1::2], strict=False)
        return {key: value for key, value in pairs if isinstance(key, str | int)}

    def _count(self, short: int) -> int | None:
        if short < 24:
            return short
        if short == 31:
            return None
        if short > 27:
            raise ValueError("reserved length")
        size = 1 << (short - 24)
        raw = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(raw, "big")

    def _simple(self, short: int) -> Any:
        self._at += {24: 1, 25: 2, 26: 4, 27: 8}.get(short, 0)
        return {20: False, 21: True}.get(short)
