"""A network in training: its optimiser, averages, random numbers and place in the epoch. All of it can be saved."""

import logging
import math
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError, StartAgain
from core.domain.models import TIMM
from core.domain.runs import TrainOptions
from core.runs.worker import Progress, heed
from core.training.augment import Augmentation
from core.training.batches import Examples, ahead, as_images, batches, normalised, shrunk
from core.training.choosing import Figures
from core.training.devices import TOO_SMALL, out_of_memory
from core.training.models import Network
from core.training.optimisers import Average, load_state_tensors, make_optimizer, state_tensors
from core.training.sampling import class_weights, epoch_order
from core.training.schedule import Plateau, factor_at, phase_of
from core.training.task import Rows
from core.training.team import Team

_MOMENTUM = 0.1  # of BatchNorm's statistics, once they are no longer plain averages
_SMALLEST_BATCH = 2  # BatchNorm cannot learn from one image
_LOOK_EVERY = 16  # steps: to look at a loss is to wait for the GPU

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """Where training stands: whole epochs done, and sums over the samples ``seen`` of the next one."""

    epoch: int = 0
    seen: int = 0
    loss: float = 0.0
    right: float = 0.0
    steps: int = 0  # of the whole run
    seconds: float = 0.0  # spent on the epoch that is going on


class Trainer:
    """Trains ``network`` in place; ``size`` is the batch size in use."""

    def __init__(
        self,
        network: Network,
        examples: Examples,
        options: TrainOptions,
        fabric: Fabric,
        progress: Progress,
        team: Team,
    ) -> None:
        network.module.to(fabric.device).to(memory_format=torch.channels_last)
        self._raw = make_optimizer(network, options)
        self._wrapped, self._optimizer = fabric.setup(network.module, self._raw)
        self._network, self._examples, self._options = network, examples, options
        self._fabric, self._progress, self._team = fabric, progress, team
        self._parallel: tuple[bool, nn.Module] | None = None  # made for a frozen body, or not
        self._stopping = False
        self._random = torch.Generator(device=fabric.device).manual_seed(options.seed)
        self._augmentation = Augmentation(options)
        weights = class_weights(examples.train, examples.target, examples.classes)
        self._weights = torch.from_numpy(weights).to(fabric.device) if options.balance == "weights" else None
        self._average = Average(network.module, options.ema) if options.ema else None
        self._pending: list[tuple[Tensor, Tensor, int]] = []
        self.place = Place()
        self.plateau = Plateau()
        self.peak = options.peak_rate
        self._smallest = _SMALLEST_BATCH * team.size
        self.size = max(self._smallest, options.batch_size)
        progress.update(batch_size=self.size)
        if len(examples.train) < self._smallest:
            raise BadInput(f"{team.size} workers need at least {self._smallest} train images; take fewer workers.")

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to end training here and to keep the best; all of a team say the same."""
        return self._progress.stopping if self._team.alone else self._stopping

    @property
    def judged(self) -> nn.Module:
        """The weights that are validated and kept: the moving average where there is one."""
        return self._average.module if self._average else self._network.module

    @property
    def rate(self) -> float:
        """The learning rate of the last step, of what is not faster or slower by itself."""
        return float(self._optimizer.param_groups[0]["lr"] / self._optimizer.param_groups[0]["factor"])

    def epoch(self, side: int) -> Figures:
        """Go on with the epoch where it stands, to its end; at a loss that is no number, or when somebody asked to stop
        and keep the best, it ends early. Where memory is too small, it goes on with half the batch.

        Raises:
            Cancelled, Paused: somebody asked for it; the place is that of the last whole step.
            LabelloopError: not even the smallest batch fits.
            StartAgain: a team is to go on with the batch of ``size``, from the last checkpoint.
        """
        options, examples = self._options, self._examples
        number = self.place.epoch + 1
        order = epoch_order(
            examples.train, examples.target, seed=options.seed, epoch=number, balanced=options.balance == "sampling"
        )
        self._begin(number)
        while True:
            try:
                self._steps(order, number, side)
                break
            except (RuntimeError, MemoryError) as error:
                self.require_smaller(error)
            self.halve()
        self._team.average_statistics(self._network.module, self.judged)
        seen = max(1, self.place.seen)
        return Figures(self.place.loss / seen, self.place.right / seen)

    def require_smaller(self, error: RuntimeError | MemoryError) -> None:
        """Raise ``error`` again unless a smaller batch can mend it.

        Raises:
            LabelloopError: not even the smallest batch fits.
        """
        if not out_of_memory(error):
            raise error
        if self.size == self._smallest:
            raise LabelloopError(TOO_SMALL) from error

    def halve(self) -> None:
        """Take half the batch from now on. Not to be called while the error is handled: it holds on to the memory.

        Raises:
            StartAgain: a team is to go on with it from the last checkpoint.
        """
        self.shrink_batch(self.size // 2)
        message = f"The memory was too small for the batch; it goes on with batches of {self.size}."
        log.warning(message)
        self._progress.update(message=message)
        self._optimizer.zero_grad(set_to_none=True)
        if self._fabric.device.type == "cuda":
            torch.cuda.empty_cache()
        if not self._team.alone:  # the others wait for this one in the middle of a step
            raise StartAgain

    def shrink_batch(self, size: int) -> bool:
        """Take batches of ``size`` at most; whether that changes anything."""
        before, self.size = self.size, max(self._smallest, min(self.size, size))
        self._progress.update(batch_size=self.size)
        return self.size < before

    def end_epoch(self) -> None:
        """Count the epoch as done."""
        self.place = Place(epoch=self.place.epoch + 1, steps=self.place.steps)

    def step(self, part: Rows, pixels: Tensor, side: int, rate: float) -> tuple[Tensor, Tensor]:
        """One batch, one optimiser step; its loss and how many it got right, on the device.

        ``part`` is the whole batch; of a team, each member has the ``pixels`` of its share and returns the same.
        """
        options, device = self._options, self._fabric.device
        own = self._team.share(part)
        if not self._team.alone:  # no member's random numbers depend on what others drew, or on an interruption
            self._random.manual_seed(self._team.seed(options.seed, self.place.steps, self.place.epoch))
            torch.manual_seed(self._team.seed(options.seed, self.place.steps, 1))
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        images = self._augmentation.vary(shrunk(as_images(pixels, device), side), self._random)
        images = normalised(images, self._examples.mean, self._examples.std)
        target = torch.from_numpy(self._examples.target[own]).to(device, non_blocking=True)
        share, other = 1.0, target
        if options.mixup:
            images, share, other = self._mixed(images, target)
        logits = (self._parallel[1] if self._parallel else self._wrapped)(images).float()
        loss = share * self._loss(logits, target)
        if share < 1:
            loss = loss + (1 - share) * self._loss(logits, other)
        if not self._team.alone:
            loss = loss * self._weight(part, own)
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        if options.clip:
            self._fabric.clip_gradients(self._wrapped, self._optimizer, max_norm=options.clip, error_if_nonfinite=False)
        loss, right = loss.detach(), (logits.detach().argmax(dim=1) == target).sum()
        if not self._team.alone:
            loss, right = self._team.total(torch.stack([loss / self._team.size, right.to(loss.dtype)])).unbind()
        if device.type == "cuda" or math.isfinite(loss.item()):  # a GPU is not waited for
            self._optimizer.step()
            if self._average:
                self._average.update(self._network.module)
        return loss, right

    def heed(self) -> None:
        """Do what somebody asked for, all of a team at the same step.

        Raises:
            Cancelled, Paused: it was that.
            Superseded: the run goes on elsewhere.
        """
        if self._team.alone:
            self._progress.check()
            return
        self._progress.keep_out()
        asked, self._stopping = self._team.told((self._progress.asked, self._progress.stopping))
        heed(asked)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that going on depends on, as tensors and as JSON."""
        self._settle()
        self._team.average_statistics(self._network.module, self.judged)
        tensors = {f"model.{name}": value for name, value in self._network.module.state_dict().items()}
        memory, others = state_tensors(self._raw)
        tensors |= {f"optimizer.{name}": value for name, value in memory.items()}
        tensors["random.torch"] = torch.get_rng_state()
        tensors["random.augment"] = self._random.get_state()
        if self._fabric.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self._fabric.device)
        if self._average:
            tensors |= {f"average.{name}": value for name, value in self._average.module.state_dict().items()}
        return tensors, {
            "place": asdict(self.place),
            "plateau": asdict(self.plateau),
            "peak": self.peak,
            "size": self.size,
            "optimizer": others,
            "updates": self._average.updates if self._average else 0,
            "scaler": self._fabric._precision.state_dict(),
        }

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Become what :meth:`state` described."""

        def named(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self._network.module.load_state_dict(named("model."))
        load_state_tensors(self._raw, named("optimizer."), state["optimizer"])
        torch.set_rng_state(tensors["random.torch"])
        if self._fabric.device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self._fabric.device)
        if self._average:
            self._average.module.load_state_dict(named("average."))
            self._average.updates = state["updates"]
        try:
            self._random.set_state(tensors["random.augment"])
        except RuntimeError:
            log.warning("goes on with other random numbers: the run began on another kind of device")
        if state["scaler"]:
            self._fabric._precision.load_state_dict(state["scaler"])
        self.place, self.plateau = Place(**state["place"]), Plateau(**state["plateau"])
        self.peak, self.size = state["peak"], max(self._smallest, state["size"])
        self._progress.update(batch_size=self.size)

    def _begin(self, number: int) -> None:
        frozen = phase_of(number, self._options).frozen
        self._wrapped.train()
        for name, parameter in self._network.module.named_parameters():
            parameter.requires_grad_(not frozen or name.startswith(self._network.head))
        for module in self._network.module.modules():
            if isinstance(module, nn.BatchNorm2d) and frozen:
                module.eval()  # statistics of a body that does not learn stay those that it came with
        if not self._team.alone and (self._parallel is None or self._parallel[0] != frozen):
            unused = self._options.model.startswith(TIMM)
            self._parallel = (frozen, self._team.parallel(self._wrapped, unused=unused))

    def _steps(self, order: Rows, number: int, side: int) -> None:
        rest = order[self.place.seen :]
        whole = list(batches(rest, self.size, least=self._smallest))
        with closing(ahead(whole, lambda part: self._examples.batch(self._team.share(part)))) as parts:
            for part, pixels in parts:
                self.heed()
                if self.stopping:
                    break
                factor = factor_at(self._options, number, self.place.seen / len(order), plateau=self.plateau.factor)
                self._settle_statistics()
                loss, right = self.step(part, pixels, side, self.peak * factor)
                self._pending.append((loss * len(part), right, len(part)))
                self.place.seen += len(part)
                self.place.steps += 1
                self._progress.advance(len(part))
                if self._fabric.device.type != "cuda" or len(self._pending) >= _LOOK_EVERY:
                    self._settle()
                    if not math.isfinite(self.place.loss):
                        break
        self._settle()

    def _settle(self) -> None:
        """Look at the losses of the last steps."""
        if not self._pending:
            return
        self.place.loss += float(torch.stack([loss for loss, _, _ in self._pending]).sum())
        self.place.right += float(torch.stack([right for _, right, _ in self._pending]).sum())
        self._pending.clear()
        seen = max(1, self.place.seen)
        self._progress.update(loss=self.place.loss / seen, accuracy=self.place.right / seen)

    def _settle_statistics(self) -> None:
        """Without this the running statistics of a short run are mostly those that it began with."""
        if self._options.pretrained or not self._network.settle:
            return
        for module in self._network.module.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = max(_MOMENTUM, 1 / (self.place.steps + 1))

    def _mixed(self, images: Tensor, target: Tensor) -> tuple[Tensor, float, Tensor]:
        options, place = self._options, self.place
        random = np.random.default_rng((options.seed, place.epoch, place.seen))
        share = float(random.beta(options.mixup, options.mixup))
        order = torch.from_numpy(random.permutation(len(images))).to(images.device)
        return images.lerp(images[order], 1 - share), share, target[order]

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        smoothing = self._options.label_smoothing
        return nn.functional.cross_entropy(logits, target, weight=self._weights, label_smoothing=smoothing)

    def _weight(self, part: Rows, own: Rows) -> float:
        """What a member's mean loss counts for, so that the mean over the members is that of the whole batch."""
        if self._weights is None:
            return self._team.size * len(own) / len(part)
        weights, target = self._weights.cpu().numpy(), self._examples.target
        return float(self._team.size * weights[target[own]].sum() / weights[target[part]].sum())
