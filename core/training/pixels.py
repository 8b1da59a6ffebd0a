"""Decoded pixels: each content decoded once per image size, kept as uint8 blocks under ``WORKSPACE/cache/pixels``.

All sizes together are kept below a limit: blocks that no run has asked for longest go first, those of the run that asks
never do. A file whose contents are not those of its hash any more is left out: it is not what the snapshot holds.
"""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from core.domain.errors import LabelloopError
from core.embedding.backbone import usable_cores
from core.embedding.blocks import Blocks, Located
from core.embedding.pictures import ChangedImage, Pixels, UnreadableImage, first_that_holds, squeezed

LIMIT_BYTES = 4 * 2**30  # of all pixels; only what one run needs may be more
_ROUNDS = 3  # another run may make room with what this one has just decoded
_ABANDONED = 86_400.0  # seconds: a half-written block of somebody who was killed
_BLOCK_BYTES = 32 * 2**20
_AHEAD = 64

log = logging.getLogger(__name__)


def decoded(
    paths: Sequence[str],
    hashes: Sequence[str],
    cache: Path,
    size: int,
    *,
    started: Callable[[int], None],
    advanced: Callable[[int], None],
) -> tuple[Located, frozenset[str]]:
    """Pixels of the files at ``paths`` with these ``hashes``, as uint8 (size, size, 3) each; the cache is filled up.

    A file that is gone or cannot be read is logged and simply not found in the result; so is one that has other
    contents by now, whose hashes are returned beside it.

    Raises:
        LabelloopError: the disk has no room for the pixels.
    """
    folder = cache / "pixels"
    blocks = Blocks(folder / str(size), (size, size, 3), "u1")
    refused: dict[str, UnreadableImage] = {}
    located, rounds = blocks.locate(hashes), 0
    while True:
        todo: dict[str, list[str]] = {}
        for place in np.flatnonzero(~located.found).tolist():
            if hashes[place] not in refused:
                todo.setdefault(hashes[place], []).append(paths[place])
        _touch(located)
        if not todo or rounds == _ROUNDS:
            return located, frozenset(content for content, why in refused.items() if isinstance(why, ChangedImage))
        rounds += 1
        _make_room(folder, _files_of(located), len(todo) * blocks.record_bytes)
        started(len(todo))
        per_block = max(1, _BLOCK_BYTES // blocks.record_bytes)
        pairs = _decode(todo, size)
        while part := list(islice(pairs, per_block)):
            good = []
            for content, found in part:
                advanced(1)
                if isinstance(found, UnreadableImage):
                    refused[content] = found
                else:
                    good.append((content, found))
            blocks.add([content for content, _ in good], np.array([pixels for _, pixels in good], dtype=np.uint8))
        located = blocks.locate(hashes).with_older(located)  # what was found stays open, whoever deletes its files


def _decode(todo: dict[str, list[str]], size: int) -> Iterator[tuple[str, Pixels | UnreadableImage]]:
    """Each content with its pixels out of the first of its files that holds it, or why none does."""

    def one(item: tuple[str, list[str]]) -> tuple[str, Pixels | UnreadableImage]:
        content, paths = item
        try:
            return content, squeezed(first_that_holds(content, paths), size)
        except UnreadableImage as error:
            log.warning("left out %s: %s", paths[-1], error)
            return content, error

    pool = ThreadPoolExecutor(max_workers=usable_cores(), thread_name_prefix="decode")
    try:
        items = iter(todo.items())
        while part := list(islice(items, _AHEAD)):
            yield from pool.map(one, part)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _files_of(located: Located) -> set[Path]:
    return {Path(str(getattr(block, "filename", ""))) for block in located.blocks}


def _touch(located: Located) -> None:
    """Note that these blocks were asked for now."""
    for path in _files_of(located):
        with contextlib.suppress(OSError):
            os.utime(path)


def _make_room(folder: Path, kept: set[Path], needed: int) -> None:
    """Delete blocks beyond the limit, of whatever size, but for those ``kept``; what was asked for longest ago first.

    Where a file is in use and stays, that is no harm.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocks: list[tuple[float, int, Path]] = []
    for path in [*folder.glob("*/block-*.npy"), *folder.glob("*/.block-*.part")]:
        with contextlib.suppress(OSError):  # another run makes room as well
            about = path.stat()
            if path.suffix != ".part":
                blocks.append((about.st_mtime, about.st_size, path))
            elif time.time() - about.st_mtime > _ABANDONED:
                path.unlink()
    held = sum(size for _, size, _ in blocks) + needed
    for _, size, path in sorted(blocks):
        if held <= LIMIT_BYTES:
            break
        if path not in kept:
            with contextlib.suppress(OSError):
                path.unlink()
                held -= size
    free = shutil.disk_usage(folder).free
    if needed > free * 0.9:
        raise LabelloopError(
            f"Decoded images need {needed / 1e9:.1f} GB in the workspace and {free / 1e9:.1f} GB are free; "
            "make room or train with smaller images."
        )
