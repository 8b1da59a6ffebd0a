"""Archives: looked into without unpacking, then unpacked by our own hand: regular files, own names, measured sizes.

Neither zipfile's nor tarfile's own extraction is used: names that lead out, links and devices never reach the disk.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import re
import shutil
import struct
import tarfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from core.domain.errors import BadInput
from core.generators.folders import LOG, logged
from core.images.reading import EXTENSIONS, MAX_BYTES
from core.ingest.listing import ARCHIVES, DESCRIPTIONS, IGNORED, SIDE_FILES, TABLES, Listing, ignored
from core.runs.atomic import read_json, write_json

MAX_MEMBERS = 500_000
MAX_RATIO = 100  # unpacked by packed; images hardly shrink, and 100 times is a bomb
FREE_RATIO = 1 << 30  # bytes that may unpack at any ratio
MAX_SIDE_BYTES = 64 * 2**20  # of a side file or table
SPARE = 512 * 2**20  # bytes of disk left alone
MANIFEST = ".labelloop-unpacked.json"
_WANTED = EXTENSIONS | TABLES | SIDE_FILES
_COPY = 1 << 20
# What damaged archives make their readers raise; RuntimeError is zipfile's word for a password.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: the name it will have, its size in bytes, what tells one version from another."""

    name: str
    size: int
    stamp: str
    handle: Any


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive."""
    return path.name.lower().endswith(ARCHIVES)


def stem_of(path: Path) -> str:
    """The archive's name without its endings."""
    suffix = next((end for end in ARCHIVES if path.name.lower().endswith(end)), "")
    return path.name[: -len(suffix)] if suffix else path.stem


def unpacked_folder(uploads: Path, archive: Path) -> Path:
    """Where an archive is unpacked to: by its path, so that a newer one of the same name is an update."""
    digest = hashlib.sha256(os.fsencode(archive.absolute())).hexdigest()[:10]
    name = re.sub(r"[^\w .()-]+", "_", stem_of(archive)).strip(" .")[:60] or "archive"
    return uploads / f"{name}-{digest}"


def list_archive(archive: Path, folder: Path) -> Listing:
    """What an archive holds, as if it lay unpacked in ``folder`` already.

    Raises:
        BadInput: no archive, a damaged one, one with too many members, or one that unpacks to far more than its size.
    """
    members: dict[str, Member] = {}

    def read(name: str) -> bytes:
        return read_member(archive, members[name])

    listing = Listing(root=folder, read=read)
    for member in _members(archive, listing):
        if member.name in members:
            listing.skip(f"{archive}: {member.name}", "a second file of that name in the archive")
            continue
        members[member.name] = member
        listing.sort(member.name)
    return listing.finish()


def unpack(archive: Path, folder: Path, *, progress: Callable[[int, int], None]) -> list[tuple[str, str]]:
    """Unpack images, tables and side files below ``folder``; what lies there unchanged already is left as it is.

    ``progress`` is told members done and in all, and may raise to stop; the next call goes on from there. Returns what
    could not be unpacked, with its reason.

    Raises:
        BadInput: as :func:`list_archive`, or the disk has no room for it.
    """
    listing = Listing(root=folder, read=lambda _: b"")
    members = {member.name: member for member in reversed(list(_members(archive, listing)))}
    logs = logged(members)
    wanted = [member for member in members.values() if _wanted(member.name, logs)]
    known: dict[str, list[Any]] = read_json(folder / MANIFEST) or {}
    missing = [member for member in wanted if not _there(folder, member, known)]
    _check_room(folder, sum(member.size for member in missing))
    problems: list[tuple[str, str]] = []
    done: dict[str, list[Any]] = {member.name: known[member.name] for member in wanted if _there(folder, member, known)}
    saved = time.monotonic()
    try:
        with _opened(archive) as opened:
            for count, member in enumerate(sorted(missing, key=_order), start=1):
                try:
                    _write(opened, member, folder / member.name)
                    done[member.name] = [member.size, member.stamp]
                except (OSError, *_BROKEN) as error:
                    if isinstance(error, OSError) and error.errno == 28:
                        raise BadInput(f"The disk is full; {archive.name!r} is not unpacked whole.") from None
                    problems.append((f"{archive}: {member.name}", f"it cannot be unpacked ({error})"))
                progress(count, len(missing))
                if time.monotonic() - saved > 5:
                    write_json(folder / MANIFEST, done)
                    saved = time.monotonic()
    finally:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MANIFEST, done)
    return problems


def read_member(archive: Path, member: Member) -> bytes:
    """One member's bytes, for the preview.

    Raises:
        BadInput: it is damaged.
    """
    try:
        with _opened(archive) as opened, closing(_stream(opened, member)) as stream:
            return stream.read(min(member.size, MAX_BYTES))
    except (OSError, *_BROKEN) as error:
        raise BadInput(f"{member.name!r} in {archive.name!r} is damaged ({error}).") from None


def safe_name(name: str) -> str | None:
    """A member's name as we write it: relative, "/" between parts, no part too long. None where it leads out."""
    if name.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:", name) or "\0" in name:
        return None
    parts = []
    for part in re.split(r"[/\\]", name):
        if part in ("", "."):
            continue
        if part == "..":
            return None
        parts.append(_short(part))
    text = "/".join(parts)
    return text if text and len(text.encode()) < 3000 else None


def _short(part: str) -> str:
    part = unicodedata.normalize("NFC", part.encode("utf-8", "replace").decode())
    if len(part.encode()) <= 240:
        return part
    stem, dot, suffix = part.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot and len(suffix) < 10 else (part, "")
    digest = hashlib.sha256(part.encode()).hexdigest()[:8]
    return f"{stem.encode()[:200].decode('utf-8', 'ignore')}-{digest}{suffix}"


def _members(archive: Path, listing: Listing) -> Iterator[Member]:
    """The regular files of an archive that may be unpacked; the others are noted in ``listing``."""
    try:
        with _opened(archive) as opened:
            found = _zip_members(opened) if isinstance(opened, zipfile.ZipFile) else _tar_members(opened)
            total, packed = 0, max(1, archive.stat().st_size)
            passed: set[str] = set()
            for count, (raw, member, reason) in enumerate(found, start=1):
                if count > MAX_MEMBERS:
                    raise BadInput(f"{archive.name!r} holds more than {MAX_MEMBERS:,} files; unpack a part of it.")
                name = safe_name(raw)
                if name is None:
                    listing.skip(f"{archive}: {raw[:200]!a}", "its name leads out of the archive")
                elif reason:
                    listing.skip(f"{archive}: {name}", reason)
                elif any(map(ignored, name.split("/"))):
                    _pass_over(name, archive, passed, listing)
                elif member is not None:
                    total += member.size
                    if total > FREE_RATIO and total > MAX_RATIO * packed:
                        raise BadInput(f"{archive.name!r} unpacks to more than {MAX_RATIO} times its size: a bomb.")
                    yield Member(name, member.size, member.stamp, member.handle)
    except _BROKEN as error:
        raise BadInput(f"{archive.name!r} is no archive that can be read ({error}).") from None
    except OSError as error:
        raise BadInput(f"{archive.name!r} cannot be read ({error.strerror or error}).") from None


def _pass_over(name: str, archive: Path, passed: set[str], listing: Listing) -> None:
    """Tell a hidden folder once, whatever number of files is in it."""
    parts = name.split("/")
    at = next(at for at, part in enumerate(parts) if ignored(part))
    folder = "/".join(parts[: at + 1])
    if at < len(parts) - 1 and folder not in passed:
        passed.add(folder)
        listing.skip(f"{archive}: {folder}", IGNORED)


def _zip_members(opened: zipfile.ZipFile) -> Iterator[tuple[str, Member | None, str]]:
    for info in opened.infolist():
        name = _zip_name(info)
        kind = info.external_attr >> 16 & 0o170000
        if info.is_dir():
            continue
        reason = ""
        if kind not in (0, 0o100000):
            reason = "a link" if kind == 0o120000 else "not a regular file"
        elif info.flag_bits & 1:
            reason = "it is locked with a password"
        elif info.file_size > 1 << 20 and info.file_size > 10 * MAX_RATIO * max(1, info.compress_size):
            reason = "it unpacks to more than a thousand times its size: a bomb"
        elif info.file_size > _limit(name):
            reason = f"it is larger than {_limit(name) // 2**20} MB"
        yield name, Member(name, info.file_size, f"{info.CRC:08x}", info), reason


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Zipfile reads names without the UTF-8 flag as code page 437; most of them are UTF-8 all the same."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _tar_members(opened: tarfile.TarFile) -> Iterator[tuple[str, Member | None, str]]:
    for info in opened:
        vars(opened)["members"].clear()  # tarfile keeps every member it has met
        if info.isdir():
            continue
        name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        reason = ""
        if not info.isreg():
            reason = "a link" if info.issym() or info.islnk() else "not a regular file"
        elif info.size > _limit(name):
            reason = f"it is larger than {_limit(name) // 2**20} MB"
        yield name, Member(name, info.size, f"{info.mtime:.0f}", info), reason


def _limit(name: str) -> int:
    return MAX_BYTES if os.path.splitext(name)[1].lower() in EXTENSIONS else max(MAX_BYTES, MAX_SIDE_BYTES)


def _wanted(name: str, logs: Set[str]) -> bool:
    folder, _, base = name.rpartition("/")
    if base == LOG:
        return folder in logs
    return os.path.splitext(base)[1].lower() in _WANTED or base.lower() in DESCRIPTIONS


def _there(folder: Path, member: Member, known: dict[str, list[Any]]) -> bool:
    if known.get(member.name) != [member.size, member.stamp]:
        return False
    try:
        return (folder / member.name).stat().st_size == member.size
    except OSError:
        return False


def _order(member: Member) -> int:
    """As they lie in the archive: a compressed tar can only be read forwards."""
    return int(getattr(member.handle, "offset_data", 0) or getattr(member.handle, "header_offset", 0))


def _write(opened: "zipfile.ZipFile | tarfile.TarFile", member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{hashlib.sha256(target.name.encode()).hexdigest()[:12]}.part")
    try:
        with closing(_stream(opened, member)) as stream, aside.open("wb") as file:
            left = member.size
            while left >= 0 and (block := stream.read(min(_COPY, left + 1))):
                left -= len(block)
                if left < 0:
                    raise zipfile.BadZipFile("it is larger than the archive says")
                file.write(block)
            if left:
                raise zipfile.BadZipFile("it ends too early")
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _stream(opened: "zipfile.ZipFile | tarfile.TarFile", member: Member) -> IO[bytes]:
    if isinstance(opened, zipfile.ZipFile):
        return opened.open(member.handle)
    stream = opened.extractfile(member.handle)
    if stream is None:
        raise tarfile.TarError("it is no regular file")
    return stream


def _opened(archive: Path) -> "zipfile.ZipFile | tarfile.TarFile":
    if archive.name.lower().endswith(".zip"):
        _check_directory(archive)
        return zipfile.ZipFile(archive)
    if archive.name.lower().endswith(".tar"):
        return tarfile.open(archive, "r:", encoding="utf-8", errors="surrogateescape")
    packed = archive.stat().st_size
    stream = _Measured(archive, max(FREE_RATIO, MAX_RATIO * packed))
    return tarfile.TarFile(fileobj=cast("IO[bytes]", stream), encoding="utf-8", errors="surrogateescape")


class _Measured:
    """A decompressed stream that ends where it becomes a bomb. Reads forwards; seeking back starts again."""

    def __init__(self, archive: Path, limit: int) -> None:
        self._archive = archive
        self._limit = limit
        self._file = _decompressed(archive)

    def read(self, size: int = -1) -> bytes:
        """As a file's, up to the limit."""
        data = self._file.read(size)
        self._check()
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        """As a file's, up to the limit: going forward decompresses what lies between."""
        if whence == 0 and place > self._limit:
            self._refuse()
        return int(self._file.seek(place, whence))

    def tell(self) -> int:
        """As a file's."""
        return int(self._file.tell())

    def close(self) -> None:
        """As a file's."""
        self._file.close()

    def _check(self) -> None:
        if self._file.tell() > self._limit:
            self._refuse()

    def _refuse(self) -> None:
        raise BadInput(f"{self._archive.name!r} unpacks to more than {MAX_RATIO} times its size: a bomb.")


def _decompressed(archive: Path) -> IO[bytes]:
    name = archive.name.lower()
    if name.endswith((".gz", ".tgz")):
        return cast("IO[bytes]", gzip.open(archive, "rb"))
    if name.endswith((".bz2", ".tbz2")):
        return cast("IO[bytes]", bz2.open(archive, "rb"))
    return cast("IO[bytes]", lzma.open(archive, "rb"))


def _check_directory(archive: Path) -> None:
    """Look at the number of members and the size of the directory before zipfile reads all of it into memory."""
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 66_000))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < 22:
        return  # zipfile says that it is none
    count, directory = struct.unpack("<HI", tail[place + 10 : place + 16])
    wide = tail.rfind(b"PK\x06\x06", 0, place)
    if count == 0xFFFF and wide >= 0 and len(tail) - wide >= 56:
        count, directory = struct.unpack("<QQ", tail[wide + 32 : wide + 48])
    if count > MAX_MEMBERS or directory > 512 * MAX_MEMBERS:
        raise BadInput(f"{archive.name!r} holds more than {MAX_MEMBERS:,} files; unpack a part of it.")


def _check_room(folder: Path, needed: int) -> None:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if needed + SPARE > free:
        raise BadInput(
            f"Unpacked it needs {needed / 2**30:.1f} GB, and the disk has {free / 2**30:.1f} GB left; make room."
        )
