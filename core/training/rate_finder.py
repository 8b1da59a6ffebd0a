"""The learning rate finder: rising rates on a few batches, and the rate where the loss falls fastest.

After L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017).
"""

import copy
import logging
import math
from pathlib import Path

import numpy as np

from core.domain.runs import TrainOptions
from core.runs.atomic import write_json
from core.runs.worker import Progress
from core.training.batches import Examples, batches
from core.training.estimate import RATE_STEPS
from core.training.models import Network
from core.training.sampling import epoch_order
from core.training.task import Rows
from core.training.team import Team
from core.training.trainer import Trainer

LOWEST, HIGHEST = 1e-6, 1.0
_SMOOTHING = 0.9
_EXPLODED = 4.0  # times the lowest loss

log = logging.getLogger(__name__)


def find_rate(
    network: Network,
    examples: Examples,
    options: TrainOptions,
    *,
    trainer: Trainer,
    team: Team,
    folder: Path,
    progress: Progress,
) -> float:
    """The peak rate for this network and these images; the trial leaves no trace but rate.json in ``folder``.

    Where memory is too small for the batch, it begins again with half of it, and so the run will.

    Raises:
        Cancelled, Paused: somebody asked for it.
        LabelloopError: not even the smallest batch fits.
        StartAgain: a team is to go on with a smaller batch.
    """
    tensors, state = copy.deepcopy(trainer.state())
    order = epoch_order(examples.train, examples.target, seed=options.seed, epoch=0, balanced=False)
    network.module.train()
    while True:
        parts = [part for part in batches(order, trainer.size, least=2 * team.size) if len(part) > 1]
        parts = (parts * math.ceil(RATE_STEPS / len(parts)))[:RATE_STEPS]
        rates = np.geomspace(LOWEST, HIGHEST, len(parts)).tolist()
        progress.phase("finding the rate", total=len(parts) * trainer.size)
        try:
            losses = _tried(parts, rates, examples, trainer, team, progress)
            break
        except (RuntimeError, MemoryError) as error:
            trainer.require_smaller(error)
        trainer.halve()
        trainer.restore(tensors, {**state, "size": trainer.size})
    trainer.restore(tensors, {**state, "size": trainer.size})
    found = steepest(rates[: len(losses)], losses)
    if team.first:
        write_json(folder / "rate.json", {"rate": found, "rates": rates[: len(losses)], "losses": losses})
    chosen = found or options.peak_rate
    message = (
        f"Learning rate found: {chosen:.2g}." if found else f"No better learning rate was found than {chosen:.2g}."
    )
    log.info(message)
    progress.update(message=message)
    return chosen


def _tried(
    parts: list[Rows], rates: list[float], examples: Examples, trainer: Trainer, team: Team, progress: Progress
) -> list[float]:
    """The loss of a step at each rate, until it explodes."""
    losses: list[float] = []
    for rate, part in zip(rates, parts, strict=True):
        trainer.heed()
        loss = float(trainer.step(part, examples.batch(team.share(part)), examples.side, rate)[0])
        progress.advance(len(part))
        if not math.isfinite(loss) or (losses and loss > _EXPLODED * min(losses)):
            break
        losses.append(loss)
    return losses


def steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate at which the smoothed loss falls fastest, on a logarithmic scale; ``None`` where it never falls."""
    if len(losses) < 8:
        return None
    smooth: list[float] = []
    mean = 0.0
    for step, loss in enumerate(losses, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smooth.append(mean / (1 - _SMOOTHING**step))
    lowest = int(np.argmin(smooth))
    if lowest < 3:
        return None
    slope = np.gradient(np.array(smooth[: lowest + 1]), np.log(rates[: lowest + 1]))
    return float(rates[int(np.argmin(slope))])
