"""The networks: a small CNN of our own for few images, and torchvision's ResNet-18."""

from itertools import pairwise
from pathlib import Path

import torchvision
from torch import Tensor, nn

from core.domain.errors import BadInput
from core.training.weights import load_download, load_file

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which pretrained weights expect
LEARNING_RATES = {"cnn": 3e-3, "resnet18": 1e-3}  # from scratch
FINE_TUNING_RATE = 3e-4  # for a pretrained body; its new head learns ten times faster
WIDTHS = (32, 64, 128, 224)
_SMALL_IMAGE = 48  # up to this size the first layer keeps the resolution


class SmallCNN(nn.Module):
    """A residual network of 1.6 million parameters: a stem, three stages of one block, an average, a linear head."""

    def __init__(self, classes: int, *, image_size: int) -> None:
        super().__init__()
        stem = WIDTHS[0]
        self.stem = _conv(3, stem, stride=1 if image_size <= _SMALL_IMAGE else 2)
        self.stages = nn.Sequential(*[_Stage(a, b) for a, b in pairwise(WIDTHS)])
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of normalised images (n, 3, size, size)."""
        features = self.stages(self.stem(images)).mean(dim=(2, 3))
        logits: Tensor = self.fc(self.dropout(features))
        return logits


def build(name: str, classes: int, *, image_size: int, weights: str, cache: Path) -> nn.Module:
    """The network ``name`` with its weights: "none", "download", or a file. The head always fits ``classes``.

    Raises:
        BadInput: the weights cannot be used with this network.
        Offline: they could not be downloaded.
    """
    network: nn.Module
    if name == "cnn":
        network = SmallCNN(classes, image_size=image_size)
    else:
        network = torchvision.models.resnet18(weights=None, num_classes=classes)
    if weights == "download":
        if name != "resnet18":
            raise BadInput("There are no weights to download for the small CNN; train it from scratch.")
        load_download(network, torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url, cache)
    elif weights != "none":
        load_file(network, Path(weights).expanduser())
    return network


class _Stage(nn.Module):
    """Halve the resolution, then one residual block."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = _conv(before, after, stride=2)
        self.first = _conv(after, after)
        last = nn.BatchNorm2d(after)
        nn.init.zeros_(last.weight)  # a block starts as the identity, which trains faster
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, padding=1, bias=False), last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return nn.functional.relu(x + self.second(self.first(x)))


def _conv(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )
