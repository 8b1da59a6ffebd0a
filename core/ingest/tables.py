"""Tables of paths and labels: CSV, JSON Lines, Parquet. Columns go by their usual names, or by a person's choice."""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.errors import BadInput
from core.domain.samples import Split
from core.images.reading import EXTENSIONS
from core.ingest.readings import SPLIT_NAMES

PATH_COLUMNS = (
    "file_name",
    "filename",
    "filepath",
    "file_path",
    "path",
    "file",
    "image",
    "image_path",
    "img",
    "name",
    "id",
)
LABEL_COLUMNS = ("label", "class", "category", "label_name", "class_name", "target", "ground_truth", "labels", "y")
SPLIT_COLUMNS = ("split", "subset", "set", "partition", "fold")
MAX_ROWS = 5_000_000
_LONG = 1 << 20  # characters of one field


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: the path as it stands there."""

    path: str
    label: str | None
    split: Split | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table that names images. ``problems`` are lines that cannot be used, each with its reason."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    path_column: str
    label_column: str | None
    problems: tuple[tuple[str, str], ...]


def read_table(
    name: str, data: bytes, *, path_column: str | None = None, label_column: str | None = None
) -> Table | None:
    """Read a table; None where none of its columns holds paths.

    Raises:
        BadInput: it cannot be read at all, or has no column of the name chosen.
    """
    problems: list[tuple[str, str]] = []
    columns, lines = _lines(name, data, problems)
    paths = _column(columns, path_column, PATH_COLUMNS, name)
    labels = _column(columns, label_column, LABEL_COLUMNS, name)
    if paths is None:
        return None
    splits = _column(columns, None, SPLIT_COLUMNS, name)
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        if number > MAX_ROWS:
            raise BadInput(f"The table {name!r} has more than {MAX_ROWS:,} rows; split it.")
        path = line.get(paths)
        if not isinstance(path, str | int) or not str(path).strip():
            problems.append((f"{name}, row {number}", "it names no file"))
            continue
        text = str(line.get(splits) or "").strip().lower() if splits else ""
        rows.append(Row(str(path).strip(), _label(line.get(labels)) if labels else None, SPLIT_NAMES.get(text)))
    return Table(tuple(rows), tuple(columns), paths, labels, tuple(problems))


def _lines(
    name: str, data: bytes, problems: list[tuple[str, str]]
) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".parquet":
        return _parquet(name, data)
    text = _text(data)
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(name, text, problems)
    return _csv(name, text, tabs=suffix == ".tsv")


def _csv(name: str, text: str, *, tabs: bool) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    csv.field_size_limit(_LONG)
    first = text.split("\n", 1)[0]
    delimiter = "\t" if tabs else max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise BadInput(f"The table {name!r} cannot be read ({error}).") from None
    if header and os.path.splitext(header[0])[1].lower() in EXTENSIONS:  # no header: its first line is an image
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [*("path", "label", "split")[: len(header)], *(f"column {n + 1}" for n in range(3, len(header)))]
    else:
        rows = reader

    def lines() -> Iterator[Mapping[str, Any]]:
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise BadInput(f"The table {name!r} cannot be read ({error}).") from None
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield dict(zip(header, cells, strict=False))

    return header, lines()


def _json_lines(
    name: str, text: str, problems: list[tuple[str, str]]
) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    objects: list[Mapping[str, Any]] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            objects.append(value)
            columns.update(dict.fromkeys(map(str, value)))
        else:
            problems.append((f"{name}, line {number}", "it is not a JSON object"))
    return list(columns), iter(objects)


def _parquet(name: str, data: bytes) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        schema = file.schema_arrow
        columns = [
            field.name
            for field in schema
            if pa.types.is_string(field.type)
            or pa.types.is_integer(field.type)
            or pa.types.is_large_string(field.type)
            or pa.types.is_dictionary(field.type)
        ]
        names = _class_names(schema.metadata or {})
        rows = file.read(columns=columns).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"The table {name!r} cannot be read ({str(error).splitlines()[0][:120]}).") from None

    def lines() -> Iterator[Mapping[str, Any]]:
        for row in rows:
            for column, classes in names.items():
                value = row.get(column)
                if isinstance(value, int) and 0 <= value < len(classes):
                    row[column] = classes[value]
            yield row

    return columns, lines()


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names behind the numbers of Hugging Face's ClassLabel columns."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            column: [str(one) for one in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError):
        return {}


def _text(data: bytes) -> str:
    """Text in the encodings that spreadsheets write: UTF-8 with or without a mark, UTF-16 with one, Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _column(columns: Sequence[str], chosen: str | None, usual: Sequence[str], name: str) -> str | None:
    if chosen is not None:
        if chosen not in columns:
            raise BadInput(f"The table {name!r} has no column {chosen!r}; it has: {', '.join(columns[:20]) or 'none'}.")
        return chosen
    by_lower = {column.lower().strip(): column for column in reversed(columns)}
    return next((by_lower[one] for one in usual if one in by_lower), None)


def _label(value: Any) -> str | None:
    """A label as text; a list of one is that one. Nothing, empty text and what is no plain value are no label."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text or None
