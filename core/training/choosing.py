"""Which epoch is kept, and when it is enough: arithmetic on the figures of epochs."""

from dataclasses import dataclass

from core.domain.runs import TrainOptions


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean loss and accuracy over some samples."""

    loss: float
    accuracy: float


@dataclass(slots=True)
class Choice:
    """What is known of the epochs so far. Its fields are its whole memory.

    The best epoch is that of the highest accuracy (or the lowest loss) among those at the largest image size.
    ``since`` counts epochs at full size without an improvement of more than the tolerance.
    """

    epoch: int = 0
    rank: tuple[float, ...] = ()
    reference: float | None = None
    since: int = 0

    def see(self, epoch: int, figures: Figures, options: TrainOptions, *, side: int, full: bool = True) -> bool:
        """Take an epoch into account; whether it is the best so far."""
        value = figures.accuracy if options.monitor == "accuracy" else -figures.loss
        other = -figures.loss if options.monitor == "accuracy" else figures.accuracy
        if full:
            improved = self.reference is None or value > self.reference + options.tolerance
            self.since = 0 if improved else self.since + 1
            if improved:
                self.reference = value
        rank = (float(side), value, other)
        if self.rank and rank <= tuple(self.rank):
            return False
        self.epoch, self.rank = epoch, rank
        return True

    def enough(self, options: TrainOptions) -> bool:
        """Whether early stopping ends the run now."""
        return bool(options.patience) and self.since >= options.patience
