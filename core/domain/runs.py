"""Runs: what was asked for, and the states that a run can be in."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.domain.errors import BadInput

Model = Literal["instant", "cnn", "resnet18"]
MODELS: tuple[Model, ...] = get_args(Model)
MODEL_NAMES = {"instant": "Instant", "cnn": "Small CNN", "resnet18": "ResNet-18"}

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled", "lost"]
ACTIVE_STATES: tuple[RunState, ...] = ("queued", "running")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train. ``image_size`` is in pixels (square); ``weights`` is ``"none"`` (from scratch),
    ``"download"`` (torchvision's ImageNet weights) or the path of a .safetensors or torchvision .pth file.

    Raises:
        BadInput: a number is out of range.
    """

    model: Model = "instant"
    epochs: int = 10
    image_size: int = 128
    batch_size: int = 32
    learning_rate: float = 0.0  # 0: the model's own default
    weights: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise BadInput(f"There is no model {self.model!r}; choose one of {', '.join(MODELS)}.")
        for name, low, high in (("epochs", 1, 10_000), ("image_size", 16, 1024), ("batch_size", 1, 4096)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(f"{name.replace('_', ' ').capitalize()} must lie between {low} and {high}, not {value}.")
        if not 0 <= self.learning_rate <= 10:
            raise BadInput(f"Learning rate must lie between 0 and 10, not {self.learning_rate}.")
