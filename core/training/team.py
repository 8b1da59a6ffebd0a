"""The workers that train one network together: each takes its share of every batch, and gradients are averaged.

One member alone talks to nobody. Of several, all take the same decisions from the same numbers; what only one can know
(what a person asked for, the checkpoint) the first one tells. Control goes over gloo, which notices a dead member at
once; gradients go over NCCL where there are GPUs.
"""

import os
import socket
from datetime import timedelta
from typing import Any

import numpy as np
import psutil
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from core.domain.errors import WorkerLost
from core.runs.members import Member, this_member
from core.training.task import Rows

_PATIENCE = timedelta(days=1)  # the first one decodes while others wait; a dead member is noticed by its connection
_LOST = ("gloo", "NCCL", "onnection closed", "onnection reset", "Broken pipe", "ocket Timeout", "TCPStore")


class Team:
    """The other workers of this run, as one of them sees them."""

    def __init__(self, member: Member, device: torch.device) -> None:
        self._member, self._device = member, device
        self.size = member.size

    @property
    def first(self) -> bool:
        """Whether this one writes what is written once."""
        return self._member.first

    @property
    def alone(self) -> bool:
        """Whether there is nobody else."""
        return self.size == 1

    def share(self, rows: Rows) -> Rows:
        """This one's part of a batch; the parts differ by one at most."""
        return rows if self.alone else np.array_split(rows, self.size)[self._member.rank]

    def seed(self, *numbers: int) -> int:
        """A seed that is another for each member."""
        mixed = np.random.SeedSequence((*numbers, self._member.rank)).generate_state(1, np.uint64)[0]
        return int(mixed >> 1)

    def total(self, values: Tensor) -> Tensor:
        """The sum over all members, in place, on the values' own device."""
        if not self.alone:
            dist.all_reduce(values)
        return values

    def told(self, value: Any) -> Any:
        """What the first one holds; the others' own is not looked at."""
        if self.alone:
            return value
        box = [value if self.first else None]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def parallel(self, module: nn.Module, *, unused: bool) -> nn.Module:
        """``module`` with gradients that are averaged over the members as they come; ``unused``: it may have parameters
        that a step leaves out. Parameters that are not to learn now must be marked before.
        """
        if self.alone or not any(parameter.requires_grad for parameter in module.parameters()):
            return module
        ids = [self._device.index or 0] if self._device.type == "cuda" else None
        return DistributedDataParallel(
            module,
            device_ids=ids,
            forward_sync_buffers=False,  # statistics are averaged once an epoch
            find_unused_parameters=unused,
            gradient_as_bucket_view=True,
        )

    @torch.no_grad()
    def average_statistics(self, *modules: nn.Module) -> None:
        """Let each BatchNorm's running statistics be the mean of what the members saw, each in its own shares."""
        if self.alone:
            return
        found = [value for module in modules for value in module.buffers() if value.is_floating_point()]
        if not found:
            return
        flat = self.total(torch.cat([value.flatten().double() for value in found])) / self.size
        start = 0
        for value in found:
            value.copy_(flat[start : start + value.numel()].view_as(value))
            start += value.numel()


def form(device: torch.device) -> Team:
    """Meet the others, whose number and address the environment tells as torchrun tells them.

    Raises:
        WorkerLost: they could not be met.
    """
    member = this_member()
    if member.size > 1 and not dist.is_initialized():
        _choose_interface(os.environ["MASTER_ADDR"])
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        try:
            dist.init_process_group(backend, timeout=_PATIENCE, rank=member.rank, world_size=member.size)
        except (RuntimeError, OSError) as error:
            raise WorkerLost(str(error)) from error
    return Team(member, device)


def wait_for(team: Team) -> None:
    """Wait until all members are here.

    Raises:
        WorkerLost: one of them is gone.
    """
    try:
        team.told(None)
    except RuntimeError as error:
        if is_loss_of_a_member(error):
            raise WorkerLost(str(error)) from error
        raise


def part() -> None:
    """Leave the team, once its work is done."""
    if dist.is_initialized():
        dist.destroy_process_group()


def is_loss_of_a_member(error: BaseException) -> bool:
    """Whether ``error`` says that another member went away."""
    if not dist.is_initialized():
        return False
    return isinstance(error, dist.DistError) or any(word in str(error) for word in _LOST)


def _choose_interface(address: str) -> None:
    """Tell gloo and NCCL which network the others are on: a machine's own name often leads to loopback alone."""
    if "GLOO_SOCKET_IFNAME" in os.environ:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 1))  # sends nothing: it asks which way a packet would go
            own = probe.getsockname()[0]
        except OSError:
            return
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address == own for one in addresses):
            os.environ["GLOO_SOCKET_IFNAME"] = name
            if name not in ("lo", "lo0"):
                os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
            return
