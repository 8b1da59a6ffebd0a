"""Decoded pixels: each content decoded once per image size, kept as uint8 blocks under ``WORKSPACE/cache/pixels``."""

import logging
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from core.domain.errors import LabelloopError
from core.embedding.backbone import usable_cores
from core.embedding.blocks import Blocks, Located
from core.embedding.pictures import Pixels, UnreadableImage, squeezed

LIMIT_BYTES = 4 * 2**30  # of pixels that no current run needs; older blocks go first
_BLOCK_BYTES = 32 * 2**20
_AHEAD = 64

log = logging.getLogger(__name__)


def decoded(
    files: list[tuple[str, str]],
    cache: Path,
    size: int,
    *,
    started: Callable[[int], None],
    advanced: Callable[[int], None],
) -> Located:
    """Pixels of ``files`` (path, content hash) as uint8 (size, size, 3) each, decoding what the cache lacks.

    A file that is gone or cannot be read is logged and simply not found in the result.

    Raises:
        LabelloopError: the disk has no room for the pixels.
    """
    folder = cache / "pixels"
    blocks = Blocks(folder / str(size), (size, size, 3), "u1")
    missing = set(blocks.missing(content for _, content in files))
    todo = {content: path for path, content in reversed(files) if content in missing}
    if todo:
        _make_room(folder, blocks.folder, len(todo) * blocks.record_bytes)
        started(len(todo))
        per_block = max(1, _BLOCK_BYTES // blocks.record_bytes)
        pairs = _decode(todo, size)
        while part := list(islice(pairs, per_block)):
            good = [(content, pixels) for content, pixels in _counted(part, advanced) if pixels is not None]
            blocks.add([content for content, _ in good], np.array([pixels for _, pixels in good], dtype=np.uint8))
    return blocks.locate([content for _, content in files])


def _decode(todo: dict[str, str], size: int) -> Iterator[tuple[str, Pixels | None]]:
    def one(path: str) -> Pixels | None:
        try:
            return squeezed(Path(path), size)
        except UnreadableImage as error:
            log.info("left out %s: %s", path, error)
            return None

    pool = ThreadPoolExecutor(max_workers=usable_cores(), thread_name_prefix="decode")
    try:
        items = iter(todo.items())
        while part := list(islice(items, _AHEAD)):
            yield from zip((content for content, _ in part), pool.map(one, (path for _, path in part)), strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _counted(
    pairs: list[tuple[str, Pixels | None]], advanced: Callable[[int], None]
) -> Iterator[tuple[str, Pixels | None]]:
    for pair in pairs:
        advanced(1)
        yield pair


def _make_room(folder: Path, current: Path, needed: int) -> None:
    """Delete the oldest blocks of other sizes beyond the limit. Where a file is in use and stays, that is no harm."""
    others = sorted(
        (path for path in folder.glob("*/block-*.npy") if path.parent != current), key=lambda path: path.name
    )
    held = sum(path.stat().st_size for path in others)
    for path in others:
        if held + needed <= LIMIT_BYTES:
            break
        held -= path.stat().st_size
        path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free * 0.9:
        raise LabelloopError(
            f"Decoded images need {needed / 1e9:.1f} GB in the workspace and {free / 1e9:.1f} GB are free; "
            "make room or train with smaller images."
        )
