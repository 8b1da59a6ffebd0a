"""What changes over a run: the phases, the learning rate, and the size of the images that it trains at."""

import math
from dataclasses import dataclass

from core.domain.runs import TrainOptions

STAGES = ((0.65, 0.5), (0.85, 0.75), (1.0, 1.0))  # up to this share of the epochs, this share of the image's side
SMALLEST_SIDE = 48  # pixels; images are not shrunk below
_FIRST = 0.05  # of the peak, at the start of a warm-up
_LAST = 0.01  # of the peak, at the end of a cosine


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs ``first`` to ``first + epochs - 1``; while ``frozen`` the head learns alone."""

    first: int
    epochs: int
    frozen: bool


def phase_of(epoch: int, options: TrainOptions) -> Phase:
    """The phase of ``epoch`` (from 1). Without pretrained weights there is one: nothing is worth freezing."""
    if not options.pretrained or options.fine_tuning == "whole":
        return Phase(1, options.epochs, frozen=False)
    alone = options.epochs if options.fine_tuning == "head" else min(options.head_epochs, options.epochs)
    if epoch <= alone:
        return Phase(1, alone, frozen=True)
    return Phase(alone + 1, options.epochs - alone, frozen=False)


def factor_at(options: TrainOptions, epoch: int, share: float, *, plateau: float = 1.0) -> float:
    """What the peak rate is multiplied by, ``share`` of the way through ``epoch``.

    Each phase warms up and falls by itself; ``plateau`` is what a plateau schedule has come down to.
    """
    phase = phase_of(epoch, options)
    way = (epoch - phase.first + share) / phase.epochs
    warm_up = options.warm_up
    if way < warm_up:
        return _FIRST + (1 - _FIRST) * way / warm_up
    if options.schedule == "cosine":
        return _LAST + (1 - _LAST) * (1 + math.cos(math.pi * (way - warm_up) / (1 - warm_up))) / 2
    if options.schedule == "step":
        every = options.step_epochs or max(1, math.ceil(phase.epochs / 3))
        return float(options.step_factor ** ((epoch - phase.first) // every))
    return plateau if options.schedule == "plateau" else 1.0


def side_at(epoch: int, epochs: int, full: int, *, multiple: int = 1) -> int:
    """The side in pixels that epoch ``epoch`` (from 1) trains at; ``multiple`` 0 means one size only.

    Early epochs learn nearly as much from smaller images, at a quarter of the cost; the last ones, among which the
    best is chosen, see the size that is predicted at.
    """
    if multiple == 0:
        return full
    share = next(side for until, side in STAGES if epoch <= until * epochs + 1e-9)
    side = max(SMALLEST_SIDE, round(full * share))
    return min(full, -(-side // multiple) * multiple)


def still_to_come(epoch: int, epochs: int, full: int, images: int, *, multiple: int = 1) -> float:
    """By how many images of this epoch's cost the later epochs exceed (or undercut) their plain count."""
    here = side_at(epoch, epochs, full, multiple=multiple) ** 2
    sides = (side_at(later, epochs, full, multiple=multiple) for later in range(epoch + 1, epochs + 1))
    return sum(images * (side**2 / here - 1) for side in sides)


@dataclass(slots=True)
class Plateau:
    """A rate that falls when the loss has not improved for ``patience`` epochs. Its fields are its whole memory."""

    factor: float = 1.0
    best: float = math.inf
    since: int = 0

    def see(self, loss: float, options: TrainOptions) -> None:
        """Take an epoch's loss into account."""
        if loss < self.best - options.tolerance:
            self.best, self.since = loss, 0
            return
        self.since += 1
        if self.since > options.plateau_patience:
            self.factor, self.since = self.factor * options.step_factor, 0
