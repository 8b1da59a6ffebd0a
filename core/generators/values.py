"""Values of unknown kind, as metadata brings them, to text and numbers that a database holds. Nothing here raises."""

import json
import math
from typing import Any

LONGEST = 100_000  # characters of a prompt or name; more is cut
LARGEST_JSON = 8 * 2**20  # characters; a workflow of 500 nodes has about 500,000
_LARGEST_SIZE = 10**7
_LARGEST_SEED = 40  # digits

Json = dict[str, Any]


def json_object(text: str | None) -> Json | None:
    """The JSON object that ``text`` spells, ``None`` where it spells none (or one too large or too deep)."""
    if not text or len(text) > LARGEST_JSON:
        return None
    plain = text.strip("\0 \t\r\n\ufeff")
    if not plain.startswith("{"):
        return None
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def as_object(value: Any) -> Json:
    """``value`` if it is a JSON object or spells one, else an empty one."""
    if isinstance(value, dict):
        return value
    return (json_object(value) if isinstance(value, str) else None) or {}


def as_list(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def clean(text: str) -> str:
    """Text that UTF-8 can hold, without null characters, blanks at its ends and excess."""
    plain = text.replace("\0", "").strip()[:LONGEST]
    return plain.encode("utf-8", "replace").decode("utf-8")


def as_text(value: Any) -> str:
    """A string or number as text, a list of strings as lines, anything else as ""."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return clean("\n".join(value))
    return ""


def as_name(value: Any) -> str | None:
    """As :func:`as_text`, ``None`` where that is empty; "None" is a name of nothing too."""
    found = as_text(value)
    return None if found in ("", "None", "null") else found


def as_int(value: Any) -> int | None:
    """A whole number from 0 to ten million, ``None`` otherwise."""
    number = as_float(value)
    if number is None or not 0 <= number <= _LARGEST_SIZE:
        return None
    return int(number)


def as_float(value: Any) -> float | None:
    """A finite number, ``None`` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_seed(value: Any) -> str | None:
    """A seed as the digits that were written, whatever its size; ``None`` where it is no whole number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 2**63 else None
    if isinstance(value, int):
        return number_text(value) or None
    if isinstance(value, str):
        digits = value.strip()
        plain = digits.removeprefix("-")
        return digits if plain.isascii() and plain.isdigit() and len(digits) <= _LARGEST_SEED else None
    return None


def as_size(value: Any) -> tuple[int | None, int | None]:
    """Width and height out of "512x768", "(512, 768)" or [512, 768]."""
    if isinstance(value, str):
        for mark in "()[]":
            value = value.replace(mark, "")
        value = value.replace("×", "x").replace(",", "x").lower().split("x")
    parts = [as_int(part) for part in value] if isinstance(value, list | tuple) and len(value) == 2 else []
    return (parts[0], parts[1]) if len(parts) == 2 and None not in parts else (None, None)


def number_text(value: float) -> str:
    """The digits of a number that has not absurdly many of them, else ""."""
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 3 * _LARGEST_SEED else ""
    return repr(value) if math.isfinite(value) else ""
