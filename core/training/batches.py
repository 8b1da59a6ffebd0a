"""Batches of samples: which images go together, and how pixels become what a network sees."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.training.models import MEAN, STD
from core.training.task import Rows

Batch = Callable[[Rows], Tensor]  # positions -> uint8 (n, side, side, 3) on the CPU


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Labelled samples: positions for ``batch`` and class indices, for train and val."""

    batch: Batch
    side: int  # of the images, in pixels
    target: Rows  # of every position; only those of train and val are looked at
    train: Rows
    val: Rows


def batches(rows: Rows, size: int) -> Iterator[Rows]:
    """``rows`` in parts of ``size``; a last part of a single sample joins the one before it, for BatchNorm's sake."""
    start = 0
    while start < len(rows):
        end = start + size
        if len(rows) - end == 1:
            end += 1
        yield rows[start:end]
        start = end


def ahead(parts: list[Rows], batch: Batch) -> Iterator[tuple[Rows, Tensor]]:
    """Each part with its pixels; the next part's are gathered by a thread meanwhile."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="gather") as pool:
        coming = pool.submit(batch, parts[0])
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            pixels = coming.result()
            if after is not None:
                coming = pool.submit(batch, after)
            yield part, pixels


def as_images(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, side, side, 3) to float (n, 3, side, side) in [0, 1], channels last in memory, on the device."""
    return pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).to(torch.float32).div_(255)


def shrunk(images: Tensor, side: int) -> Tensor:
    """Float images at ``side`` pixels, averaged and not just sampled."""
    if images.shape[-1] == side:
        return images
    return nn.functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def normalised(images: Tensor) -> Tensor:
    """Images in [0, 1] to what the networks see."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)
