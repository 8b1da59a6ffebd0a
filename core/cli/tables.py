"""Tables: plain text for a terminal, and CSV that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from core.runs.atomic import written_aside

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def text_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns padded to their widest cell; numbers to the right. Control characters are shown escaped."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(headers), *cells]) for i in range(len(headers))]
    right = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(headers))]

    def line(values: Sequence[str]) -> str:
        parts = [v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True)]
        return "  ".join(parts).rstrip()

    return "\n".join([line(headers), *map(line, cells)])


def write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write UTF-8 CSV aside and move it into place; text that a spreadsheet would run gets a ``'`` in front."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        _write(file, headers, rows)


def csv_text(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """What :func:`write_csv` writes, for standard output: without the last line's end."""
    file = io.StringIO(newline="")
    _write(file, headers, rows, end="\n")
    return file.getvalue().removesuffix("\n")


def guarded(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula (Gradio's CVE-2022-24770 is such a case)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _write(file: TextIO, headers: Sequence[str], rows: Iterable[Sequence[Any]], *, end: str = "\r\n") -> None:
    writer = csv.writer(file, lineterminator=end)
    writer.writerow([guarded(name) for name in headers])
    writer.writerows([guarded(value) for value in row] for row in rows)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str("" if value is None else value))
