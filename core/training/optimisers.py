"""Optimisers: which parameters learn how fast, and the moving average of what they learned."""

import copy
import re
from typing import Any

import torch
from torch import Tensor, nn

from core.domain.runs import TrainOptions
from core.training.models import Network

_STAGE = re.compile(r".*?\d+(?=\.)")


def make_optimizer(network: Network, options: TrainOptions) -> torch.optim.Optimizer:
    """The recipe's optimiser; every group carries the ``factor`` by which its rate differs from the run's."""
    groups = parameter_groups(network, options)
    if options.optimizer == "sgd":
        nesterov = options.momentum > 0
        return torch.optim.SGD(
            groups, momentum=options.momentum, weight_decay=options.weight_decay, nesterov=nesterov, fused=True
        )
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, weight_decay=options.weight_decay, fused=True)


def parameter_groups(network: Network, options: TrainOptions) -> list[dict[str, Any]]:
    """Parameters by stage of the body, from first to last, and the head, each with the factor of its rate.

    From pretrained weights the head learns faster than the body, and each stage slower than the one after it.
    """
    stages: dict[str, list[nn.Parameter]] = {}
    head: list[nn.Parameter] = []
    for name, parameter in network.module.named_parameters():
        if name.startswith(network.head):
            head.append(parameter)
            continue
        match = _STAGE.match(name) if options.pretrained and options.layer_decay < 1 else None
        stage = match.group() if match else next(reversed(stages), "")  # what has no number belongs to the stage before
        stages.setdefault(stage, []).append(parameter)
    decay = options.layer_decay if options.pretrained else 1.0
    groups: list[dict[str, Any]] = [
        {"params": parameters, "factor": decay ** (len(stages) - 1 - place)}
        for place, parameters in enumerate(stages.values())
    ]
    groups.append({"params": head, "factor": options.head_factor if options.pretrained else 1.0})
    return [{**group, "lr": options.peak_rate * group["factor"]} for group in groups]


class Average:
    """A moving average of a network's weights and statistics: ``module`` is what is judged, kept and exported."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).requires_grad_(False).eval()
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards ``module``: quickly at first, so that the start is soon forgotten."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        ours, theirs = self.module.state_dict(), module.state_dict()
        numbers = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[name] for name in numbers], [theirs[name] for name in numbers], 1 - decay)
        for name, value in ours.items():
            if not value.is_floating_point():
                value.copy_(theirs[name])


def state_tensors(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's memory as named tensors, and what of it is no tensor."""
    tensors: dict[str, Tensor] = {}
    others: dict[str, Any] = {}
    for index, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            (tensors if isinstance(value, Tensor) else others)[f"{index}.{name}"] = value
    return tensors, others


@torch.no_grad()
def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], others: dict[str, Any]) -> None:
    """Give an optimiser of the same parameters the memory that :func:`state_tensors` took.

    Files keep tensors in plain order; the fused optimisers take for granted that memory lies as its parameter does.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    memory: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **others}.items():
        index, _, name = key.partition(".")
        parameter = parameters[int(index)]
        alike = isinstance(value, Tensor) and value.shape == parameter.shape
        memory.setdefault(int(index), {})[name] = torch.empty_like(parameter).copy_(value) if alike else value
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
