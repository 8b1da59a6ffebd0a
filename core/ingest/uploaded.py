"""A folder of uploaded files: the archives among them are read as the folders that they will be unpacked to."""

import os
from collections.abc import Callable
from pathlib import Path

from core.domain.errors import BadInput
from core.ingest.archives import list_archive, stem_of, unpack
from core.ingest.listing import Listing, walk
from core.runs.atomic import read_json, write_json

_FOLDERS = ".labelloop-archives.json"  # which archive goes where: as before, if unpacking was stopped half-way


def list_upload(root: Path) -> Listing:
    """What a folder of uploads holds. An archive that cannot be read is skipped with its reason; the rest comes in."""
    listing = walk(root)
    inside: dict[str, Listing] = {}
    plain = listing.read

    def read(name: str) -> bytes:
        held = next((folder for folder in inside if name.startswith(f"{folder}/")), None)
        return plain(name) if held is None else inside[held].read(name.removeprefix(f"{held}/"))

    listing.read = read
    for archive, folder in _folders(listing).items():
        try:
            held = list_archive(root / archive, root / folder)
        except BadInput as error:
            listing.skip(str(root / archive), str(error))
            continue
        inside[folder] = held
        for names, found in ((listing.images, held.images), (listing.tables, held.tables)):
            there = set(names)  # some may lie there, where unpacking was stopped half-way
            names.extend(name for name in (f"{folder}/{one}" for one in found) if name not in there)
        for path, reason in held.skipped:
            listing.skip(path, reason)
        listing.skipped_count += held.skipped_count - len(held.skipped)
    listing.archives.clear()
    return listing.finish()


def unpack_upload(root: Path, *, progress: Callable[[int, int], None]) -> list[tuple[str, str]]:
    """Unpack the archives in a folder of uploads and remove them; returns what cannot be used, with its reason.

    ``progress`` is as for :func:`core.ingest.archives.unpack`. An archive that cannot be read stays, to be told.

    Raises:
        BadInput: the disk has no room.
    """
    problems: list[tuple[str, str]] = []
    folders = _folders(walk(root))
    if folders:
        write_json(root / _FOLDERS, folders)
    for archive, folder in folders.items():
        try:
            held = list_archive(root / archive, root / folder)
        except BadInput:
            continue
        problems += unpack(root / archive, root / folder, progress=progress)
        problems += [(path, reason) for path, reason in held.skipped if not os.path.lexists(path)]
        (root / archive).unlink()
    return problems


def _folders(listing: Listing) -> dict[str, str]:
    """The archives, each with the folder that it is unpacked to: of its own name, where nothing else has that."""
    known: dict[str, str] = read_json(listing.root / _FOLDERS) or {}
    others = (*listing.images, *listing.tables, *listing.sides, *listing.archives, *known.values())
    taken = {parent for name in others for parent in _parents(name)}
    found = {}
    for archive in sorted(listing.archives):
        parent, slash, base = archive.rpartition("/")
        stem = stem_of(Path(base))
        folder = f"{parent}{slash}{stem}"
        if folder in taken:
            folder += f" ({base[len(stem) + 1 :]})"
        found[archive] = known.get(archive, folder)
        taken.add(found[archive])
    return found


def _parents(name: str) -> list[str]:
    """The name and all folders that it lies in."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
