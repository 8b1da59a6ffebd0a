"""Random variations of a training batch, another for each image, computed for the whole batch at once."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

SHIFT = 0.08  # of the side, each way
SCALE = (0.8, 1.1)  # of the side that is seen: below 1 zooms in
STRETCH = 0.1  # of the aspect
BRIGHTNESS, CONTRAST, SATURATION = 0.15, 0.2, 0.2
_GREY = (0.299, 0.587, 0.114)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip, shift, scale, stretch and recolour float images (n, 3, size, size) in [0, 1].

    Random numbers come from ``generator``, on the device of the images.
    """
    return recolour(move(images, generator), generator)


def move(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip half of the images, and shift, scale and stretch each by its own amount; edges are mirrored."""
    count = len(images)
    side = _uniform(count, *SCALE, images, generator)
    stretch = _uniform(count, 1 - STRETCH, 1 + STRETCH, images, generator)
    flip = torch.where(_uniform(count, 0, 1, images, generator) < 0.5, -1.0, 1.0)
    transform = torch.zeros((count, 2, 3), device=images.device)
    transform[:, 0, 0] = side * stretch * flip
    transform[:, 1, 1] = side / stretch
    transform[:, 0, 2] = _uniform(count, -2 * SHIFT, 2 * SHIFT, images, generator)  # the grid runs from -1 to 1
    transform[:, 1, 2] = _uniform(count, -2 * SHIFT, 2 * SHIFT, images, generator)
    grid = affine_grid(transform, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def recolour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation of each image by its own amount."""
    count = len(images)
    weights = torch.tensor(_GREY, device=images.device).view(1, 3, 1, 1)
    grey = (images * weights).sum(dim=1, keepdim=True)
    saturation = _factor(count, SATURATION, images, generator)
    contrast = _factor(count, CONTRAST, images, generator)
    brightness = _factor(count, BRIGHTNESS, images, generator)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    images = grey + (images - grey) * saturation
    return ((mean + (images - mean) * contrast) * brightness).clamp_(0, 1)


def _factor(count: int, amount: float, images: Tensor, generator: torch.Generator) -> Tensor:
    return _uniform(count, 1 - amount, 1 + amount, images, generator).view(-1, 1, 1, 1)


def _uniform(count: int, low: float, high: float, images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(count, device=images.device, generator=generator) * (high - low) + low
