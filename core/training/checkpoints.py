"""The run's checkpoints. ``best``: the network's weights alone, which another run can start from. ``last``: all that
a run needs to go on as if nothing had happened. Each is one safetensors file, replaced in one step; there are two, and
one once the run has succeeded and its supervisor has removed ``last``.
"""

import errno
import json
import shutil
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError
from core.runs.atomic import write_json, written_aside
from core.runs.layout import RunPaths

_FULL = (
    "The disk is full: the checkpoint of epoch {epoch} could not be written. The one before it is whole; "
    "make room and start this run again, and it goes on from there."
)


def save_best(paths: RunPaths, module: nn.Module, facts: dict[str, Any]) -> None:
    """Replace ``best``; ``facts`` (epoch, loss, accuracy) lie in the file and, for people, in best.json beside it.

    Raises:
        LabelloopError: the disk is full.
    """
    _write(paths, "best", dict(module.state_dict()), {"facts": facts}, facts)


def save_last(paths: RunPaths, tensors: dict[str, Tensor], state: dict[str, Any], facts: dict[str, Any]) -> None:
    """Replace ``last``; ``state`` is JSON.

    Raises:
        LabelloopError: the disk is full.
    """
    _write(paths, "last", tensors, {"state": state, "facts": facts}, facts)


def load_best(paths: RunPaths, module: nn.Module) -> None:
    """Put the best epoch's weights into ``module``."""
    module.load_state_dict(safetensors.torch.load_file(paths.best_checkpoint))


def best_epoch(paths: RunPaths) -> int | None:
    """The epoch whose weights ``best`` holds; ``None`` where there is no whole one."""
    try:
        with safetensors.safe_open(paths.best_checkpoint, framework="pt") as file:
            return int(json.loads((file.metadata() or {})["facts"])["epoch"])
    except (OSError, KeyError, ValueError, safetensors.SafetensorError):
        return None


def load_last(paths: RunPaths) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of ``last``; ``None`` where the run has none that can be gone on from.

    Raises:
        BadInput: it is damaged.
    """
    path = paths.last_checkpoint
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {}).get("state", "null"))
            if not isinstance(state, dict):  # of a version that could not resume
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118  (no mapping)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise BadInput(f"The checkpoint of {paths.name} is damaged; start the run anew.") from error


def _write(
    paths: RunPaths, name: str, tensors: dict[str, Tensor], metadata: dict[str, Any], facts: dict[str, Any]
) -> None:
    own: dict[str, Tensor] = {}
    seen: set[int] = set()
    for key, value in tensors.items():
        here = value.detach().cpu().contiguous()
        own[key] = here.clone() if here.data_ptr() in seen else here  # two names of one tensor are two in the file
        seen.add(here.data_ptr())
    needed = sum(value.numel() * value.element_size() for value in own.values())
    paths.checkpoints.mkdir(parents=True, exist_ok=True)
    full = _FULL.format(epoch=facts.get("epoch", "?"))
    if needed > shutil.disk_usage(paths.checkpoints).free:
        raise LabelloopError(full)
    try:
        with written_aside(paths.checkpoints / f"{name}.safetensors") as aside:
            texts = {key: json.dumps(value) for key, value in metadata.items()}
            safetensors.torch.save_file(own, aside, metadata=texts)
        write_json(paths.checkpoints / f"{name}.json", facts)
    except safetensors.SafetensorError as error:
        if "No space" in str(error) or "os error 28" in str(error) or "quota" in str(error):
            raise LabelloopError(full) from error
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LabelloopError(full) from error
        raise
