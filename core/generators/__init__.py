"""What image generators write into their files, read without trusting any of it.

``read(data)`` takes an image's bytes and gives its :class:`~core.domain.generation.Generation`. Formats and the order
of detection follow what the tools write (AUTOMATIC1111, Forge, SD.Next, ComfyUI, InvokeAI, Fooocus, SwarmUI, NovelAI,
Easy Diffusion, Draw Things, and a few that write alike). No module keeps state between files.
"""

from pathlib import Path
from typing import Any

from core.domain.generation import Generation
from core.generators.detection import read
from core.generators.sidefiles import read_beside

__all__ = ["describe", "describe_hidden", "read", "read_beside", "read_image"]


def read_image(data: bytes, path: Path, *, hidden: bool = False) -> Generation | None:
    """What an image's bytes say of its making, or else what lies beside its file."""
    return read(data, hidden=hidden) or read_beside(path)


def describe(path: Path, data: bytes) -> dict[str, Any] | None:
    """As :func:`read_image`, as a JSON object (``Generation.as_record``): what a reader process answers with."""
    found = read_image(data, path)
    return None if found is None else found.as_record()


def describe_hidden(path: Path, data: bytes) -> dict[str, Any] | None:
    """As :func:`describe`, and looks into the pixels of images that say nothing else."""
    found = read_image(data, path, hidden=True)
    return None if found is None else found.as_record()
