"""Uploads: files that came through the browser, kept in the workspace since nobody else keeps them.

What is being uploaded lies in ``uploads/.pending/<batch>`` until it is imported; what never is goes after a day.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.domain.errors import BadInput, NotFound
from core.generators.folders import LOG
from core.generators.sidefiles import MAX_LOG_BYTES
from core.images.reading import EXTENSIONS, MAX_BYTES
from core.ingest.archives import is_archive, safe_name, stem_of
from core.ingest.listing import ARCHIVES, DESCRIPTIONS, MAX_TABLE, SIDE_FILES, TABLES
from core.runs.layout import WorkspacePaths

KEPT_PENDING = 24 * 3600.0  # seconds
SPARE = 512 * 2**20  # bytes of disk left alone
MAX_ARCHIVE = 64 * 2**30
SIDE_LIMIT = 16 * 2**20
_BATCH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way: write to ``file``, at most ``limit`` bytes."""

    file: IO[bytes]
    limit: int


class Uploads:
    """The uploads of one workspace."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._folder = paths.uploads
        self._pending = paths.uploads / ".pending"

    @contextmanager
    def receive(self, batch: str, name: str, size: int) -> Iterator[Upload]:
        """Take one file of ``size`` bytes into a batch; half of one is never kept.

        Raises:
            BadInput: a name or kind that is not taken, too large, or no room on the disk.
        """
        relative = safe_name(name)
        if relative is None or not relative:
            raise BadInput(f"A file cannot be named {name[:200]!r}.")
        limit = limit_of(relative)
        if not limit:
            raise BadInput(f"{relative!r} is not an image, an archive or a table of labels by its name.")
        if size > limit:
            raise BadInput(f"{relative!r} is larger than {limit // 2**20:,} MB.")
        target = self._batch(batch) / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < size + SPARE:
            raise BadInput("The disk has no room for this upload; make some and try again.")
        aside = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with aside.open("wb") as file:
                yield Upload(file, limit)
            os.replace(aside, target)
        except OSError as error:
            raise BadInput(f"{relative!r} cannot be kept ({error.strerror or error}).") from None
        finally:
            aside.unlink(missing_ok=True)

    def source(self, batch: str) -> Path:
        """What to import of a batch: its folder, or the one archive or table that it consists of.

        Raises:
            NotFound: nothing came of it, or it is gone.
        """
        folder = self._batch(batch)
        files = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.is_dir() else []
        if not files:
            raise NotFound("Nothing of this upload is left; drop the files again.")
        lone = files[0] if len(files) == 1 and files[0].is_file() else None
        if lone is not None and (is_archive(lone) or lone.suffix.lower() in TABLES):
            return lone
        return folder

    def name_of(self, batch: str) -> str:
        """A name for the dataset: that of the one folder or archive that was dropped; "" for loose files."""
        folder = self._batch(batch)
        files = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.is_dir() else []
        if len(files) != 1:
            return ""
        return files[0].name if files[0].is_dir() else stem_of(files[0]) if is_archive(files[0]) else ""

    def keep(self, batch: str, name: str) -> Path:
        """Move a batch to its lasting place, to be imported from there; returns what to import.

        Raises:
            NotFound: it is gone.
        """
        source = self.source(batch)
        folder = self._batch(batch)
        plain = re.sub(r"[^\w .()-]+", "_", name).strip(" .")[:60] or "upload"
        kept = self._folder / f"{plain}-{batch[:10]}"
        if not kept.exists():
            os.rename(folder, kept)
        return kept / source.relative_to(folder)

    def tidy(self) -> None:
        """Remove what was uploaded a day ago and never imported."""
        if not self._pending.is_dir():
            return
        for folder in self._pending.iterdir():
            if time.time() - folder.stat().st_mtime > KEPT_PENDING:
                shutil.rmtree(folder, ignore_errors=True)

    def _batch(self, batch: str) -> Path:
        if not _BATCH.fullmatch(batch):
            raise NotFound("There is no such upload.")
        return self._pending / batch


def limit_of(name: str) -> int:
    """How many bytes a file of that name may have; 0 for kinds that are not taken."""
    base = name.rpartition("/")[2].lower()
    suffix = os.path.splitext(base)[1]
    if base.startswith("."):
        return 0
    if base.endswith(ARCHIVES):
        return MAX_ARCHIVE
    if suffix in EXTENSIONS:
        return MAX_BYTES
    if suffix in TABLES or base in DESCRIPTIONS:
        return MAX_TABLE
    if base == LOG:
        return MAX_LOG_BYTES
    return SIDE_LIMIT if suffix in SIDE_FILES else 0


def taken() -> list[str]:
    """The endings of names that an upload takes."""
    return sorted({*EXTENSIONS, *ARCHIVES, *TABLES, *SIDE_FILES})


def named() -> list[str]:
    """The whole names that an upload takes beside those: Fooocus's log of a folder, where its prompts stand."""
    return [LOG]
