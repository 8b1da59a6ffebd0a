"""Generations: how an image generator says that it made an image."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CLAIM = "C2PA claim"  # the tool of an image that carries a manifest and nothing else; nobody has verified it


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA as the file names it."""

    name: str
    weight: float | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """What a file carries of its making, as written there; None or "" where it says nothing.

    ``seed`` is text: seeds have 64 bits, more than a database's integers or a browser's numbers hold. ``sampler`` and
    ``scheduler`` are the tool's own names. ``width`` and ``height`` are pixels asked for, which upscaling leaves
    behind. ``claims`` are statements of a C2PA manifest that nobody has verified. ``source`` says where it was read
    (file text, EXIF, XMP, side file, alpha channel), ``raw`` holds the texts themselves by their keys, so that a
    better reader can read them again.
    """

    tool: str
    prompt: str = ""
    negative_prompt: str = ""
    model: str | None = None
    model_hash: str | None = None
    loras: tuple[Lora, ...] = ()
    sampler: str | None = None
    scheduler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    seed: str | None = None
    width: int | None = None
    height: int | None = None
    claims: tuple[str, ...] = ()
    source: str = ""
    raw: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What the command line shows: everything but the raw texts."""
        return {
            "tool": self.tool,
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "model": self.model,
            "model_hash": self.model_hash,
            "loras": [asdict(lora) for lora in self.loras],
            "sampler": self.sampler,
            "scheduler": self.scheduler,
            "steps": self.steps,
            "cfg": self.cfg,
            "seed": self.seed,
            "width": self.width,
            "height": self.height,
            "claims": list(self.claims),
            "source": self.source,
        }
