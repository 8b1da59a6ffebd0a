"""What a folder of images is: class folders, split folders or flat. Reads names only, opens no image."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.domain.errors import BadInput
from core.domain.samples import Split
from core.images.reading import EXTENSIONS

Layout = Literal["class folders", "split folders", "flat folder"]

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
IGNORED_FOLDERS = frozenset({"__macosx", "__pycache__", "$recycle.bin", "system volume information", "@eadir"})
IGNORED_FILES = frozenset({"thumbs.db", "desktop.ini", "icon\r"})


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image by its name. ``split`` is None where the folder brings none."""

    path: Path
    label: str | None
    split: Split | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import of ``folder`` would read."""

    folder: Path
    layout: Layout
    files: tuple[ImageFile, ...]
    skipped: tuple[tuple[str, str], ...]  # path, why

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels found, in alphabetical order."""
        return tuple(sorted({file.label for file in self.files if file.label is not None}))

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that the folder brings."""
        return tuple(dict.fromkeys(file.split for file in self.files if file.split is not None))

    @property
    def counts(self) -> dict[str | None, int]:
        """Images by label."""
        return dict(Counter(file.label for file in self.files))

    @property
    def sentence(self) -> str:
        """What was recognised, for a person."""
        images = f"{len(self.files):,} image{'' if len(self.files) == 1 else 's'}"
        classes = f"{len(self.classes)} class{'' if len(self.classes) == 1 else 'es'}"
        if self.layout == "split folders":
            return f"{' / '.join(self.splits)} folders, {classes}, {images}"
        if self.layout == "class folders":
            return f"One folder a class, {classes}, {images}"
        return f"A flat folder without labels, {images}"


def folder_of(text: str | Path) -> Path:
    """The folder that a person named: quotes around it and ``~`` are understood.

    Raises:
        BadInput: nothing named, nothing there, or not a folder.
    """
    name = str(text).strip()
    if len(name) >= 2 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    if not name:
        raise BadInput("Name the folder that holds the images.")
    if "\0" in name:
        raise BadInput("A folder's name cannot hold a null character.")
    folder = Path(name).expanduser()
    try:
        if not folder.exists():
            raise BadInput(f"There is no folder {str(folder)!r}; check the spelling, or paste its full path.")
        if not folder.is_dir():
            raise BadInput(f"{str(folder)!r} is a file; name the folder that holds it.")
        with os.scandir(folder):
            pass
    except PermissionError:
        raise BadInput(
            f"labelloop may not read {str(folder)!r}; give it permission, or choose another folder."
        ) from None
    except OSError as error:
        raise BadInput(f"{str(folder)!r} cannot be read ({error.strerror or error}).") from None
    return folder.resolve()


def recognise(text: str | Path) -> Preview:
    """Look at a folder's names and say what it is.

    Raises:
        BadInput: no such folder, or no image in it.
    """
    folder = folder_of(text)
    skipped: list[tuple[str, str]] = []
    paths = list(_images(folder, folder, skipped))
    if not paths:
        hint = " (files of other kinds were skipped)" if skipped else ""
        raise BadInput(f"There are no images in {str(folder)!r}{hint}; choose a folder with JPEG, PNG or WebP files.")
    base = _base(folder, paths)
    layout, files = _read_layout(base, sorted(paths))
    return Preview(folder=folder, layout=layout, files=tuple(files), skipped=tuple(skipped))


def _read_layout(base: Path, paths: list[Path]) -> tuple[Layout, list[ImageFile]]:
    parts = [path.relative_to(base).parts for path in paths]
    tops = {part[0] for part in parts if len(part) > 1}
    if tops and all(top.lower() in SPLIT_NAMES for top in tops):
        return "split folders", [
            ImageFile(path, part[1] if len(part) > 2 else None, SPLIT_NAMES[part[0].lower()] if len(part) > 1 else None)
            for path, part in zip(paths, parts, strict=True)
        ]
    if tops:
        return "class folders", [
            ImageFile(path, part[0] if len(part) > 1 else None, None) for path, part in zip(paths, parts, strict=True)
        ]
    return "flat folder", [ImageFile(path, None, None) for path in paths]


def _base(folder: Path, paths: list[Path]) -> Path:
    """Step into a lone wrapper folder (what unpacking an archive leaves) as long as it holds folders only."""
    base = folder
    while True:
        parts = [path.relative_to(base).parts for path in paths]
        tops = {part[0] for part in parts}
        lone = len(tops) == 1 and all(len(part) > 2 for part in parts)
        if not lone or next(iter(tops)).lower() in SPLIT_NAMES:
            return base
        base = base / next(iter(tops))


def _images(root: Path, folder: Path, skipped: list[tuple[str, str]]) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        skipped.append((str(folder), f"the folder cannot be read ({error.strerror or error})"))
        return
    for entry in entries:
        path = Path(entry.path)
        name = entry.name.lower()
        if name.startswith(".") or name in IGNORED_FILES or name in IGNORED_FOLDERS:
            continue
        if entry.is_symlink() and not _stays_inside(root, path):
            skipped.append((_shown(path), "a link that leads out of the folder"))
        elif entry.is_dir(follow_symlinks=False):
            yield from _images(root, path, skipped)
        elif entry.is_dir():
            skipped.append((_shown(path), "a link to a folder"))
        elif path.suffix.lower() not in EXTENSIONS:
            skipped.append((_shown(path), "not an image by its name"))
        elif _shown(path) != entry.path:  # the database, the App and the browser take text only
            skipped.append((_shown(path), "its path is not valid UTF-8; rename the file or its folder"))
        elif not _is_regular(entry):
            skipped.append((_shown(path), "not a regular file"))
        else:
            yield path


def _stays_inside(root: Path, path: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # a broken link, or one that goes round in a circle
        return False


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
