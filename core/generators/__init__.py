"""What image generators write into their files, read without trusting any of it.

``read(data)`` takes an image's bytes and gives its :class:`~core.domain.generation.Generation`. Formats and the order
of detection follow what the tools write (AUTOMATIC1111, Forge, SD.Next, ComfyUI, InvokeAI, Fooocus, SwarmUI, NovelAI,
Easy Diffusion, Draw Things, and a few that write alike). No module keeps state between files.
"""

from pathlib import Path

from core.domain.generation import Generation
from core.generators.detection import read
from core.generators.sidefiles import read_beside

__all__ = ["read", "read_beside", "read_image"]


def read_image(data: bytes, path: Path, *, hidden: bool = False) -> Generation | None:
    """What an image's bytes say of its making, or else what lies beside its file."""
    return read(data, hidden=hidden) or read_beside(path)
