"""From what a person named (a folder, an archive, a table, a FiftyOne dataset) to what an import of it would read."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from core.domain.errors import BadInput
from core.domain.samples import Split
from core.generators.folders import tool_of
from core.images.reading import EXTENSIONS
from core.ingest.archives import is_archive, list_archive, unpacked_folder
from core.ingest.layouts import ImageFile, Preview, levels, read_folders, ways
from core.ingest.listing import TABLES, Listing, list_folder, path_of, whole
from core.ingest.readings import SPLIT_NAMES, Layout, Reading
from core.ingest.tables import NoPathColumn, Table, read_table
from core.ingest.uploaded import list_upload

FIFTYONE = "fiftyone:"  # before the name of a dataset in the workspace's own database
_OFFERED = 20  # tables of a source that are looked into
_INDEXED = 500_000  # files looked at to find those that a table names without their folder

# (path, label, split) of every sample of a FiftyOne dataset, by its name and the field that holds the label
Labelled = Callable[[str, str | None], tuple[str, Sequence[str], Iterable[tuple[str, str | None, Split | None]]]]


def recognise(
    text: str | Path,
    reading: Reading | None = None,
    *,
    uploads: Path | None = None,
    labelled: Labelled | None = None,
) -> Preview:
    """Look at a source's names, and its tables, and say what it is.

    ``uploads`` is where archives are going to be unpacked; ``labelled`` reads FiftyOne datasets of the workspace's
    database.

    Raises:
        BadInput: no such source, nothing to import in it, or it cannot be read as asked.
    """
    reading = reading or Reading()
    if str(text).strip().lower().startswith(FIFTYONE):
        return _from_database(str(text).strip()[len(FIFTYONE) :].strip(), reading, labelled)
    path = path_of(text)
    if path.suffix.lower() in TABLES and path.is_file():
        return _lone_table(path, reading)
    preview = _read(path, listing_of(path, uploads), reading)
    if not preview.files:
        hint = " (files of other kinds were skipped)" if preview.skipped else ""
        raise BadInput(f"There are no images in {str(path)!r}{hint}; choose a folder with JPEG, PNG or WebP files.")
    return preview


def listing_of(path: Path, uploads: Path | None) -> Listing:
    """The names in a folder or an archive. A folder among the uploads may hold archives, which are looked into too.

    Raises:
        BadInput: neither, or an archive that cannot be read.
    """
    if path.is_dir():
        return list_upload(path) if is_upload(path, uploads) else list_folder(path)
    if not is_archive(path):
        raise BadInput(f"{str(path)!r} is a file; name the folder that holds it.")
    if uploads is None:
        raise BadInput(f"{str(path)!r} is an archive; unpack it first.")
    return list_archive(path, unpacked_folder(uploads, path))


def is_upload(path: Path, uploads: Path | None) -> bool:
    """Whether it is a folder of what came through the browser."""
    return uploads is not None and path.is_dir() and uploads.resolve() in path.resolve().parents


def _read(source: Path, listing: Listing, reading: Reading) -> Preview:
    exported = _exported(listing, reading)
    if exported is not None:
        return _preview(source, listing, reading, "FiftyOne dataset", *exported)
    if reading.layout in (None, "table") and reading.class_level is None and not reading.folders:
        tables = _tables(listing, reading)
        if tables:
            return _by_tables(source, listing, reading, tables)
        if reading.layout == "table":
            raise BadInput(f"No table in {str(source)!r} has a column of paths and one of labels; name them.")
    if not listing.images:
        return _preview(source, listing, reading, "flat folder", [])
    tool = tool_of([name.split("/") for name in listing.images], listing.root.name) or ""
    if tool and not reading.chosen:  # its folders are dates and kinds, not classes
        files = [ImageFile(f"{listing.root}/{name}", None, None) for name in listing.images]
        return _preview(source, listing, reading, "flat folder", files, tool=tool)
    layout, files, empty = read_folders(listing, reading)
    notes = []
    if empty:
        listed = ", ".join(repr(name) for name in empty[:5])
        notes = [f"{len(empty)} class folder{'s are' if len(empty) > 1 else ' is'} empty: {listed}."]
    return _preview(source, listing, reading, layout, files, empty=empty, notes=notes, tool=tool)


def _preview(
    source: Path,
    listing: Listing,
    reading: Reading,
    layout: Layout,
    files: Sequence[ImageFile],
    *,
    empty: Sequence[str] = (),
    notes: Sequence[str] = (),
    tool: str = "",
    table: Table | None = None,
    table_name: str = "",
) -> Preview:
    layouts: tuple[Layout, ...] = ways(listing) if listing.images else ()
    if layout not in layouts:
        layouts = (layout, *layouts)
    elif any(_usable(listing, name) for name in _candidates(listing)):
        layouts = ("table", *layouts)
    return Preview(
        folder=source,
        layout=layout,
        files=tuple(files),
        skipped=tuple(listing.skipped),
        skipped_count=listing.skipped_count,
        root=listing.root,
        reading=reading if layout != "nested folders" else _levelled(reading),
        layouts=tuple(dict.fromkeys(layouts)),
        levels=levels(listing),
        columns=() if table is None else table.columns,
        path_column="" if table is None else table.path_column,
        label_column="" if table is None else table.label_column or "",
        table=table_name,
        tables=tuple(_candidates(listing)[:_OFFERED]) or ((table_name,) if table_name else ()),
        empty=tuple(empty),
        notes=tuple(notes),
        tool=tool,
    )


def _levelled(reading: Reading) -> Reading:
    return Reading(layout="nested folders", class_level=reading.class_level or 1)


# tables


def _candidates(listing: Listing) -> list[str]:
    """Tables by their usual names first; those of Hugging Face's imagefolder may lie in each split's folder."""
    named = [name for name in listing.tables if os.path.splitext(name)[1].lower() in TABLES and name.count("/") <= 3]
    return sorted(
        named, key=lambda name: (os.path.basename(name).split(".")[0].lower() != "metadata", name.count("/"), name)
    )


def _usable(listing: Listing, name: str) -> bool:
    try:
        return bool(_table(listing, name, Reading()).rows)
    except BadInput:
        return False


def _tables(listing: Listing, reading: Reading) -> dict[str, Table]:
    """The tables that say what the images are: the one chosen, else all metadata files, else the first that fits."""
    found: dict[str, Table] = {}
    unclear: NoPathColumn | None = None
    for name in [reading.table] if reading.table else _candidates(listing)[:_OFFERED]:
        if reading.table and name not in listing.tables:
            raise BadInput(f"There is no table {name!r} in the source.")
        try:
            table = _table(listing, name, reading)
        except NoPathColumn as error:
            unclear = unclear or error
            continue
        except BadInput:
            if reading.table or reading.layout == "table":
                raise
            continue
        asked = reading.layout == "table" or reading.label_column is not None
        if table.label_column is None and not asked:
            continue
        metadata = os.path.basename(name).split(".")[0].lower() == "metadata"
        if found and not (metadata and all("metadata" in os.path.basename(one).lower() for one in found)):
            continue
        if asked or metadata or _names_images(table, name, listing):
            found[name] = table
    if unclear is not None and not found and (reading.table or reading.layout == "table"):
        raise unclear
    return found


def _names_images(table: Table, name: str, listing: Listing) -> bool:
    """Whether the table's paths are those of images here, and not some other list."""
    find = _Finder(listing, os.path.dirname(name))
    return sum(find(row.path) is not None for row in table.rows[:50]) * 2 > len(table.rows[:50])


def _table(listing: Listing, name: str, reading: Reading) -> Table:
    try:
        data = listing.read(name)
    except OSError as error:
        raise BadInput(f"The table {name!r} cannot be read ({error.strerror or error}).") from None
    return read_table(name, data, path_column=reading.path_column, label_column=reading.label_column)


def _by_tables(source: Path, listing: Listing, reading: Reading, tables: dict[str, Table]) -> Preview:
    said: dict[str, tuple[str | None, Split | None]] = {}
    for name, table in tables.items():
        for where, reason in table.problems:
            listing.skip(where, reason)
        folder = os.path.dirname(name)
        brought = SPLIT_NAMES.get(folder.split("/")[0].lower()) if folder else None
        find = _Finder(listing, folder)
        for row in table.rows:
            found = find(row.path)
            if found is None:
                listing.skip(row.path, "named in the table, but there is no such image")
            elif found in said and said[found][0] != row.label:
                listing.skip(row.path, f"named a second time in the table, then as {row.label!r}; the first holds")
            else:
                said[found] = (row.label, row.split or brought or _split_of(found))
    files = [ImageFile(f"{listing.root}/{name}", *said.get(name, (None, _split_of(name)))) for name in listing.images]
    unnamed = len(listing.images) - len(said)
    notes = [f"{unnamed:,} images are not named in the table and come in without a label."] if unnamed else []
    first, table = next(iter(tables.items()))
    return _preview(source, listing, reading, "table", files, notes=notes, table=table, table_name=first)


def _split_of(name: str) -> Split | None:
    return SPLIT_NAMES.get(name.split("/", maxsplit=1)[0].lower()) if "/" in name else None


class _Finder:
    """An image of a listing by the path that a table gives it: relative to the table, to the root, or by its name."""

    def __init__(self, listing: Listing, folder: str) -> None:
        self._images = set(listing.images)
        self._root = f"{listing.root}/"
        self._folder = f"{folder}/" if folder else ""
        self._by_name: dict[str, str | None] | None = None

    def __call__(self, path: str) -> str | None:
        return self._find(path) or self._find(path.strip())

    def _find(self, path: str) -> str | None:
        path = path.replace("\\", "/").removeprefix("./").removeprefix(self._root)
        for name in (self._folder + path, path):
            if name in self._images:
                return name
        return self._index().get(path.rpartition("/")[2])

    def _index(self) -> dict[str, str | None]:
        """Names without their folder, with and without ending; None where two images share one."""
        if self._by_name is None:
            self._by_name = {}
            for name in self._images:
                base = name.rpartition("/")[2]
                for key in {base, os.path.splitext(base)[0]}:
                    self._by_name[key] = None if key in self._by_name else name
        return self._by_name


def _lone_table(path: Path, reading: Reading) -> Preview:
    """A table that was named itself: its paths may lead anywhere on this computer."""
    root = path.parent
    listing = Listing(root=root, read=lambda name: whole(root / name))
    table = _table(listing, path.name, reading)
    for where, reason in table.problems:
        listing.skip(where, reason)
    find: _Finder | None = None
    files: dict[str, ImageFile] = {}
    for row in table.rows:
        found = _on_disk(root, row.path) or _on_disk(root, row.path.strip())
        if found is None:
            find = find or _Finder(_below(root), "")
            named = find(row.path)
            found = f"{root}/{named}" if named else None
        if found is None:
            listing.skip(row.path, "named in the table, but there is no such image")
        elif found in files and files[found].label != row.label:
            listing.skip(row.path, f"named a second time in the table, then as {row.label!r}; the first holds")
        else:
            files[found] = ImageFile(found, row.label, row.split)
    if not files:
        raise BadInput(f"No image that the table {path.name!r} names is there; lay it beside them or give whole paths.")
    return _preview(path, listing, reading, "table", list(files.values()), table=table, table_name=path.name)


def _below(root: Path) -> Listing:
    listing = list_folder(root)
    del listing.images[_INDEXED:]
    return listing


def _on_disk(root: Path, path: str) -> str | None:
    """The absolute path of an image that a table names, if there is such a file."""
    if "\0" in path or os.path.splitext(path)[1].lower() not in EXTENSIONS:
        return None
    whole = os.path.normpath(os.path.join(root, os.path.expanduser(path)))
    return whole if os.path.isfile(whole) else None


# FiftyOne


def _exported(listing: Listing, reading: Reading) -> tuple[list[ImageFile]] | None:
    """The files of a dataset that FiftyOne exported (FiftyOneDataset, FiftyOneImageClassificationDataset)."""
    if reading.layout not in (None, "FiftyOne dataset") or reading.folders or reading.class_level is not None:
        return None
    if {"samples.json", "metadata.json"} <= set(listing.tables):
        rows = _json(listing, "samples.json").get("samples")
        if isinstance(rows, list):
            found = {str(row.get("filepath")): row for row in rows if isinstance(row, dict)}
            field = reading.label_column or _label_field(found.values())
            return (_match(listing, {path: (_classified(row, field), _tagged(row)) for path, row in found.items()}),)
    if "labels.json" in listing.tables:
        value = _json(listing, "labels.json")
        classes, labels = value.get("classes"), value.get("labels")
        if isinstance(labels, dict) and any(name.startswith("data/") for name in listing.images):
            return (_match(listing, {name: (_numbered(label, classes), None) for name, label in labels.items()}),)
    return None


def _match(listing: Listing, said: dict[str, tuple[str | None, Split | None]]) -> list[ImageFile]:
    find = _Finder(listing, "data")
    by_name: dict[str, tuple[str | None, Split | None]] = {}
    for path, what in said.items():
        name = find(path)
        if name is None:
            listing.skip(path, "named in the dataset, but there is no such image")
        else:
            by_name[name] = what
    return [ImageFile(f"{listing.root}/{name}", *by_name[name]) for name in listing.images if name in by_name]


def _json(listing: Listing, name: str) -> dict[str, Any]:
    try:
        value = json.loads(listing.read(name))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _label_field(rows: Iterable[dict[str, Any]]) -> str:
    """The first field that holds a Classification; "ground_truth" before any other."""
    fields: dict[str, None] = {}
    for row in rows:
        fields.update(dict.fromkeys(key for key, value in row.items() if isinstance(value, dict) and "label" in value))
        if "ground_truth" in fields or len(fields) > 20:
            break
    return "ground_truth" if "ground_truth" in fields else next(iter(fields), "ground_truth")


def _classified(row: dict[str, Any], field: str) -> str | None:
    value = row.get(field)
    label = value.get("label") if isinstance(value, dict) else value
    return label if isinstance(label, str) and label else None


def _tagged(row: dict[str, Any]) -> Split | None:
    tags = row.get("tags")
    found = (
        [SPLIT_NAMES[tag.lower()] for tag in tags if isinstance(tag, str) and tag.lower() in SPLIT_NAMES]
        if isinstance(tags, list)
        else []
    )
    return found[0] if len(set(found)) == 1 else None


def _numbered(label: object, classes: object) -> str | None:
    if isinstance(label, int) and isinstance(classes, list) and 0 <= label < len(classes):
        return str(classes[label])
    if isinstance(label, dict):
        label = label.get("label")
    return label if isinstance(label, str) and label else None


def _from_database(name: str, reading: Reading, labelled: Labelled | None) -> Preview:
    if labelled is None:
        raise BadInput("FiftyOne datasets can be imported within a workspace only.")
    field, fields, rows = labelled(name, reading.label_column)
    listing = Listing(root=Path("/"), read=lambda _: b"")
    files = []
    for path, label, split in rows:
        if os.path.splitext(path)[1].lower() not in EXTENSIONS:
            listing.skip(path, "not an image by its name")
        else:
            files.append(ImageFile(path, label, split))
    if not files:
        raise BadInput(f"The FiftyOne dataset {name!r} has no images.")
    return Preview(
        folder=Path(FIFTYONE + name),
        layout="FiftyOne dataset",
        files=tuple(files),
        skipped=tuple(listing.skipped),
        skipped_count=listing.skipped_count,
        root=Path(os.path.commonpath([os.path.dirname(file.filepath) for file in files])),
        reading=reading,
        layouts=("FiftyOne dataset",),
        columns=tuple(fields),
        label_column=field,
    )
