"""The training loop of the networks: epochs, the best of them, checkpoints, and going on after a kill or a pause."""

import json
import logging
import math
import time
from dataclasses import asdict

import torch
from lightning_fabric import Fabric
from torch import nn

from core.domain.errors import BadInput, LabelloopError, Paused
from core.domain.runs import TrainOptions
from core.runs.atomic import append_json_line, read_json_lines, written_aside
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training import checkpoints
from core.training.batches import Examples, as_images, batches, normalised, shrunk
from core.training.choosing import Choice, Figures
from core.training.devices import memory_used
from core.training.models import Network
from core.training.rate_finder import find_rate
from core.training.schedule import side_at, still_to_come
from core.training.task import Rows
from core.training.trainer import Trainer

log = logging.getLogger(__name__)


def fit(
    network: Network,
    examples: Examples,
    options: TrainOptions,
    *,
    fabric: Fabric,
    paths: RunPaths,
    progress: Progress,
) -> None:
    """Train ``network`` in place; afterwards it holds the weights of its best epoch.

    Writes a metrics line and the checkpoints after each epoch. The best epoch is chosen on val (on train where there
    is no val) among those at the largest image size. Where the run was interrupted, it goes on from its last
    checkpoint, and on a CPU ends with the same numbers as one that was not.

    Raises:
        Cancelled: somebody asked for it; the checkpoints of whole epochs stay.
        Paused: somebody asked for it; where it stands is saved to the step.
        BadInput: the loss was no number from the first epoch on.
        LabelloopError: not even the smallest batch fits the memory, the disk is full, or the GPU failed.
    """
    run = _Run(network, examples, options, fabric, paths, progress)
    try:
        run.train()
    except RuntimeError as error:
        if "CUDA" not in str(error):
            raise
        raise LabelloopError(
            f"The GPU failed ({str(error).splitlines()[0]}); start this run again, and it goes on from its last epoch."
        ) from error
    checkpoints.load_best(paths, network.module)


def evaluate(module: nn.Module, examples: Examples, rows: Rows, size: int, *, side: int) -> Figures:
    """Loss and accuracy on the samples at ``rows``, in batches of ``size``, at ``side`` pixels, not augmented."""
    module.eval()
    device = next(module.parameters()).device
    totals = torch.zeros(2, device=device, dtype=torch.float64)
    with torch.inference_mode():
        for part in batches(rows, size):
            images = shrunk(as_images(examples.batch(part), device), side)
            logits = module(normalised(images, examples.mean, examples.std)).float()
            target = torch.from_numpy(examples.target[part]).to(device)
            totals[0] += nn.functional.cross_entropy(logits, target, reduction="sum")
            totals[1] += (logits.argmax(dim=1) == target).sum()
    loss, right = totals.tolist()
    return Figures(loss / len(rows), right / len(rows))


class _Run:
    """The epochs of one run."""

    def __init__(
        self,
        network: Network,
        examples: Examples,
        options: TrainOptions,
        fabric: Fabric,
        paths: RunPaths,
        progress: Progress,
    ) -> None:
        self._network, self._examples, self._options = network, examples, options
        self._paths, self._progress = paths, progress
        self._device = fabric.device
        self._multiple = network.multiple if options.grows else 0
        self._trainer = Trainer(network, examples, options, fabric, progress)
        self._choice = Choice()

    def train(self) -> None:
        options, trainer, progress = self._options, self._trainer, self._progress
        images = len(self._examples.train)
        resumed = self._resume()
        if not resumed and options.find_rate:
            trainer.peak = find_rate(
                self._network, self._examples, options, trainer=trainer, folder=self._paths.folder, progress=progress
            )
        place = trainer.place
        progress.phase(
            "training",
            total=options.epochs * images,
            done=place.epoch * images + place.seen,
            epochs=options.epochs,
            epoch=place.epoch,
        )
        while trainer.place.epoch < options.epochs and not (progress.stopping and self._choice.epoch):
            if self._choice.enough(options):
                waited = f"{options.patience} epochs without a better one"
                self._say(f"Stopped early: {waited}; epoch {self._choice.epoch} is kept.")
                return
            if not self._epoch():
                return
        if progress.stopping:
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
        if progress.stopping and self._choice.epoch and trainer.place.seen < images:
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
        append_json_line(
            self._paths.metrics,
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
            },
        )
        trainer.end_epoch()
        self._save(facts)
        if best:
            checkpoints.save_best(self._paths, trainer.judged, facts)
        progress.update(epoch=number, memory=memory_used(self._device))
        return True

    def _validated(self, side: int) -> Figures:
        return evaluate(self._trainer.judged, self._examples, self._examples.val, self._trainer.size, side=side)

    def _save(self, facts: dict[str, object]) -> None:
        tensors, state = self._trainer.state()
        state["choice"] = asdict(self._choice)
        state["facts"] = facts
        checkpoints.save_last(self._paths, tensors, state, facts)

    def _resume(self) -> bool:
        """Go on from the last checkpoint, if there is one: metrics of epochs after it are dropped, they come again."""
        found = checkpoints.load_last(self._paths)
        if found is None:
            self._keep_metrics(0)
            return False
        tensors, state = found
        self._trainer.restore(tensors, state)
        self._choice = Choice(**state["choice"])
        epoch = self._trainer.place.epoch
        self._keep_metrics(epoch)
        # The best is written after the last: a kill in between leaves the older one.
        if self._choice.epoch == epoch and epoch and checkpoints.best_epoch(self._paths) != epoch:
            checkpoints.save_best(self._paths, self._trainer.judged, state["facts"])
        part = f" and {self._trainer.place.seen:,} images" if self._trainer.place.seen else ""
        log.info("goes on after epoch %d%s", epoch, part)
        return True

    def _keep_metrics(self, epochs: int) -> None:
        if not self._paths.metrics.exists():
            return
        lines = read_json_lines(self._paths.metrics)
        kept = [line for line in lines if line["epoch"] <= epochs]
        with written_aside(self._paths.metrics) as aside:
            aside.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8")

    def _say(self, message: str) -> None:
        log.info(message)
        self._progress.update(message=message)
