"""Tables of paths and labels: CSV, JSON Lines, Parquet. Columns go by usual names, by what they hold, or by choice."""

import csv
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
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
MAX_TEXT = 1 << 30  # characters of the columns read
_AT_ONCE = 4096  # rows of a Parquet table
_HEAD = 50  # rows looked at to see which column holds paths
_LONG = 1 << 20  # characters of one field

# The columns of a table, and what reads some of them, line by line.
_Lines = tuple[Sequence[str], Callable[[Sequence[str]], Iterator[Mapping[str, Any]]]]


class NoPathColumn(BadInput):
    """None of a table's ``columns`` seems to hold paths; a person may know better."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        listed = ", ".join(columns[:20]) or "none"
        super().__init__(f"The table {name!r} has no column that looks like file names; choose one of its: {listed}.")
        self.columns = tuple(columns)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: the path as it stands there, spaces around it included: a file's name may have some."""

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


def read_table(name: str, data: bytes, *, path_column: str | None = None, label_column: str | None = None) -> Table:
    """Read a table.

    Raises:
        NoPathColumn: none of its columns seems to hold paths.
        BadInput: it cannot be read at all, or has no column of the name chosen.
    """
    problems: list[tuple[str, str]] = []
    columns, lines = _lines(name, data, problems)
    paths = _column(columns, path_column, PATH_COLUMNS, name)
    labels = _column(columns, label_column, LABEL_COLUMNS, name)
    if path_column is None and columns:
        found = _named_files(columns, lines)
        paths = paths if paths in found or not found else found[0]
    if paths is None:
        raise NoPathColumn(name, columns)
    splits = _column(columns, None, SPLIT_COLUMNS, name)
    rows: list[Row] = []
    wanted = [column for column in dict.fromkeys((paths, labels, splits)) if column]
    for number, line in enumerate(lines(wanted), start=1):
        if number > MAX_ROWS:
            raise BadInput(f"The table {name!r} has more than {MAX_ROWS:,} rows; split it.")
        path = line.get(paths)
        if not isinstance(path, str | int) or not str(path).strip():
            problems.append((f"{name}, row {number}", "it names no file"))
            continue
        text = str(line.get(splits) or "").strip().lower() if splits else ""
        rows.append(Row(str(path), _label(line.get(labels)) if labels else None, SPLIT_NAMES.get(text)))
    return Table(tuple(rows), tuple(columns), paths, labels, tuple(problems))


def _named_files(columns: Sequence[str], lines: Callable[[Sequence[str]], Iterator[Mapping[str, Any]]]) -> list[str]:
    """The columns whose first values are mostly names of image files."""
    head = list(itertools.islice(lines(columns), _HEAD))
    return [column for column in columns if sum(_is_file(line.get(column)) for line in head) * 2 > len(head)]


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and os.path.splitext(value.strip())[1].lower() in EXTENSIONS


def _lines(name: str, data: bytes, problems: list[tuple[str, str]]) -> _Lines:
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".parquet":
        return _parquet(name, data)
    text = _text(data)
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(name, text, problems)
    return _csv(name, text, tabs=suffix == ".tsv")


def _csv(name: str, text: str, *, tabs: bool) -> _Lines:
    csv.field_size_limit(_LONG)
    first = text.split("\n", 1)[0]
    delimiter = "\t" if tabs else max(",;\t|", key=first.count)

    def reader() -> Iterator[list[str]]:
        return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)

    try:
        header = [cell.strip() for cell in next(reader(), [])]
    except csv.Error as error:
        raise BadInput(f"The table {name!r} cannot be read ({error}).") from None
    headless = bool(header) and _is_file(header[0])  # its first line is an image
    if headless:
        header = [*("path", "label", "split")[: len(header)], *(f"column {n + 1}" for n in range(3, len(header)))]

    def lines(_wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        rows = itertools.islice(reader(), 0 if headless else 1, None)
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise BadInput(f"The table {name!r} cannot be read ({error}).") from None
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield dict(zip(header, cells, strict=False))

    return header, lines


def _json_lines(name: str, text: str, problems: list[tuple[str, str]]) -> _Lines:
    objects: list[Mapping[str, Any]] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines parts texts at signs of their own
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
    return list(columns), lambda _wanted: iter(objects)


def _parquet(name: str, data: bytes) -> _Lines:
    """A few kilobytes may stand for billions of rows or of characters, so both are counted before they are made."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def broken(error: Exception) -> BadInput:
        return BadInput(f"The table {name!r} cannot be read ({str(error).splitlines()[0][:120]}).")

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > MAX_ROWS:
            raise BadInput(f"The table {name!r} has more than {MAX_ROWS:,} rows; split it.")
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        numbers = [field.name for field in file.schema_arrow if pa.types.is_integer(field.type)]
        columns = [column for column in file.schema_arrow.names if column in {*texts, *numbers}]
        names = _class_names(file.schema_arrow.metadata or {})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken(error) from None

    def lines(wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        left = MAX_TEXT
        try:
            shared = [column for column in wanted if column in texts]  # a text that comes again is held once
            file = pq.ParquetFile(io.BytesIO(data), read_dictionary=shared)
            for batch in file.iter_batches(batch_size=_AT_ONCE, columns=list(wanted)):
                left -= sum(_characters(column) for column in batch.columns)
                if left < 0:
                    raise BadInput(f"The table {name!r} unpacks to more than a gigabyte of text; split it.")
                plain = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
                yield from _named(pa.table(plain, batch.schema.names).to_pylist(), names)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise broken(error) from None

    return columns, lines


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _characters(column: Any) -> int:
    """How many bytes of text the values of an Arrow array come to, without making them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return int(pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0)


def _named(rows: list[dict[str, Any]], names: Mapping[str, list[str]]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        for column, classes in names.items():
            value = row.get(column)
            if isinstance(value, int) and 0 <= value < len(classes):
                row[column] = classes[value]
        yield row


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
