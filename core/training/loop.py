"""The training loop of the networks: one readable loop around Lightning Fabric, which owns device and precision."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError
from core.embedding.backbone import usable_cores
from core.runs.atomic import append_json_line
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training import checkpoints
from core.training.augment import augment
from core.training.models import MEAN, STD
from core.training.task import Rows
from core.training.weights import HEAD

WARM_UP = 0.2  # of the steps; then the learning rate falls along a cosine
WEIGHT_DECAY = 0.02
SMOOTHING = 0.05  # of the labels: some are wrong, and calibration gains
HEAD_FACTOR = 10.0
_FIRST_STEPS = 10  # in which the running statistics of BatchNorm are plain averages
_SMALLEST_BATCH = 2  # BatchNorm cannot learn from one image

Batch = Callable[[Rows], Tensor]  # positions -> uint8 (n, size, size, 3) on the CPU

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: ``rate`` is the peak learning rate; with ``pretrained`` the head learns faster than the body."""

    epochs: int
    batch_size: int
    rate: float
    pretrained: bool
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Labelled samples: positions for ``batch`` and class indices, for train and val."""

    batch: Batch
    target: Rows  # of every position; only those of train and val are looked at
    train: Rows
    val: Rows


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean loss and accuracy over some samples."""

    loss: float
    accuracy: float


def make_fabric() -> Fabric:
    """One device: the GPU where there is one. Half precision where the processor has it."""
    torch.set_num_threads(usable_cores())
    if torch.cuda.is_available():
        precision = "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
        return Fabric(accelerator="cuda", devices=1, precision=precision)  # type: ignore[arg-type]
    return Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if _cpu_has_bf16() else "32-true")


def fit(
    network: nn.Module, examples: Examples, recipe: Recipe, *, fabric: Fabric, paths: RunPaths, progress: Progress
) -> None:
    """Train ``network`` in place; afterwards it holds the weights of its best epoch.

    Writes a metrics line and the checkpoints after each epoch.

    Raises:
        Cancelled: somebody asked for a stop; the checkpoints of whole epochs stay.
        BadInput: the loss was no number from the first epoch on.
        LabelloopError: not even half a batch fits the GPU's memory.
    """
    network.to(fabric.device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(_groups(network, recipe), weight_decay=WEIGHT_DECAY, fused=True)
    module, optimizer = fabric.setup(network, optimizer)
    generator = torch.Generator(device=fabric.device).manual_seed(recipe.seed)
    size, halved, best = max(_SMALLEST_BATCH, recipe.batch_size), False, None
    progress.phase("training", total=recipe.epochs * len(examples.train), epochs=recipe.epochs)
    epoch = 1
    while epoch <= recipe.epochs:
        began = time.monotonic()
        try:
            train = _train_epoch(module, optimizer, examples, recipe, epoch, size, generator, fabric, progress)
        except torch.OutOfMemoryError as error:
            if halved or size == _SMALLEST_BATCH:
                raise LabelloopError("The GPU's memory is too small; use smaller images or batches.") from error
            size, halved = max(_SMALLEST_BATCH, size // 2), True
            log.warning("out of GPU memory; going on with batches of %d", size)
            optimizer.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
            continue
        seconds = time.monotonic() - began
        val = evaluate(module, examples, examples.val, size) if len(examples.val) else None
        if not math.isfinite(train.loss) or (val is not None and not math.isfinite(val.loss)):
            if best is None:
                raise BadInput("Training diverged at once: the loss is no number; try a lower learning rate.")
            message = f"Stopped in epoch {epoch}: the loss was no number. The best epoch before is kept."
            log.warning(message)
            progress.update(message=message)
            break
        judged = val or train
        state = {"epoch": epoch, "accuracy": judged.accuracy, "loss": judged.loss, "on": "val" if val else "train"}
        checkpoints.save(paths, "last", network, state)
        if best is None or (judged.accuracy, -judged.loss) > (best.accuracy, -best.loss):
            best = judged
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
                "learning_rate": optimizer.param_groups[0]["lr"],
            },
        )
        progress.update(epoch=epoch)
        epoch += 1
    checkpoints.load(paths, "best", network)


def evaluate(network: nn.Module, examples: Examples, rows: Rows, size: int) -> Figures:
    """Loss and accuracy on the samples at ``rows``, without augmentation."""
    network.eval()
    device = next(network.parameters()).device
    loss = right = 0.0
    with torch.inference_mode():
        for batch in batches(rows, size):
            logits = network(normalised(as_images(examples.batch(batch), device))).float()
            target = torch.from_numpy(examples.target[batch]).to(device)
            loss += float(nn.functional.cross_entropy(logits, target, reduction="sum"))
            right += float((logits.argmax(dim=1) == target).sum())
    return Figures(loss / len(rows), right / len(rows))


def batches(rows: Rows, size: int) -> Iterator[Rows]:
    """``rows`` in parts of ``size``; a last part of a single sample joins the one before it, for BatchNorm's sake."""
    start = 0
    while start < len(rows):
        end = start + size
        if len(rows) - end == 1:
            end += 1
        yield rows[start:end]
        start = end


def as_images(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, size, size, 3) to float (n, 3, size, size) in [0, 1], channels last in memory, on the device."""
    return pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).to(torch.float32).div_(255)


def normalised(images: Tensor) -> Tensor:
    """Images in [0, 1] to what the networks see."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def rate_at(share: float, peak: float) -> float:
    """The learning rate after ``share`` of all steps: up linearly, then down along a cosine to a hundredth."""
    if share < WARM_UP:
        return peak * (0.05 + 0.95 * share / WARM_UP)
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2)


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    examples: Examples,
    recipe: Recipe,
    epoch: int,
    size: int,
    generator: torch.Generator,
    fabric: Fabric,
    progress: Progress,
) -> Figures:
    """One pass over train. Returns at the first loss that is no number, with that loss."""
    network.train()
    order = examples.train[np.random.default_rng((recipe.seed, epoch)).permutation(len(examples.train))]
    parts = list(batches(order, size))
    loss = right = seen = 0.0
    for step, (part, pixels) in enumerate(_ahead(parts, examples.batch)):
        progress.check()
        rate = rate_at((epoch - 1 + seen / len(order)) / recipe.epochs, recipe.rate)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        if not recipe.pretrained and epoch == 1 and step < _FIRST_STEPS:
            _set_momentum(network, max(0.1, 1 / (step + 1)))
        images = normalised(augment(as_images(pixels, fabric.device), generator))
        target = torch.from_numpy(examples.target[part]).to(fabric.device)
        optimizer.zero_grad(set_to_none=True)
        logits = network(images).float()
        batch_loss = nn.functional.cross_entropy(logits, target, label_smoothing=SMOOTHING)
        value = float(batch_loss.detach())
        if not math.isfinite(value):
            return Figures(value, 0.0)
        fabric.backward(batch_loss)
        optimizer.step()
        loss += value * len(part)
        right += float((logits.argmax(dim=1) == target).sum())
        seen += len(part)
        progress.advance(len(part))
    return Figures(loss / seen, right / seen)


def _ahead(parts: list[Rows], batch: Batch) -> Iterator[tuple[Rows, Tensor]]:
    """Each part with its pixels; the next part's are gathered by a thread meanwhile."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="gather") as pool:
        coming = pool.submit(batch, parts[0])
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            pixels = coming.result()
            if after is not None:
                coming = pool.submit(batch, after)
            yield part, pixels


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
