"""Batches of samples: which images go together, and how pixels become what a network sees."""

import logging
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.domain.errors import LabelloopError
from core.training.devices import TOO_SMALL, out_of_memory
from core.training.models import MEAN, STD, Numbers
from core.training.task import Rows

log = logging.getLogger(__name__)

Done = TypeVar("Done")
Batch = Callable[[Rows], Tensor]  # positions -> uint8 (n, side, side, 3) on the CPU


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Labelled samples: positions for ``batch`` and class indices, for train and val.

    Networks see (pixel / 255 - ``mean``) / ``std``.
    """

    batch: Batch
    side: int  # of the images, in pixels
    target: Rows  # of every position; only those of train and val are looked at
    train: Rows
    val: Rows
    classes: int
    mean: Numbers = MEAN
    std: Numbers = STD

    def images(self, rows: Rows, device: torch.device) -> Tensor:
        """The samples at ``rows`` as a network sees them, not augmented."""
        return normalised(as_images(self.batch(rows), device), self.mean, self.std)


def batches(rows: Rows, size: int, *, least: int = 2) -> Iterator[Rows]:
    """``rows`` in parts of ``size``; a last part of fewer than ``least`` joins the one before it.

    BatchNorm cannot learn from a single sample, and each worker of a team must have some.
    """
    start = 0
    while start < len(rows):
        end = start + size
        if 0 < len(rows) - end < least:
            end = len(rows)
        yield rows[start:end]
        start = end


def in_turn(rows: Rows, size: int, work: Callable[[Rows], Done]) -> Iterator[tuple[Rows, Done]]:
    """``work`` on ``rows`` in parts of ``size``, without learning; where memory is too small, in halves from then on.

    Raises:
        LabelloopError: not even one fits.
    """
    start = 0
    while start < len(rows):
        part = rows[start : start + size]
        done = _tried(work, part)
        if done is None:  # outside of the handler, whose error holds on to what was computed
            size = len(part) // 2
            log.warning("the memory was too small for %d images at once; it goes on with %d", len(part), size)
            continue
        yield part, done[0]
        start += len(part)


def _tried(work: Callable[[Rows], Done], part: Rows) -> tuple[Done] | None:
    """What ``work`` gave, None where memory ran out."""
    try:
        return (work(part),)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if len(part) == 1:
            raise LabelloopError(TOO_SMALL) from error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def ahead(parts: list[Rows], batch: Batch) -> Generator[tuple[Rows, Tensor]]:
    """Each part with its pixels; the next part's are gathered by a thread meanwhile.

    Close it (contextlib.closing) where the loop over it can end early. Left to the garbage collector it is closed in
    whichever thread that happens to run in, and waits there for a thread that may be the same one.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="gather") as pool:
        coming = [pool.submit(batch, part) for part in parts[:1]]
        for place, part in enumerate(parts):
            pixels = coming.pop().result()
            coming = [pool.submit(batch, after) for after in parts[place + 1 : place + 2]]
            yield part, pixels


def as_images(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, side, side, 3) to float (n, 3, side, side) in [0, 1], channels last in memory, on the device."""
    if device.type == "cuda":
        pixels = pixels.pin_memory()  # only such memory is copied while the GPU works
    return pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).to(torch.float32).div_(255)


def shrunk(images: Tensor, side: int) -> Tensor:
    """Float images at ``side`` pixels, averaged and not just sampled."""
    if images.shape[-1] == side:
        return images
    return nn.functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def normalised(images: Tensor, mean: Numbers = MEAN, std: Numbers = STD) -> Tensor:
    """Images in [0, 1] to what the networks see."""
    scale = torch.tensor(std, device=images.device).view(1, 3, 1, 1)
    middle = torch.tensor(mean, device=images.device).view(1, 3, 1, 1)
    return ((images - middle) / scale).contiguous(memory_format=torch.channels_last)
