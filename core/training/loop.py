"""The training loop of the networks: epochs, the best of them, checkpoints, and going on after a kill or a pause."""

import json
import logging
import math
import time
from dataclasses import asdict

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError, Paused, StartAgain, WorkerLost
from core.domain.runs import TrainOptions
from core.runs import used
from core.runs.atomic import append_json_line, read_json, read_json_lines, write_json, written_aside
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training import checkpoints
from core.training.batches import Examples, as_images, in_turn, normalised, shrunk
from core.training.choosing import Choice, Figures
from core.training.devices import memory_used, out_of_memory
from core.training.models import Network
from core.training.rate_finder import find_rate
from core.training.schedule import side_at, still_to_come
from core.training.task import Rows
from core.training.team import Team, is_loss_of_a_member
from core.training.trainer import Trainer

log = logging.getLogger(__name__)


def fit(
    network: Network,
    examples: Examples,
    options: TrainOptions,
    *,
    fabric: Fabric,
    team: Team,
    paths: RunPaths,
    progress: Progress,
) -> int:
    """Train ``network`` in place; afterwards it holds the weights of its best epoch. Returns the batch size in the end.

    Writes a metrics line and the checkpoints after each epoch. The best epoch is chosen on val (on train where there
    is no val) among those at the largest image size. Where the run was interrupted, it goes on from its last
    checkpoint, and on a CPU ends with the same numbers as one that was not.

    Raises:
        Cancelled: somebody asked for it; the checkpoints of whole epochs stay.
        Paused: somebody asked for it; where it stands is saved to the step.
        BadInput: the loss was no number from the first epoch on.
        LabelloopError: not even the smallest batch fits the memory, the disk is full, or the GPU failed.
        WorkerLost, StartAgain, Superseded: of a team; the last checkpoint is what it goes on from.
    """
    run = _Run(network, examples, options, fabric, team, paths, progress)
    try:
        run.train()
    except StartAgain:
        write_json(paths.smaller_batch, {"size": run.batch_size})
        raise
    except RuntimeError as error:
        if is_loss_of_a_member(error):
            raise WorkerLost(str(error)) from error
        if "CUDA" not in str(error) or out_of_memory(error):
            raise
        raise LabelloopError(
            f"The GPU failed ({str(error).splitlines()[0]}); start this run again, and it goes on from its last epoch."
        ) from error
    if team.first:
        checkpoints.load_best(paths, network.module)
    return run.batch_size


def evaluate(
    module: nn.Module,
    examples: Examples,
    rows: Rows,
    size: int,
    *,
    side: int,
    fabric: Fabric,
    team: Team | None = None,
) -> Figures:
    """Loss and accuracy on the samples at ``rows``, in batches of ``size`` (or fewer, as memory allows), at ``side``
    pixels, not augmented, with the numbers that ``fabric`` trains with; each member of a team looks at its share.
    """
    module.eval()
    device = fabric.device
    totals = torch.zeros(2, device=device, dtype=torch.float64)

    def judged(part: Rows) -> Tensor:
        images = shrunk(as_images(examples.batch(part), device), side)
        logits = module(normalised(images, examples.mean, examples.std)).float()
        target = torch.from_numpy(examples.target[part]).to(device)
        loss = nn.functional.cross_entropy(logits, target, reduction="sum")
        return torch.stack([loss.double(), (logits.argmax(dim=1) == target).sum().double()])

    with torch.inference_mode(), fabric.autocast():
        for _, found in in_turn(team.share(rows) if team else rows, size, judged):
            totals += found
    loss, right = (team.total(totals) if team else totals).tolist()
    return Figures(loss / len(rows), right / len(rows))


class _Run:
    """The epochs of one run."""

    def __init__(
        self,
        network: Network,
        examples: Examples,
        options: TrainOptions,
        fabric: Fabric,
        team: Team,
        paths: RunPaths,
        progress: Progress,
    ) -> None:
        self._team = team
        self._network, self._examples, self._options = network, examples, options
        self._paths, self._progress = paths, progress
        self._fabric = fabric
        self._multiple = network.multiple if options.grows else 0
        self._trainer = Trainer(network, examples, options, fabric, progress, team)
        self._choice = Choice()
        self._noted: dict[str, float] = {}

    @property
    def batch_size(self) -> int:
        """The batch size in use."""
        return self._trainer.size

    def train(self) -> None:
        options, trainer, progress = self._options, self._trainer, self._progress
        images = len(self._examples.train)
        resumed = self._resume()
        if not resumed and options.find_rate:
            trainer.peak = find_rate(
                self._network,
                self._examples,
                options,
                trainer=trainer,
                team=self._team,
                folder=self._paths.folder,
                progress=progress,
            )
        self._note_used()
        place = trainer.place
        progress.phase(
            "training",
            total=options.epochs * images,
            done=place.epoch * images + place.seen,
            epochs=options.epochs,
            epoch=place.epoch,
        )
        while trainer.place.epoch < options.epochs and not (trainer.stopping and self._choice.epoch):
            if self._choice.enough(options):
                waited = f"{options.patience} epochs without a better one"
                self._say(f"Stopped early: {waited}; epoch {self._choice.epoch} is kept.")
                return
            if not self._epoch():
                return
        if trainer.stopping:
            self._say(f"Stopped on request; epoch {self._choice.epoch} is kept.")

    def _epoch(self) -> bool:
        """One epoch to its end; whether another may follow."""
        options, trainer, examples, progress = self._options, self._trainer, self._examples, self._progress
        number, images = trainer.place.epoch + 1, len(examples.train)
        side = side_at(number, options.epochs, examples.side, multiple=self._multiple)
        progress.expect(still_to_come(number, options.epochs, examples.side, images, multiple=self._multiple))
        began, before, spent = time.monotonic(), trainer.place.seen, trainer.place.seconds
        try:
            train = trainer.epoch(side)
        except Paused:
            trainer.place.seconds = spent + time.monotonic() - began
            self._save(facts={"epoch": number, "share": trainer.place.seen / images})
            raise
        if trainer.stopping and self._choice.epoch and trainer.place.seen < images:
            return True  # the epoch was cut short, and there is a whole one to keep
        seconds = time.monotonic() - began
        seen = trainer.place.seen - before
        val = self._validated(side) if len(examples.val) else None
        judged = val or train
        if not (math.isfinite(train.loss) and math.isfinite(judged.loss)):
            if not self._choice.epoch:
                raise BadInput("Training diverged at once: the loss is no number; try a lower learning rate.")
            self._say(f"Stopped in epoch {number}: the loss was no number. Epoch {self._choice.epoch} is kept.")
            return False
        if options.schedule == "plateau":
            trainer.plateau.see(judged.loss, options)
        best = self._choice.see(number, judged, options, side=side, full=side == examples.side)
        facts = {"epoch": number, "side": side, "on": "val" if val else "train", **asdict(judged)}
        progress.keep_out()
        self._note_used()
        self._note(
            {
                "epoch": number,
                "train_loss": train.loss,
                "train_accuracy": train.accuracy,
                "val_loss": val.loss if val else None,
                "val_accuracy": val.accuracy if val else None,
                "seconds": round(spent + time.monotonic() - began, 3),
                "images_per_second": round(seen / max(seconds, 1e-6), 2),
                "learning_rate": trainer.rate,
                "image_size": side,
                "batch_size": trainer.size,
            }
        )
        trainer.end_epoch()
        self._save(facts)
        if best and self._team.first:
            checkpoints.save_best(self._paths, trainer.judged, facts)
        progress.update(epoch=number, memory=memory_used(self._fabric.device))
        return True

    def _validated(self, side: int) -> Figures:
        trainer, examples = self._trainer, self._examples
        rows, team = examples.val, self._team
        return evaluate(trainer.judged, examples, rows, trainer.size, side=side, fabric=self._fabric, team=team)

    def _note_used(self) -> None:
        """What was found for the rate, and what memory left of the batch."""
        facts = {"learning_rate": self._trainer.peak, "batch_size": self._trainer.size}
        if self._team.first and self._noted != facts:
            used.note(self._paths, **facts)
            self._noted = facts

    def _note(self, line: dict[str, object]) -> None:
        if self._team.first:
            append_json_line(self._paths.metrics, line)

    def _save(self, facts: dict[str, object]) -> None:
        tensors, state = self._trainer.state()
        state["choice"] = asdict(self._choice)
        state["facts"] = facts
        if not self._team.first:
            return
        self._progress.keep_out()
        checkpoints.save_last(self._paths, tensors, state, facts)

    def _resume(self) -> bool:
        """Go on from the last checkpoint, if there is one: metrics of epochs after it are dropped, they come again."""
        paths, first = self._paths, self._team.first
        found, smaller = self._team.told(
            (checkpoints.load_last(paths), read_json(paths.smaller_batch)) if first else None
        )
        if found is not None:
            self._trainer.restore(*found)
        if smaller is not None and self._trainer.shrink_batch(int(smaller["size"])):
            small = "The memory was too small for the batch"
            why = "It was killed, most likely because memory ran out" if smaller.get("killed") else small
            self._say(f"{why}; it goes on with batches of {self._trainer.size}.")
        if found is None:
            self._keep_metrics(0)
            return False
        _, state = found
        self._choice = Choice(**state["choice"])
        epoch = self._trainer.place.epoch
        self._keep_metrics(epoch)
        # The best is written after the last: a kill in between leaves the older one.
        if self._team.first and self._choice.epoch == epoch and epoch and checkpoints.best_epoch(self._paths) != epoch:
            checkpoints.save_best(self._paths, self._trainer.judged, state["facts"])
        part = f" and {self._trainer.place.seen:,} images" if self._trainer.place.seen else ""
        log.info("goes on after epoch %d%s", epoch, part)
        return True

    def _keep_metrics(self, epochs: int) -> None:
        if not self._team.first or not self._paths.metrics.exists():
            return
        lines = read_json_lines(self._paths.metrics)
        kept = [line for line in lines if line["epoch"] <= epochs]
        with written_aside(self._paths.metrics) as aside:
            aside.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8")

    def _say(self, message: str) -> None:
        log.info(message)
        self._progress.update(message=message)
