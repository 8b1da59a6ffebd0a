"""What a source is: class folders, split folders, nested, flat, a table. Reads names and tables, opens no image."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import BadInput
from core.domain.samples import Split
from core.ingest.listing import Listing
from core.ingest.readings import PLAIN, SPLIT_NAMES, Layout, Reading

_EXAMPLES = 5
_FLAT = "A flat folder without labels"
_FILE_NAME = re.compile(r"^([^\W\d_]+(?:[ _-][^\W\d_]+)*)[ ._(-]*\d")
FEWEST, MOST_NAMES = 2, 60  # classes that file names may spell


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image by its name. ``split`` is None where the source brings none."""

    filepath: str
    label: str | None
    split: Split | None

    @property
    def path(self) -> Path:
        """Where it lies, or will lie once its archive is unpacked."""
        return Path(self.filepath)


@dataclass(frozen=True, slots=True)
class Level:
    """The folders that lie ``number`` steps below the source: how many names, and a few of them."""

    number: int
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import of a source would read.

    ``folder`` is the source as named, ``root`` where its files lie (for an archive: will lie). ``layouts`` are the ways
    in which it can be read, ``levels`` the folders by depth, ``tables`` the tables in it, ``table`` the one that is
    read and ``columns`` its own, ``empty`` the class folders without images, ``tool`` the image generator whose output
    folder it is. ``skipped`` names ten thousand files at most, ``skipped_count`` counts all.
    """

    folder: Path
    layout: Layout
    files: tuple[ImageFile, ...]
    skipped: tuple[tuple[str, str], ...]
    skipped_count: int = 0
    root: Path = Path()
    reading: Reading = PLAIN
    layouts: tuple[Layout, ...] = ()
    levels: tuple[Level, ...] = ()
    columns: tuple[str, ...] = ()
    path_column: str = ""
    label_column: str = ""
    table: str = ""
    tables: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tool: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels found, in alphabetical order; empty class folders are classes too."""
        return tuple(sorted({file.label for file in self.files if file.label is not None} | set(self.empty)))

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that the source brings."""
        return tuple(dict.fromkeys(file.split for file in self.files if file.split is not None))

    @property
    def counts(self) -> dict[str | None, int]:
        """Images by label."""
        return {**dict.fromkeys(self.empty, 0), **Counter(file.label for file in self.files)}

    @property
    def sentence(self) -> str:
        """What was recognised, for a person."""
        images, classes = _counted(len(self.files), "image"), _counted(len(self.classes), "class")
        found = {
            "split folders": f"{' / '.join(self.splits)} folders, {classes}, {images}",
            "class folders": f"One folder a class, {classes}, {images}",
            "nested folders": f"Nested folders, the class at level {self.reading.class_level}, {classes}, {images}",
            "file names": f"The class in each file's name, {classes}, {images}",
            "table": f"A table of paths and labels, {classes}, {images}",
            "FiftyOne dataset": f"A FiftyOne dataset, {classes}, {images}",
            "flat folder": f"The output folder of {self.tool}, {images}" if self.tool else f"{_FLAT}, {images}",
        }
        return found[self.layout]


def read_folders(listing: Listing, reading: Reading) -> tuple[Layout, list[ImageFile], list[str]]:
    """Layout, files and empty class folders of a folder without a table.

    Raises:
        BadInput: a class level that no folder has.
    """
    base = _base(listing.images)
    names = [name[len(base) :] for name in listing.images]
    layout: Layout | None = reading.layout if reading.layout not in ("table", "FiftyOne dataset") else None
    if reading.class_level is not None:
        layout = "nested folders"
    layout = layout or _recognised(names)
    if layout == "nested folders":
        return layout, _nested(listing, reading.class_level or 1), []
    root = f"{listing.root}/"
    if layout == "split folders":
        files = [ImageFile(root + base + name, *_split_and_label(name)) for name in names]
        return layout, files, _empty_in_splits(listing, base, {file.label for file in files})
    if layout == "class folders":
        files = [ImageFile(root + base + name, name.partition("/")[0] if "/" in name else None, None) for name in names]
        return layout, files, _empty(listing, base, {file.label for file in files})
    if layout == "file names":
        return layout, [ImageFile(root + base + name, label_in_name(name), None) for name in names], []
    return "flat folder", [ImageFile(root + base + name, None, None) for name in names], []


def ways(listing: Listing) -> tuple[Layout, ...]:
    """The layouts that make sense for these names."""
    base = _base(listing.images)
    names = [name[len(base) :] for name in listing.images]
    found: list[Layout] = []
    if any("/" in name for name in names):
        if any(part.lower() in SPLIT_NAMES for name in names[:5000] for part in name.split("/")[:-1][:2]):
            found.append("split folders")
        found += ["class folders", "nested folders"]
    if FEWEST <= len({label_in_name(name) for name in names} - {None}) <= MOST_NAMES:
        found.append("file names")
    return (*found, "flat folder")


def levels(listing: Listing) -> tuple[Level, ...]:
    """The folders by depth, of those that hold images."""
    by_depth: list[dict[str, None]] = []
    for folder in dict.fromkeys(name.rpartition("/")[0] for name in listing.images):
        for depth, part in enumerate(folder.split("/") if folder else []):
            if depth == len(by_depth):
                by_depth.append({})
            by_depth[depth].setdefault(part)
    return tuple(Level(depth + 1, len(names), tuple(sorted(names)[:_EXAMPLES])) for depth, names in enumerate(by_depth))


def label_in_name(name: str) -> str | None:
    """The class that a file's name spells: "cat" in "cat.123.jpg"."""
    match = _FILE_NAME.match(name.rpartition("/")[2])
    return match.group(1) if match else None


def _recognised(names: Sequence[str]) -> Layout:
    folders = {name.rpartition("/")[0] for name in names}
    folders.discard("")
    if not folders:
        return "flat folder"
    parts = [folder.lower().split("/") for folder in folders]
    if all(part[0] in SPLIT_NAMES for part in parts):
        return "split folders"
    if all(len(part) > 1 and part[1] in SPLIT_NAMES for part in parts):
        return "split folders"  # one folder a class, split folders in it
    return "class folders"


def _split_and_label(name: str) -> tuple[str | None, Split | None]:
    """Label and split by the first two folders, whichever of them is the split."""
    first, second = [*name.split("/")[:-1], "", ""][:2]
    if first.lower() in SPLIT_NAMES:
        return second or None, SPLIT_NAMES[first.lower()]
    return first or None, SPLIT_NAMES.get(second.lower())


def _nested(listing: Listing, level: int) -> list[ImageFile]:
    files = []
    for name in listing.images:
        folders = name.split("/")[:-1]
        place = level - 1 if level > 0 else level
        label = folders[place] if -len(folders) <= place < len(folders) else None
        split = next((SPLIT_NAMES[part.lower()] for part in folders if part.lower() in SPLIT_NAMES), None)
        files.append(ImageFile(f"{listing.root}/{name}", label, split))
    if level == 0 or all(file.label is None for file in files):
        deepest = max(name.count("/") for name in listing.images)
        raise BadInput(f"No image has a folder at level {level}; the deepest level here is {deepest}.")
    return files


def _empty(listing: Listing, base: str, labels: Iterable[str | None]) -> list[str]:
    inside = {folder[len(base) :] for folder in listing.empty if folder.startswith(base)}
    return sorted({folder for folder in inside if "/" not in folder} - set(labels))


def _empty_in_splits(listing: Listing, base: str, labels: Iterable[str | None]) -> list[str]:
    """The classes that no split has an image of: "bird" of an empty "train/bird" or "bird/train"."""
    inside = (folder[len(base) :] for folder in listing.empty if folder.startswith(base))
    found = {_split_and_label(f"{folder}/")[0] for folder in inside if folder.count("/") == 1}
    return sorted({label for label in found if label is not None} - set(labels))


def _base(names: Sequence[str]) -> str:
    """The lone wrapper folders (what unpacking an archive leaves) that hold folders only, as "a/b/"; "" without any."""
    base = ""
    folders = {name.rpartition("/")[0] for name in names}
    while True:
        parts = [folder[len(base) :].split("/") for folder in folders]
        tops = {part[0] for part in parts}
        lone = len(tops) == 1 and all(len(part) > 1 for part in parts)
        if not lone or next(iter(tops)).lower() in SPLIT_NAMES:
            return base
        base += f"{next(iter(tops))}/"


def _counted(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
