"""Where a run computes, and with which numbers."""

from pathlib import Path
from typing import Any

import psutil
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from core.domain.errors import BadInput
from core.domain.runs import STARTS, TrainOptions
from core.embedding.backbone import usable_cores
from core.runs.members import this_member
from core.runs.used import digest

_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
TOO_SMALL = "The memory is too small for this network; use smaller images."
# Of the CPU's allocator on Linux and Windows, of CUDA's libraries, of Apple's GPUs.
_NO_MEMORY = ("allocate memory", "not enough memory", "ALLOC_FAILED", "out of memory")


def make_fabric(options: TrainOptions) -> Fabric:
    """One device: the GPU where there is one, unless the recipe names another; half precision where it is native. Of
    several workers on this machine, each has its own GPU, or its share of the cores.

    Raises:
        BadInput: the device is not there, or cannot compute with the precision asked for.
    """
    member = this_member()
    torch.set_num_threads(max(1, usable_cores() // member.local_size))
    kind, _, index = options.device.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    place = int(index or 0) + (member.local_rank if member.size > 1 else 0)
    if kind == "cuda" and place >= torch.cuda.device_count() and place > int(index or 0):
        raise BadInput(
            f"{member.local_size} workers here need as many GPUs, and torch sees {torch.cuda.device_count()}."
        )
    if kind == "cuda" and place >= torch.cuda.device_count():
        raise BadInput(f"torch sees no GPU {options.device!r} on this machine; take the device auto or cpu.")
    if kind == "mps" and member.size > 1:
        raise BadInput("Several workers need NVIDIA GPUs or CPUs; take the device cpu.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BadInput("This machine has no Apple GPU that torch can use; take the device auto or cpu.")
    precision = _PRECISIONS.get(options.precision)
    if precision is None:
        precision = _native(kind)
    if precision == "16-mixed" and kind == "cpu":
        raise BadInput("A CPU cannot train with fp16; take the precision auto, bf16 or fp32.")
    devices = [place] if kind == "cuda" else 1
    # Fabric does not form the team (core.training.team does), so it is not to look for torchrun's environment either.
    own = [LightningEnvironment()]
    return Fabric(accelerator=kind, devices=devices, precision=precision, plugins=own)  # type: ignore[arg-type]


def facts_of(fabric: Fabric, options: TrainOptions) -> dict[str, Any]:
    """What a run computes with, in the recipe's own words where it has them."""
    device = fabric.device
    precision = {written: name for name, written in _PRECISIONS.items()}
    facts: dict[str, Any] = {
        "device": str(device),
        "precision": precision[str(fabric._precision.precision)],
        "threads": torch.get_num_threads(),
        "weights": options.start,
    }
    if device.type == "cuda":
        facts |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    if options.start not in STARTS:
        facts["weights_sha256"] = digest(Path(options.start).expanduser())
    return facts


def memory_used(device: torch.device) -> int:
    """Bytes that this process takes: of the GPU at most, of main memory now."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on a GPU or not."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def _native(kind: str) -> str:
    if kind == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if kind == "cpu" and _cpu_has_bf16() else "32-true"


def _cpu_has_bf16() -> bool:
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
