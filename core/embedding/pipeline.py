"""Embedding many samples: threads decode while ONNX Runtime computes, blocks are stored as they fill."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from core.embedding.backbone import BATCH, Backbone, Embeddings, picture, usable_cores
from core.embedding.blocks import EmbeddingStore
from core.embedding.pictures import ChangedImage, Pixels, UnreadableImage, first_that_holds

_BLOCK = 1024  # embeddings a block file (2.6 MB); a cancelled or killed job loses less than one
_AHEAD = 4 * BATCH

log = logging.getLogger(__name__)


@dataclass(slots=True)
class EmbedReport:
    """What became of the files: ``embedded`` and ``present`` count contents, ``unreadable`` maps a path to a reason,
    ``changed`` are the hashes of those whose files hold something else by now.
    """

    embedded: int = 0
    present: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


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
    todo: dict[str, list[str]] = {}
    for path, content in files:
        if content in wanted:
            todo.setdefault(content, []).append(path)
    report = EmbedReport(present=len({content for _, content in files}) - len(wanted))
    if not todo:
        return report
    started(len(todo))
    network = backbone()
    hashes: list[str] = []
    rows: list[Embeddings] = []
    try:
        for batch in _batches(_decoded(todo, report)):
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


def _decoded(files: dict[str, list[str]], report: EmbedReport) -> Iterator[tuple[str, Pixels]]:
    """(content hash, picture) in order; contents that none of their files holds any more, or that cannot be read, are
    noted in the report and left out.
    """
    waiting: deque[tuple[str, str, Future[Pixels]]] = deque()
    pool = ThreadPoolExecutor(max_workers=usable_cores(), thread_name_prefix="decode")
    try:
        for content, paths in files.items():
            waiting.append((content, paths[-1], pool.submit(_picture, content, paths)))
            if len(waiting) >= _AHEAD:
                yield from _finished(waiting, report)
        while waiting:
            yield from _finished(waiting, report)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _picture(content: str, paths: Sequence[str]) -> Pixels:
    return picture(first_that_holds(content, paths))


def _finished(waiting: deque[tuple[str, str, Future[Pixels]]], report: EmbedReport) -> Iterator[tuple[str, Pixels]]:
    content, path, future = waiting.popleft()
    try:
        yield content, future.result()
    except UnreadableImage as error:
        log.info("left out %s: %s", path, error)
        report.unreadable[path] = str(error)
        if isinstance(error, ChangedImage):
            report.changed.add(content)


def _batches(pictures: Iterator[tuple[str, Pixels]]) -> Iterator[list[tuple[str, Pixels]]]:
    batch: list[tuple[str, Pixels]] = []
    for one in pictures:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
