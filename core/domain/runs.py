"""Runs: the recipe that was asked for, and the states that a run can be in."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from core.domain.errors import BadInput
from core.domain.fields import Field, choice, number, switch, text, whole
from core.domain.layers import parse_layers
from core.domain.models import INSTANT, MODEL_NAMES, MODELS, ModelInfo, model_info

__all__ = [
    "ACTIVE_STATES",
    "FIELDS",
    "LOOKED_AT",
    "MODELS",
    "MODEL_NAMES",
    "STARTS",
    "Model",
    "RunState",
    "TrainOptions",
    "rooted",
    "rooted_weights",
]

Model = str

RunState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "lost"]
ACTIVE_STATES: tuple[RunState, ...] = ("queued", "running")

STARTS = ("auto", "none", "bundled", "download")  # weights by a word; all else is a file
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?|mps")
_NETWORK, _STEPS, _RATE, _REGULAR, _IMAGES = "Network", "Training", "Learning rate", "Against overfitting", "Images"
_FINE, _MACHINE = "Fine-tuning", "Machine"


def rooted(path: str, folder: Path) -> str:
    """A path that means the same wherever it is read; "" stays."""
    return str(Path(os.path.normpath(folder / Path(path).expanduser()))) if path else ""


def rooted_weights(weights: str, folder: Path) -> str:
    """Weights to start from, a file of them named from ``folder``."""
    return weights if weights in STARTS else rooted(weights, folder)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """A whole recipe: how to train. Defaults suit the model; *instant* uses the seed alone.

    Raises:
        BadInput: a value is of the wrong kind or out of range, or two do not go together.
    """

    model: str = text(INSTANT, "Model", "Which network learns.", group=_NETWORK)
    epochs: int = whole(10, 1, 10_000, "Epochs", "How often the network sees every train image.", group=_STEPS)
    image_size: int = whole(
        128, 16, 1024, "Image size", "Pixels on each side. Larger sees finer detail and is slower.", group=_NETWORK
    )
    batch_size: int = whole(
        32, 1, 4096, "Batch size", "Images a step. Make it smaller if memory runs out.", group=_STEPS, log=True
    )
    learning_rate: float = number(
        0.0, 0.0, 10.0, "Learning rate", "How far each step goes. 0 takes what suits the model.", group=_RATE, log=True
    )
    weights: str = text(
        "auto",
        "Weights to start from",
        'What the network knows at the start: "none", "bundled", "download", or a file. "auto" takes what is shipped.',
        group=_NETWORK,
    )
    seed: int = whole(
        0, 0, 2**31 - 1, "Seed", "The same seed and labels give the same run again, on the same device.", group=_MACHINE
    )

    layers: str = text(
        "conv 32, pool, conv 64, pool, conv 128, pool, conv 256, average, dropout 0.2",
        "Layer table",
        "For the CNN by layer table: conv WIDTH [KERNELxKERNEL] [/STRIDE] [plain], pool, average, dropout SHARE, "
        "dense WIDTH; the last layer is added.",
        group=_NETWORK,
    )
    blocks: int = whole(
        3, 1, 50, "Blocks a stage", "For the ResNet by block count: depth is 6 times it + 2.", group=_NETWORK
    )
    head: str = choice(
        "softmax",
        ("softmax", "single-logit"),
        "Output",
        "A probability a class, or, with two classes, one number whose sign decides.",
        group=_NETWORK,
    )
    normalise: str = choice(
        "auto",
        ("auto", "none", "imagenet"),
        "Normalisation",
        "How pixel values are shifted before the network sees them; auto takes what the weights expect.",
        group=_IMAGES,
    )

    optimizer: str = choice(
        "adamw",
        ("adamw", "adam", "sgd"),
        "Optimiser",
        "How gradients become steps; AdamW is rarely wrong.",
        group=_STEPS,
    )
    weight_decay: float = number(
        0.02, 0.0, 1.0, "Weight decay", "How strongly large weights are pulled back.", group=_REGULAR, log=True
    )
    momentum: float = number(0.9, 0.0, 0.999, "Momentum", "For SGD: how much of the last step goes on.", group=_STEPS)
    clip: float = number(
        0.0, 0.0, 1000.0, "Gradient limit", "Longer gradients are cut to this length; 0 cuts none.", group=_STEPS
    )
    find_rate: bool = switch(
        False,
        "Find the learning rate",
        "Tries rising rates on a few batches first and takes the steepest.",
        group=_RATE,
    )
    schedule: str = choice(
        "cosine",
        ("cosine", "step", "plateau", "constant"),
        "Schedule",
        "How the rate falls: smoothly, in steps, when val stops improving, or not at all.",
        group=_RATE,
    )
    warm_up: float = number(
        0.2, 0.0, 0.9, "Warm-up", "Share of all steps in which the rate rises from nearly nothing.", group=_RATE
    )
    step_epochs: int = whole(
        0, 0, 10_000, "Epochs a step", "For the step schedule: 0 takes a third of all epochs.", group=_RATE
    )
    step_factor: float = number(
        0.1, 0.001, 0.999, "Factor of a step", "What the rate is multiplied by at a step or on a plateau.", group=_RATE
    )
    plateau_patience: int = whole(
        2, 0, 1000, "Plateau patience", "Epochs without a better val loss before the rate falls.", group=_RATE
    )

    patience: int = whole(
        0, 0, 10_000, "Early stopping", "Stops after so many epochs without a better one; 0 never does.", group=_STEPS
    )
    tolerance: float = number(
        0.0, 0.0, 10.0, "Tolerance", "By how much an epoch must be better to count for early stopping.", group=_STEPS
    )
    monitor: str = choice(
        "accuracy",
        ("accuracy", "loss"),
        "Best epoch by",
        "What decides which epoch is kept, measured on val.",
        group=_STEPS,
    )

    balance: str = choice(
        "none",
        ("none", "weights", "sampling"),
        "Rare classes",
        "Weigh errors on rare classes more, or show their images more often.",
        group=_REGULAR,
    )
    label_smoothing: float = number(
        0.05, 0.0, 0.5, "Label smoothing", "Holds back from certainty: some labels are wrong.", group=_REGULAR
    )
    mixup: float = number(
        0.0, 0.0, 4.0, "Mixup", "Blends pairs of images and their labels; 0.2 is usual.", group=_REGULAR
    )
    ema: float = number(
        0.0,
        0.0,
        0.99999,
        "Averaged weights",
        "Keeps a moving average of the weights; 0.99 is usual, 0 is off.",
        group=_REGULAR,
    )

    augmentation: str = choice(
        "standard",
        ("none", "light", "standard", "strong", "trivial", "custom"),
        "Augmentation",
        "Random variations of each train image, so that the network learns what does not matter.",
        group=_IMAGES,
    )
    flip: bool = switch(True, "Flip left to right", "For custom: half of the images are mirrored.", group=_IMAGES)
    flip_vertical: bool = switch(
        False, "Flip top to bottom", "For custom: half of the images are upside down.", group=_IMAGES
    )
    rotation: float = number(0.0, 0.0, 180.0, "Rotation", "For custom: degrees, each way.", group=_IMAGES)
    shift: float = number(0.08, 0.0, 0.5, "Shift", "For custom: share of the side, each way.", group=_IMAGES)
    zoom: float = number(0.2, 0.0, 0.9, "Zoom", "For custom: how much closer or farther, as a share.", group=_IMAGES)
    colour: float = number(0.2, 0.0, 1.0, "Colour", "For custom: brightness, contrast and saturation.", group=_IMAGES)
    erase: float = number(
        0.0, 0.0, 0.5, "Erase", "For custom: share of the side of a patch that is blanked.", group=_IMAGES
    )
    progressive: bool = switch(
        True,
        "Small images first",
        "From scratch: early epochs see smaller images, at a quarter of the cost.",
        group=_STEPS,
    )

    fine_tuning: str = choice(
        "whole",
        ("whole", "two-phase", "head"),
        "What learns",
        "With pretrained weights: everything at once, the head first and then everything, or the head alone.",
        group=_FINE,
    )
    head_epochs: int = whole(
        2, 1, 10_000, "Epochs of the head", "For two phases: how long the head learns alone.", group=_FINE
    )
    head_factor: float = number(
        10.0, 1.0, 1000.0, "Faster head", "With pretrained weights: the new head's rate, times the body's.", group=_FINE
    )
    layer_decay: float = number(
        1.0,
        0.1,
        1.0,
        "Slower early layers",
        "With pretrained weights: each earlier stage's rate, times the next one's.",
        group=_FINE,
    )

    precision: str = choice(
        "auto",
        ("auto", "fp32", "bf16", "fp16"),
        "Precision",
        "auto takes half precision where this device computes it natively.",
        group=_MACHINE,
    )
    device: str = text("auto", "Device", '"auto", "cpu", "cuda" or "cuda:1".', group=_MACHINE)

    def __post_init__(self) -> None:
        for name, described in FIELDS.items():
            object.__setattr__(self, name, described.checked(getattr(self, name)))
        info = model_info(self.model)
        if not _DEVICE.fullmatch(self.device):
            raise BadInput(f'Device must be "auto", "cpu", "cuda" or "cuda:1", not {self.device!r}.')
        if not self.weights:
            raise BadInput('Weights to start from must be "auto", "none", "bundled", "download" or a file.')
        if self.model == INSTANT:
            return
        info.check_size(self.image_size)
        if self.weights in STARTS[2:] and self.weights not in info.starts:
            can = " or ".join(start for start in info.starts if start != "file")
            raise BadInput(f"{info.title} has no weights to take by {self.weights!r}; choose {can}, or a file.")
        if self.model == "layer-cnn":
            parse_layers(self.layers)

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return model_info(self.model)

    @property
    def start(self) -> str:
        """The weights that it starts from: "none", "bundled", "download" or a file's path."""
        return _start(self.model, self.weights)

    def rooted(self, folder: Path) -> "TrainOptions":
        """The same with a file of weights named from ``folder``: a run works in another folder than whoever asks."""
        return replace(self, weights=rooted_weights(self.weights, folder))

    @property
    def pretrained(self) -> bool:
        """Whether it starts from weights that know something."""
        return self.start != "none"

    @property
    def grows(self) -> bool:
        """Whether early epochs may see smaller images; pretrained weights are worth less there than they cost."""
        return self.progressive and not self.pretrained and self.info.grows

    @property
    def peak_rate(self) -> float:
        """The peak learning rate: the one given, else the model's own."""
        return self.learning_rate or (self.info.fine_rate if self.pretrained else self.info.rate)

    def in_use(self) -> dict[str, Any]:
        """The fields that this recipe looks at, with what it takes where a field leaves that open."""
        if self.model == INSTANT:
            return {"model": self.model, "seed": self.seed}
        values = asdict(self)
        idle = {name for name, looked_at in LOOKED_AT.items() if not looked_at(values)}
        taken = {"weights": self.start, "learning_rate": self.peak_rate}
        return {name: taken.get(name, getattr(self, name)) for name in FIELDS if name not in idle}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "TrainOptions":
        """Options from a document; what it leaves out has its default, so the specs of older versions are read too.

        Raises:
            BadInput: a field that there is not, or a value that may not be.
        """
        if strange := [name for name in document if name not in FIELDS]:
            raise BadInput(f"A recipe has no field {strange[0]!r}; it has {', '.join(FIELDS)}.")
        return cls(**document)


FIELDS: dict[str, Field] = {one.name: one.metadata["field"] for one in fields(TrainOptions)}


def _start(model: str, weights: str) -> str:
    if weights != "auto":
        return weights
    return "bundled" if "bundled" in model_info(model).starts else "none"


def _pretrained(values: Mapping[str, Any]) -> bool:
    return _start(values["model"], values["weights"]) != "none"


def _custom(values: Mapping[str, Any]) -> bool:
    return bool(values["augmentation"] == "custom")


# Whether a recipe of these values, which need not be valid yet, looks at a field that others switch off; some raise
# BadInput where there is no such model.
LOOKED_AT: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "layers": lambda values: values["model"] == "layer-cnn",
    "blocks": lambda values: values["model"] == "block-resnet",
    "momentum": lambda values: values["optimizer"] == "sgd",
    "step_epochs": lambda values: values["schedule"] == "step",
    "step_factor": lambda values: values["schedule"] in ("step", "plateau"),
    "plateau_patience": lambda values: values["schedule"] == "plateau",
    "tolerance": lambda values: values["patience"] > 0,
    **dict.fromkeys(("flip", "flip_vertical", "rotation", "shift", "zoom", "colour", "erase"), _custom),
    "progressive": lambda values: not _pretrained(values) and model_info(values["model"]).grows,
    "fine_tuning": _pretrained,
    "head_epochs": lambda values: _pretrained(values) and values["fine_tuning"] == "two-phase",
    "head_factor": _pretrained,
    "layer_decay": _pretrained,
}
