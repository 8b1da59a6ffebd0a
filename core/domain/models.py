"""The models that a run can train: what each is called, what it is, what it needs. Building them is core.training's."""

import re
from dataclasses import dataclass

from core.domain.errors import BadInput

INSTANT = "instant"
TIMM, TORCHVISION = "timm:", "torchvision:"
_FROM_A_LIBRARY = re.compile(r"(timm|torchvision):([A-Za-z0-9_.]{1,100})")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model.

    ``size`` is its default image size in pixels, ``parameters`` its count there with two classes (0: depends on the
    recipe); ``multiple`` and ``smallest`` say which sizes it takes; ``rate`` and ``fine_rate`` are its peak learning
    rates from scratch and from pretrained weights; ``starts`` the weights that it can start from. ``gflops`` is the
    cost of one image forward and ``activations`` its memory in MB while training, both at ``size``; ``grows``: early
    epochs may train it on smaller images.
    """

    name: str
    title: str
    meaning: str
    size: int
    parameters: int
    rate: float
    fine_rate: float = 3e-4
    starts: tuple[str, ...] = ("none", "file")
    smallest: int = 16
    multiple: int = 1
    grows: bool = True
    gflops: float = 0.0
    activations: float = 0.0

    def check_size(self, size: int) -> None:
        """Whether it takes images of ``size`` pixels.

        Raises:
            BadInput: it does not.
        """
        if size < self.smallest or size % self.multiple:
            steps = f" in steps of {self.multiple}" if self.multiple > 1 else ""
            raise BadInput(f"{self.title} takes images from {self.smallest} px{steps}, not {size} px.")


_DOWNLOAD = ("none", "download", "file")
_ALL = (
    ModelInfo(
        INSTANT,
        "Instant",
        "A linear head on features of a network that is shipped with labelloop. Start here.",
        224,
        2562,
        0.0,
    ),
    ModelInfo(
        "cnn",
        "Small CNN",
        "A small network trained from nothing but your images. Simple, self-contained, quick to run.",
        128,
        1_625_890,
        3e-3,
        gflops=0.53,
        activations=4.0,
    ),
    ModelInfo(
        "resnet18",
        "ResNet-18",
        "A classic, deeper network. Strongest when it starts from pretrained weights.",
        128,
        11_177_538,
        1e-3,
        starts=_DOWNLOAD,
        gflops=1.18,
        activations=7.3,
    ),
    ModelInfo(
        "efficientnet-lite0",
        "EfficientNet-Lite0",
        "The network behind Instant, trained as a whole. Its weights are shipped: needs no download.",
        224,
        3_373_570,
        1e-3,
        fine_rate=1e-4,
        starts=("bundled", "none", "file"),
        smallest=32,
        gflops=0.77,
        activations=82.4,
    ),
    ModelInfo(
        "resnet34",
        "ResNet-34",
        "ResNet-18's deeper sister.",
        128,
        21_285_698,
        1e-3,
        starts=_DOWNLOAD,
        gflops=2.39,
        activations=10.6,
    ),
    ModelInfo(
        "resnet50",
        "ResNet-50",
        "Larger and slower; wants pretrained weights and a GPU.",
        224,
        23_512_130,
        1e-3,
        starts=_DOWNLOAD,
        gflops=8.17,
        activations=86.1,
    ),
    ModelInfo(
        "efficientnet-b0",
        "EfficientNet-B0",
        "Accurate for its size; wants pretrained weights.",
        224,
        4_010_110,
        1e-3,
        starts=_DOWNLOAD,
        smallest=32,
        gflops=0.77,
        activations=88.4,
    ),
    ModelInfo(
        "efficientnet-v2-s",
        "EfficientNetV2-S",
        "Larger and more accurate; wants pretrained weights and a GPU.",
        224,
        20_180_050,
        1e-3,
        starts=_DOWNLOAD,
        smallest=32,
        gflops=5.7,
        activations=154.7,
    ),
    ModelInfo(
        "vit-b-16",
        "ViT-B/16",
        "A vision transformer; wants pretrained weights and a GPU.",
        224,
        85_800_194,
        3e-4,
        fine_rate=5e-5,
        starts=_DOWNLOAD,
        smallest=32,
        multiple=16,
        grows=False,
        gflops=22.54,
        activations=287.4,
    ),
    ModelInfo(
        "hobby-cnn",
        "Hobby CNN",
        "Five plain convolution blocks and one linear layer, as the ComfyUI wrapper for PyTorch trains it.",
        256,
        1_634_114,
        1e-4,
        smallest=32,
        gflops=2.53,
        activations=29.4,
    ),
    ModelInfo(
        "shared-cnn",
        "Shared-block CNN",
        "One convolution block applied four times at falling resolution.",
        224,
        2_668_418,
        1e-4,
        smallest=64,
        gflops=27.23,
        activations=130.0,
    ),
    ModelInfo(
        "layer-cnn",
        "CNN by layer table",
        "A network from the layers that you list in the recipe.",
        128,
        389_410,
        1e-3,
        gflops=0.48,
        activations=10.8,
    ),
    ModelInfo(
        "block-resnet",
        "ResNet by block count",
        "A ResNet for small images: three stages of as many blocks as the recipe says.",
        32,
        4_325_698,
        1e-3,
        gflops=1.3,
        activations=6.3,
    ),
)
MODEL_INFO = {info.name: info for info in _ALL}
MODELS: tuple[str, ...] = tuple(MODEL_INFO)
MODEL_NAMES = {info.name: info.title for info in _ALL}


def model_info(name: str) -> ModelInfo:
    """What is known of a model; any name of timm's or torchvision's counts as one.

    Raises:
        BadInput: there is no such model.
    """
    if name in MODEL_INFO:
        return MODEL_INFO[name]
    if match := _FROM_A_LIBRARY.fullmatch(name):
        library, title = match.groups()
        return ModelInfo(name, title, f"A network of {library}'s.", 224, 0, 1e-3, starts=_DOWNLOAD, grows=False)
    raise BadInput(f"There is no model {name!r}; choose one of {', '.join(MODELS)}, torchvision:NAME or timm:NAME.")


def model_title(name: str) -> str:
    """A model's name for people; an unknown one as it is."""
    return MODEL_NAMES.get(name, name.removeprefix(TIMM).removeprefix(TORCHVISION))
