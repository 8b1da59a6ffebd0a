"""Embedding many samples: threads decode while ONNX Runtime computes, blocks are stored as they fill."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.embedding.backbone import BATCH, Backbone, Embeddings, picture, usable_cores
from core.embedding.blocks import EmbeddingStore
from core.embedding.pictures import Pixels, UnreadableImage

_BLOCK = 1024  # embeddings a block file (2.6 MB); a cancelled or killed job loses less than one
_AHEAD = 4 * BATCH

log = logging.getLogger(__name__)


@dataclass(slots=True)
class EmbedReport:
    """What became of the files: ``embedded`` and ``present`` count contents, ``unreadable`` maps a path to a reason."""

    embedded: int = 0
    present: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def embed_missing(
    files: Sequence[tuple[str, str]],
    store: EmbeddingStore,
    backbone: Callable[[], Backbone],
    *,
    started: Callable[[int], None],
    advanced: Callable[[int], None],
) -> EmbedReport:
    """Embed those of ``files`` (path, content hash) whose hash the store lacks. Each content is computed once.

    ``started`` hears how many there are, ``advanced`` of each batch; what either raises stops the work after
    storing what is computed. ``backbone`` is only called if there is something to do.
    """
    wanted = set(store.missing(content for _, content in files))
    first: dict[str, str] = {}
    for path, content in files:
        if content in wanted:
            first.setdefault(content, path)
    report = EmbedReport(present=len({content for _, content in files}) - len(wanted))
    if not first:
        return report
    started(len(first))
    network = backbone()
    hashes: list[str] = []
    rows: list[Embeddings] = []
    try:
        for batch in _batches(_decoded(first, report)):
            rows.append(network.embed(np.stack([pixels for _, pixels in batch])))
            hashes.extend(content for content, _ in batch)
            report.embedded += len(batch)
            if len(hashes) >= _BLOCK:
                store.add(hashes, np.concatenate(rows))
                hashes, rows = [], []
            advanced(len(batch))
    finally:
        if rows:
            store.add(hashes, np.concatenate(rows))
    return report


def _decoded(files: dict[str, str], report: EmbedReport) -> Iterator[tuple[str, Pixels]]:
    """(content hash, picture) in order; files that cannot be read are noted in the report and left out."""
    waiting: deque[tuple[str, str, Future[Pixels]]] = deque()
    pool = ThreadPoolExecutor(max_workers=usable_cores(), thread_name_prefix="decode")
    try:
        todo = iter(files.items())
        for content, path in todo:
            waiting.append((content, path, pool.submit(picture, Path(path))))
            if len(waiting) >= _AHEAD:
                yield from _finished(waiting, report)
        while waiting:
            yield from _finished(waiting, report)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _finished(waiting: deque[tuple[str, str, Future[Pixels]]], report: EmbedReport) -> Iterator[tuple[str, Pixels]]:
    content, path, future = waiting.popleft()
    try:
        yield content, future.result()
    except UnreadableImage as error:
        log.info("left out %s: %s", path, error)
        report.unreadable[path] = str(error)


def _batches(pictures: Iterator[tuple[str, Pixels]]) -> Iterator[list[tuple[str, Pixels]]]:
    batch: list[tuple[str, Pixels]] = []
    for one in pictures:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
