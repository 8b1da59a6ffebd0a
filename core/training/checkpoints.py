"""The run's checkpoints: ``last`` and ``best``, weights as safetensors with a JSON of their epoch beside them."""

from typing import Any

import safetensors.torch
from torch import nn

from core.runs.atomic import write_json, written_aside
from core.runs.layout import RunPaths


def save(paths: RunPaths, name: str, network: nn.Module, state: dict[str, Any]) -> None:
    """Replace a checkpoint. Each file is written aside, so a crash leaves a whole one, the old or the new."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    with written_aside(paths.checkpoints / f"{name}.safetensors") as aside:
        safetensors.torch.save_file(tensors, aside, metadata={key: str(value) for key, value in state.items()})
    write_json(paths.checkpoints / f"{name}.json", state)


def load(paths: RunPaths, name: str, network: nn.Module) -> None:
    """Put a checkpoint's weights into ``network``."""
    network.load_state_dict(safetensors.torch.load_file(paths.checkpoints / f"{name}.safetensors"))
