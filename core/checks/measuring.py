"""Measuring many images in worker processes. A file that kills its decoder takes no other with it."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

import numpy as np

from core.images.measures import SIDE, measure
from core.images.reading import UnreadableImage, decode, read_bytes

_TOGETHER = 16  # files a task
_AHEAD = 4  # tasks a worker
DIED = "decoding it ended the process that tried"

Result = tuple[str, np.void | None, str]  # content hash, record, why there is none
Task = list[tuple[str, str]]


def measure_all(files: Sequence[tuple[str, str]], *, workers: int | None = None) -> Iterator[list[Result]]:
    """Measure ``files`` (path, content hash); results come in lists, in no fixed order."""
    tasks = iter([list(files[start : start + _TOGETHER]) for start in range(0, len(files), _TOGETHER)])
    workers = workers or max(1, min(8, os.cpu_count() or 1))
    broken: list[Task] = []
    while True:
        yield from _round(tasks, workers, broken)
        if not broken:
            return
        # A worker died. Whoever of its files is to blame is found by giving each a process of its own.
        for task in broken:
            for one in task:
                alone: list[Task] = []
                yield from _round(iter([[one]]), 1, alone)
                if alone:
                    yield [(one[1], None, DIED)]
        broken = []


def measured(task: Task) -> list[Result]:
    """What a worker does."""
    results: list[Result] = []
    for path, content in task:
        try:
            results.append((content, measure(decode(read_bytes(Path(path)), at_least=SIDE)), ""))
        except UnreadableImage as error:
            results.append((content, None, str(error)))
    return results


def _round(tasks: Iterator[Task], workers: int, broken: list[Task]) -> Iterator[list[Result]]:
    """Work until the tasks are done or a worker died; the tasks that it took along go into ``broken``."""
    context = multiprocessing.get_context("spawn")
    waiting: list[tuple[Future[list[Result]], Task]] = []
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            waiting = [(pool.submit(measured, task), task) for task in islice(tasks, workers * _AHEAD)]
            while waiting:
                yield waiting[0][0].result()
                waiting.pop(0)
                waiting += [(pool.submit(measured, task), task) for task in islice(tasks, 1)]
        except BrokenProcessPool:
            broken += [task for future, task in waiting if not _done(future)]
            for future, _ in waiting:
                if _done(future):
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _done(future: "Future[list[Result]]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
