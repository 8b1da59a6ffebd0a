"""What lies in a folder, by names alone: images, tables, folders, and what is left alone and why."""

import os
import stat
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.errors import BadInput
from core.generators.folders import LOG, left_out, logged, why_skipped
from core.images.reading import EXTENSIONS

IGNORED_FOLDERS = frozenset({"__macosx", "__pycache__", "$recycle.bin", "system volume information", "@eadir"})
IGNORED_FILES = frozenset({"thumbs.db", "desktop.ini", "icon\r"})
IGNORED = "a hidden folder, or one that a program keeps for itself"
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"})
DESCRIPTIONS = frozenset({"samples.json", "metadata.json", "labels.json"})  # of a dataset that FiftyOne exported
SIDE_FILES = frozenset({".txt", ".json", ".yaml", ".yml", ".xml"})  # what generators and tools lay beside images
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
KEPT_REASONS = 10_000
MAX_TABLE = 1 << 30  # bytes


@dataclass
class Listing:
    """The names below ``root``, relative to it and parted by "/". For an archive: where they will lie once unpacked.

    ``read`` gives a file's bytes by its name there, before anything is unpacked.
    """

    root: Path
    read: Callable[[str], bytes]
    images: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)  # folders with nothing in them
    sides: list[str] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, name: str, reason: str) -> None:
        """Note a file that is left alone; the first ten thousand are kept by name."""
        self.skipped_count += 1
        if len(self.skipped) < KEPT_REASONS:
            self.skipped.append((name, reason))

    def sort(self, name: str) -> None:
        """Put a regular file where it belongs by its name (relative to ``root``)."""
        base = name.rpartition("/")[2].lower()
        _, dot, end = base.rpartition(".")
        suffix = dot + end  # of a hundred thousand names: os.path.splitext takes twice as long
        if suffix in EXTENSIONS:
            if reason := why_skipped(name.split("/")):
                self.skip(str(self.root / name), reason)
            else:
                self.images.append(name)
        elif suffix in TABLES or base in DESCRIPTIONS:
            self.tables.append(name)
        elif suffix in SIDE_FILES or base == LOG:
            self.sides.append(name)
        elif base.endswith(ARCHIVES):
            self.archives.append(name)
        else:
            self.skip(str(self.root / name), "not an image by its name")

    def finish(self) -> "Listing":
        """All names are in: put them in order. Text beside an image of its name belongs to it and needs no word.

        Archives are skipped, unless who lists has taken them out of ``archives``.
        """
        self.images.sort()
        for name in self.archives:
            self.skip(str(self.root / name), "an archive; import it by itself, or unpack it first")
        if others := dict(left_out(self.images)):
            self.images = [name for name in self.images if name not in others]
            for name, reason in others.items():
                self.skip(str(self.root / name), reason)
        if self.sides:
            stems = {os.path.splitext(name)[0] for name in self.images}
            logs = logged(self.images)
            for name in self.sides:
                if not _belongs(name, stems, logs):
                    self.skip(str(self.root / name), "not an image by its name")
        return self


def folder_of(text: str | Path) -> Path:
    """The folder that a person named: quotes around it and ``~`` are understood.

    Raises:
        BadInput: nothing named, nothing there, or not a folder.
    """
    folder = path_of(text)
    if not folder.is_dir():
        raise BadInput(f"{str(folder)!r} is a file; name the folder that holds it.")
    return folder


def path_of(text: str | Path) -> Path:
    """The folder or file that a person named: quotes around it and ``~`` are understood.

    Raises:
        BadInput: nothing named, nothing there, or not to be read.
    """
    name = str(text).strip()
    if len(name) >= 2 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    if not name:
        raise BadInput("Name the folder that holds the images.")
    if "\0" in name:
        raise BadInput("A folder's name cannot hold a null character.")
    path = Path(name).expanduser()
    try:
        if not path.exists():
            raise BadInput(f"There is no folder {str(path)!r}; check the spelling, or paste its full path.")
        if path.is_dir():
            with os.scandir(path):
                pass
    except PermissionError:
        raise BadInput(f"labelloop may not read {str(path)!r}; give it permission, or choose another folder.") from None
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read ({error.strerror or error}).") from None
    return path.resolve()


def list_folder(root: Path) -> Listing:
    """Walk a folder. Links to folders and links that lead out are not followed; hidden folders are told and left."""
    return walk(root).finish()


def walk(root: Path) -> Listing:
    """As :func:`list_folder`, before the names are put in order."""
    listing = Listing(root=root, read=lambda name: whole(root / name))
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            listing.skip(shown(str(root / folder)), f"the folder cannot be read ({error.strerror or error})")
            continue
        below = []
        if folder and all(ignored(entry.name) for entry in entries):
            listing.empty.append(folder)
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if _is_folder(entry, listing):
                below.append(name)
            elif not ignored(entry.name):
                _sort(entry, name, listing)
        waiting.extend(reversed(below))
    return listing


def whole(path: Path) -> bytes:
    """The bytes of a table or a description.

    Raises:
        BadInput: it is too large to be one.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MAX_TABLE:
        raise BadInput(f"The table {path.name!r} is larger than a gigabyte; split it.")
    return path.read_bytes()


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is passed over: hidden, or what programs keep for themselves."""
    lower = name.lower()
    return lower.startswith(".") or lower in IGNORED_FILES or lower in IGNORED_FOLDERS


def shown(path: str) -> str:
    """A path as text that can be printed and stored, whatever bytes it is made of."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "replace")


def _belongs(name: str, stems: Set[str], logs: Set[str]) -> bool:
    """Whether a side file says something of an image: of its own name without endings, or Fooocus's log of its folder.

    ``stems`` are the images' names without their endings, ``logs`` the folders whose images Fooocus made.
    """
    folder, _, base = name.rpartition("/")
    if base == LOG:
        return folder in logs
    stem = os.path.splitext(name)[0]
    return stem in stems or (stem.endswith(".swarm") and stem.removesuffix(".swarm") in stems)


def _is_folder(entry: os.DirEntry[str], listing: Listing) -> bool:
    try:
        if entry.is_dir(follow_symlinks=False):
            if ignored(entry.name):
                listing.skip(shown(entry.path), IGNORED)
                return False
            return True
    except OSError as error:
        listing.skip(shown(entry.path), f"it cannot be looked at ({error.strerror or error})")
    return False


def _sort(entry: os.DirEntry[str], name: str, listing: Listing) -> None:
    if shown(entry.path) != entry.path:  # the database, the App and the browser take text only
        if not entry.is_dir(follow_symlinks=False):
            listing.skip(shown(entry.path), "its path is not valid UTF-8; rename the file or its folder")
    elif entry.is_symlink():
        reason = _link(listing.root, Path(entry.path))
        if reason:
            listing.skip(entry.path, reason)
        else:
            listing.sort(name)
    elif entry.is_dir(follow_symlinks=False):
        return  # one to be passed over
    elif not entry.is_file(follow_symlinks=False):
        listing.skip(entry.path, "not a regular file")
    else:
        listing.sort(name)


def _link(root: Path, path: Path) -> str:
    """Why a link is not followed; "" where it leads to a regular file below ``root``."""
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError):  # a broken link, or one that goes round in a circle
        return "a link that leads nowhere"
    if not target.is_relative_to(root):
        return "a link that leads out of the folder"
    if stat.S_ISDIR(mode):
        return "a link to a folder"
    return "" if stat.S_ISREG(mode) else "not a regular file"
