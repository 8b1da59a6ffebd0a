"""Random variations of a training batch, another for each image, computed for the whole batch at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from core.domain.runs import TrainOptions

_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much varies. ``zoom`` bounds the share of the side that is seen (below 1 zooms in), ``shift`` and ``erase``
    are shares of the side, ``rotation`` is in degrees, each way; ``brightness`` to ``saturation`` are factors around 1.
    """

    flip: bool = True
    flip_vertical: bool = False
    rotation: float = 0.0
    shift: float = 0.08
    zoom: tuple[float, float] = (0.8, 1.1)
    stretch: float = 0.1  # of the aspect
    brightness: float = 0.15
    contrast: float = 0.2
    saturation: float = 0.2
    erase: float = 0.0


STANDARD = Amounts()
_LIGHT = Amounts(shift=0.04, zoom=(0.95, 1.05), stretch=0.0, brightness=0.05, contrast=0.05, saturation=0.0)
_STRONG = Amounts(
    rotation=15, shift=0.12, zoom=(0.6, 1.2), stretch=0.2, brightness=0.3, contrast=0.4, saturation=0.5, erase=0.25
)


class Augmentation:
    """A recipe's augmentation. ``vary`` takes uint8 images on their device and returns float ones in [0, 1]."""

    def __init__(self, options: TrainOptions) -> None:
        self._amounts = amounts_of(options)
        self._trivial = _trivial() if options.augmentation == "trivial" else None

    def vary(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Vary float images (n, 3, size, size) in [0, 1], each in its own way.

        Random numbers come from ``generator``, on the device of the images; "trivial" takes torch's own.
        """
        if self._trivial is not None:
            whole = (images * 255).round_().to(torch.uint8)
            return torch.stack([self._trivial(image) for image in whole]).to(torch.float32).div_(255)
        return images if self._amounts is None else augment(images, generator, self._amounts)


def _trivial() -> Callable[[Tensor], Tensor]:
    from torchvision.transforms import v2  # takes seconds to import, and only this one needs it

    transform: Callable[[Tensor], Tensor] = v2.TrivialAugmentWide()
    return transform


def amounts_of(options: TrainOptions) -> Amounts | None:
    """How much a recipe's augmentation varies; ``None`` where it does not, or chooses by itself."""
    custom = Amounts(
        flip=options.flip,
        flip_vertical=options.flip_vertical,
        rotation=options.rotation,
        shift=options.shift,
        zoom=(1 - options.zoom, 1 + options.zoom / 2),
        stretch=options.zoom / 2,
        brightness=options.colour,
        contrast=options.colour,
        saturation=options.colour,
        erase=options.erase,
    )
    return {"light": _LIGHT, "standard": STANDARD, "strong": _STRONG, "custom": custom}.get(options.augmentation)


def augment(images: Tensor, generator: torch.Generator, amounts: Amounts = STANDARD) -> Tensor:
    """Flip, turn, shift, scale, stretch, recolour and erase float images (n, 3, size, size) in [0, 1]."""
    images = recolour(move(images, generator, amounts), generator, amounts)
    return _erase(images, generator, amounts.erase) if amounts.erase else images


def move(images: Tensor, generator: torch.Generator, amounts: Amounts) -> Tensor:
    """Flip half of the images; turn, shift, scale and stretch each by its own amount; edges are mirrored."""
    count = len(images)
    side = _uniform(count, *amounts.zoom, images, generator)
    stretch = _uniform(count, 1 - amounts.stretch, 1 + amounts.stretch, images, generator)
    flip = _sign(count, amounts.flip, images, generator)
    upside = _sign(count, amounts.flip_vertical, images, generator)
    angle = _uniform(count, -1, 1, images, generator) * math.radians(amounts.rotation)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    transform = torch.zeros((count, 2, 3), device=images.device)
    transform[:, 0, 0], transform[:, 0, 1] = side * stretch * flip * cosine, -side * stretch * upside * sine
    transform[:, 1, 0], transform[:, 1, 1] = side / stretch * flip * sine, side / stretch * upside * cosine
    reach = 2 * amounts.shift  # the grid runs from -1 to 1
    transform[:, 0, 2] = _uniform(count, -reach, reach, images, generator)
    transform[:, 1, 2] = _uniform(count, -reach, reach, images, generator)
    grid = affine_grid(transform, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def recolour(images: Tensor, generator: torch.Generator, amounts: Amounts) -> Tensor:
    """Change brightness, contrast and saturation of each image by its own amount."""
    if not (amounts.brightness or amounts.contrast or amounts.saturation):
        return images
    saturation, contrast, brightness = (
        _uniform(len(images), 1 - amount, 1 + amount, images, generator).view(-1, 1, 1)
        for amount in (amounts.saturation, amounts.contrast, amounts.brightness)
    )
    # All three are linear in an image's colours, so together they are one matrix and one offset an image.
    weights = torch.tensor(_GREY, device=images.device)
    pixels = images.flatten(2)
    grey = (pixels.mean(dim=2) @ weights).view(-1, 1, 1)
    mixing = saturation * torch.eye(3, device=images.device) + (1 - saturation) * weights.expand(3, 3)
    offset = (brightness * (1 - contrast) * grey).expand(-1, 3, 1)
    return torch.baddbmm(offset, brightness * contrast * mixing, pixels).view(images.shape).clamp_(0, 1)


def _erase(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Blank a square of up to ``share`` of the side in each image, at a place of its own."""
    count, size = len(images), images.shape[-1]
    half = _uniform(count, 0, share / 2, images, generator).view(-1, 1)
    middle = [_uniform(count, 0, 1, images, generator).view(-1, 1) for _ in range(2)]
    place = (torch.arange(size, device=images.device) + 0.5).div(size).view(1, -1)
    rows, columns = ((place - at).abs() < half for at in middle)
    hole = (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)
    return images.masked_fill(hole, 0.5)


def _sign(count: int, on: bool, images: Tensor, generator: torch.Generator) -> Tensor:
    drawn = _uniform(count, 0, 1, images, generator)
    return torch.where(drawn < 0.5, -1.0, 1.0) if on else torch.ones_like(drawn)


def _uniform(count: int, low: float, high: float, images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(count, device=images.device, generator=generator) * (high - low) + low
