"""What changes over a run: the learning rate, and the size of the images that it trains at."""

import math

WARM_UP = 0.2  # of the steps; then the learning rate falls along a cosine
STAGES = ((0.65, 0.5), (0.85, 0.75), (1.0, 1.0))  # up to this share of the epochs, this share of the image's side
SMALLEST_SIDE = 48  # pixels; images are not shrunk below


def rate_at(share: float, peak: float) -> float:
    """The learning rate after ``share`` of all steps: up linearly, then down along a cosine to a hundredth."""
    if share < WARM_UP:
        return peak * (0.05 + 0.95 * share / WARM_UP)
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2)


def side_at(epoch: int, epochs: int, full: int) -> int:
    """The side in pixels that epoch ``epoch`` (from 1) trains at.

    Early epochs learn nearly as much from smaller images, at a quarter of the cost; the last ones, among which the
    best is chosen, see the size that is predicted at.
    """
    share = next(side for until, side in STAGES if epoch <= until * epochs + 1e-9)
    return min(full, max(SMALLEST_SIDE, round(full * share)))


def still_to_come(epoch: int, epochs: int, full: int, images: int) -> float:
    """By how many images of this epoch's cost the later epochs exceed (or undercut) their plain count."""
    here = side_at(epoch, epochs, full) ** 2
    return sum(images * (side_at(later, epochs, full) ** 2 / here - 1) for later in range(epoch + 1, epochs + 1))
