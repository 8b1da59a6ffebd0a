"""How numbers, times and names are put into words, and made safe for Markdown. Plain functions, no streamlit."""

import re
import time
from datetime import datetime

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$^\"=&@/])")
_SHORTCODE = re.compile(r":(?=[\w+-])")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LABELS = {"now": "Labels now", "run": "As trained"}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def escaped(value: object) -> str:
    """``value`` as Markdown that shows it letter by letter: names come from users. Newlines become spaces.

    A word joiner after a colon keeps ``:red[`` and ``:smile:`` from being read as Streamlit's shorthands.
    """
    plain = " ".join(printable(value).split())
    return _SHORTCODE.sub(":\u2060", _SPECIAL.sub(r"\\\1", plain))


def printable(value: object) -> str:
    """``value`` as text that can be sent to a browser: file names of other encodings hold bytes that are no text."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def csv_safe(value: object) -> str:
    """``value`` for a CSV cell that a spreadsheet must not take for a formula: a leading ' guards it."""
    plain = str(value)
    return f"'{plain}" if plain.startswith(_FORMULA_STARTS) else plain


def counted(number: int, noun: str, plural: str = "") -> str:
    """One image is "1 image"; more are "1,204 images"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """A share like "91.5%", without a false 100: 0.9997 is "99.9%" (cut, not rounded, near the end)."""
    if share >= 1:
        return "100%"
    return f"{min(share * 100, 99.9):.1f}%"


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign: "+1.2 points"."""
    value = round(share * 100, 1)
    if value == 0:
        return "no change"
    return f"{'+' if value > 0 else '−'}{abs(value):g} {'point' if abs(value) == 1 else 'points'}"


def duration(seconds: float | None) -> str:
    """Short: "0.8 s", "42 s", "3 min 20 s", "1 h 5 min"; a dash for ``None``."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(unix: float) -> str:
    """A time on this machine's clock: "22 Nov 17:03"."""
    return datetime.fromtimestamp(unix).astimezone().strftime("%d %b %H:%M").lstrip("0")


def ago(moment: float, *, now: float | None = None) -> str:
    """When a unix time was: "just now", "5 minutes ago", "3 days ago"."""
    passed = (time.time() if now is None else now) - moment
    for size, unit in _UNITS[:3]:
        if passed >= size:
            return f"{counted(int(passed // size), unit)} ago"
    return "just now"


def threshold(value: float) -> str:
    """A threshold with three digits after the point, or with all that set it apart: 0.6 is "0.600", 0.99975 itself."""
    digits = f"{value:.6f}"
    return digits[:5] + digits[5:].rstrip("0")
