"""The training loop of the networks: one readable loop around Lightning Fabric, which owns device and precision."""

import logging
import math
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from core.domain.errors import BadInput, LabelloopError
from core.embedding.backbone import usable_cores
from core.runs.atomic import append_json_line
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training import checkpoints
from core.training.augment import augment
from core.training.batches import Examples, ahead, as_images, batches, normalised, shrunk
from core.training.schedule import rate_at, side_at, still_to_come
from core.training.task import Rows
from core.training.weights import HEAD

WEIGHT_DECAY = 0.02
SMOOTHING = 0.05  # of the labels: some are wrong, and calibration gains
HEAD_FACTOR = 10.0
_FIRST_STEPS = 10  # in which the running statistics of BatchNorm are plain averages
_SMALLEST_BATCH = 2  # BatchNorm cannot learn from one image

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: ``rate`` is the peak learning rate; with ``pretrained`` the head learns faster than the body."""

    epochs: int
    batch_size: int
    rate: float
    pretrained: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean loss and accuracy over some samples."""

    loss: float
    accuracy: float


def make_fabric() -> Fabric:
    """One device: the GPU where there is one. Half precision where the processor has it."""
    torch.set_num_threads(usable_cores())
    if torch.cuda.is_available():
        return Fabric(
            accelerator="cuda", devices=1, precision="bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
        )
    return Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if _cpu_has_bf16() else "32-true")


def fit(
    network: nn.Module, examples: Examples, recipe: Recipe, *, fabric: Fabric, paths: RunPaths, progress: Progress
) -> None:
    """Train ``network`` in place; afterwards it holds the weights of its best epoch.

    Writes a metrics line and the checkpoints after each epoch. The best epoch is that of the highest accuracy on val
    (on train where there is no val) among those at the largest image size.

    Raises:
        Cancelled: somebody asked for a stop; the checkpoints of whole epochs stay.
        BadInput: the loss was no number from the first epoch on.
        LabelloopError: not even half a batch fits the GPU's memory.
    """
    training = _Training(network, examples, recipe, fabric, progress)
    progress.phase("training", total=recipe.epochs * len(examples.train), epochs=recipe.epochs)
    best: tuple[float, ...] | None = None
    for epoch in range(1, recipe.epochs + 1):
        began = time.monotonic()
        side = side_at(epoch, recipe.epochs, examples.side)
        progress.expect(still_to_come(epoch, recipe.epochs, examples.side, len(examples.train)))
        train = training.epoch_within_memory(epoch, side)
        seconds = time.monotonic() - began
        val = evaluate(network, examples, examples.val, training.size, side=side) if len(examples.val) else None
        judged = val or train
        if not (math.isfinite(train.loss) and math.isfinite(judged.loss)):
            if best is None:
                raise BadInput("Training diverged at once: the loss is no number; try a lower learning rate.")
            message = f"Stopped in epoch {epoch}: the loss was no number. The best epoch before is kept."
            log.warning(message)
            progress.update(message=message)
            break
        state = {"epoch": epoch, "side": side, "on": "val" if val else "train", **asdict(judged)}
        checkpoints.save(paths, "last", network, state)
        rank = (side, judged.accuracy, -judged.loss)
        if best is None or rank > best:
            best = rank
            checkpoints.save(paths, "best", network, state)
        append_json_line(
            paths.metrics,
            {
                "epoch": epoch,
                "train_loss": train.loss,
                "train_accuracy": train.accuracy,
                "val_loss": val.loss if val else None,
                "val_accuracy": val.accuracy if val else None,
                "seconds": round(time.monotonic() - began, 3),
                "images_per_second": round(len(examples.train) / max(seconds, 1e-6), 2),
                "learning_rate": training.rate,
                "image_size": side,
            },
        )
        progress.update(epoch=epoch)
    checkpoints.load(paths, "best", network)


def evaluate(network: nn.Module, examples: Examples, rows: Rows, size: int, *, side: int) -> Figures:
    """Loss and accuracy on the samples at ``rows``, in batches of ``size``, at ``side`` pixels, not augmented."""
    network.eval()
    device = next(network.parameters()).device
    loss = right = 0.0
    with torch.inference_mode():
        for part in batches(rows, size):
            logits = network(normalised(shrunk(as_images(examples.batch(part), device), side))).float()
            target = torch.from_numpy(examples.target[part]).to(device)
            loss += float(nn.functional.cross_entropy(logits, target, reduction="sum"))
            right += float((logits.argmax(dim=1) == target).sum())
    return Figures(loss / len(rows), right / len(rows))


class _Training:
    """A network and its optimiser on their device, trained epoch by epoch. ``size`` is the batch size in use."""

    def __init__(
        self, network: nn.Module, examples: Examples, recipe: Recipe, fabric: Fabric, progress: Progress
    ) -> None:
        network.to(fabric.device).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(_groups(network, recipe), weight_decay=WEIGHT_DECAY, fused=True)
        self._module, self._optimizer = fabric.setup(network, optimizer)
        self._examples, self._recipe, self._fabric, self._progress = examples, recipe, fabric, progress
        self._random = torch.Generator(device=fabric.device).manual_seed(recipe.seed)
        self.size = max(_SMALLEST_BATCH, recipe.batch_size)
        self._halved = False

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def epoch_within_memory(self, epoch: int, side: int) -> Figures:
        """One pass over train; when the GPU's memory is too small for it, once more with half the batch, once a run."""
        try:
            return self._epoch(epoch, side)
        except torch.OutOfMemoryError as error:
            if self._halved or self.size == _SMALLEST_BATCH:
                raise LabelloopError("The GPU's memory is too small; use smaller images or batches.") from error
        self.size, self._halved = max(_SMALLEST_BATCH, self.size // 2), True
        log.warning("out of GPU memory; going on with batches of %d", self.size)
        self._optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        return self.epoch_within_memory(epoch, side)

    def _epoch(self, epoch: int, side: int) -> Figures:
        """One pass over train. Returns at the first loss that is no number, with that loss."""
        recipe, train = self._recipe, self._examples.train
        self._module.train()
        order = train[np.random.default_rng((recipe.seed, epoch)).permutation(len(train))]
        loss = right = seen = 0.0
        for step, (part, pixels) in enumerate(ahead(list(batches(order, self.size)), self._examples.batch)):
            self._progress.check()
            self._set_rate(rate_at((epoch - 1 + seen / len(order)) / recipe.epochs, recipe.rate))
            if not recipe.pretrained and epoch == 1 and step < _FIRST_STEPS:
                _set_momentum(self._module, max(0.1, 1 / (step + 1)))
            images = shrunk(as_images(pixels, self._fabric.device), side)
            images = normalised(augment(images, self._random))
            target = torch.from_numpy(self._examples.target[part]).to(self._fabric.device)
            self._optimizer.zero_grad(set_to_none=True)
            logits = self._module(images).float()
            batch_loss = nn.functional.cross_entropy(logits, target, label_smoothing=SMOOTHING)
            value = float(batch_loss.detach())
            if not math.isfinite(value):
                return Figures(value, 0.0)
            self._fabric.backward(batch_loss)
            self._optimizer.step()
            loss += value * len(part)
            right += float((logits.argmax(dim=1) == target).sum())
            seen += len(part)
            self._progress.advance(len(part))
        return Figures(loss / seen, right / seen)

    def _set_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    head = [parameter for name, parameter in network.named_parameters() if name.startswith(HEAD)]
    body = [parameter for name, parameter in network.named_parameters() if not name.startswith(HEAD)]
    factor = HEAD_FACTOR if recipe.pretrained else 1.0
    return [
        {"params": body, "lr": recipe.rate, "factor": 1.0},
        {"params": head, "lr": recipe.rate, "factor": factor},
    ]


def _set_momentum(network: nn.Module, momentum: float) -> None:
    """Without this the running statistics of a short run are mostly those that it began with."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum


def _cpu_has_bf16() -> bool:
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
