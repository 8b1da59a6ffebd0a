"""The convolutional networks that are built here: ours, the two published ones, a layer table, a ResNet by blocks."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from core.domain.layers import Layer, parse_layers

WIDTHS = (32, 64, 128, 224)
_SMALL_IMAGE = 48  # up to this size the first layer keeps the resolution


class SmallCNN(nn.Module):
    """A residual network of 1.6 million parameters: a stem, three stages of one block, an average, a linear head."""

    def __init__(self, outputs: int, *, image_size: int) -> None:
        super().__init__()
        stem = WIDTHS[0]
        self.stem = _conv(3, stem, stride=1 if image_size <= _SMALL_IMAGE else 2)
        self.stages = nn.Sequential(*[_Stage(a, b) for a, b in pairwise(WIDTHS)])
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(WIDTHS[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of normalised images (n, 3, size, size)."""
        features = self.stages(self.stem(images)).mean(dim=(2, 3))
        logits: Tensor = self.fc(self.dropout(features))
        return logits


class HobbyCNN(nn.Module):
    """Five times convolution, pool, ReLU, then one linear layer on all that is left: HowToSD's ComfyUI-Pt-Wrapper.

    The pool stands before the ReLU, as published. 1,634,114 parameters at 256 px with two outputs.
    """

    def __init__(self, outputs: int, *, image_size: int) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 256, 512)
        self.blocks = nn.Sequential(
            *[
                nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.MaxPool2d(2), nn.ReLU())
                for before, after in pairwise(widths)
            ]
        )
        for module in self.blocks.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        self.grid = image_size // 2 ** (len(widths) - 1)
        self.fc = nn.Linear(widths[-1] * self.grid**2, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of images (n, 3, size, size)."""
        logits: Tensor = self.fc(_on_grid(self.blocks(images), self.grid).flatten(1))
        return logits


class SharedCNN(nn.Module):
    """Convolution, ReLU, BatchNorm, pool; the third block is one and the same four times over.

    2,668,418 parameters at 224 px with two outputs. The shared BatchNorm mixes the statistics of four resolutions,
    as published.
    """

    def __init__(self, outputs: int, *, image_size: int) -> None:
        super().__init__()
        self.first, self.second, self.shared = _post_norm(3, 64), _post_norm(64, 512), _post_norm(512, 512)
        self.grid = image_size // 2**6
        self.fc = nn.Linear(512 * self.grid**2, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of images (n, 3, size, size)."""
        x = self.second(self.first(images))
        for _ in range(4):
            x = self.shared(x)
        logits: Tensor = self.fc(_on_grid(x, self.grid).flatten(1))
        return logits


class LayerCNN(nn.Module):
    """The network of a layer table (core.domain.layers); the last linear layer is added to it."""

    def __init__(self, outputs: int, *, table: str, image_size: int) -> None:
        super().__init__()
        layers = parse_layers(table)
        spatial = [layer for layer in layers if layer.kind in ("conv", "pool")]
        first_flat = next((n for n, layer in enumerate(layers) if layer.kind in ("average", "dense")), len(layers))
        body: list[nn.Module] = []
        width = 3
        for layer in layers[:first_flat]:
            body.append(_layer(layer, width))
            width = layer.width if layer.kind == "conv" else width
        self.body = nn.Sequential(*body)
        self.average = first_flat < len(layers) and layers[first_flat].kind == "average"
        self.grid = _grid(spatial, image_size)
        wide = width if self.average else width * self.grid**2
        tail: list[nn.Module] = []
        for layer in layers[first_flat:]:
            if layer.kind == "dense":
                tail += [nn.Linear(wide, layer.width), nn.ReLU()]
                wide = layer.width
            elif layer.kind == "dropout":
                tail.append(nn.Dropout(layer.share))
        self.tail = nn.Sequential(*tail)
        self.fc = nn.Linear(wide, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of normalised images (n, 3, size, size)."""
        x = self.body(images)
        x = x.mean(dim=(2, 3)) if self.average else _on_grid(x, self.grid).flatten(1)
        logits: Tensor = self.fc(self.tail(x))
        return logits


class BlockResNet(nn.Module):
    """A ResNet for small images: a 3x3 stem of 64, stages of 64, 128 and 256 with ``blocks`` basic blocks each."""

    def __init__(self, outputs: int, *, blocks: int) -> None:
        super().__init__()
        self.stem = _conv(3, 64)
        self.layer1 = _basic_blocks(64, 64, blocks, stride=1)
        self.layer2 = _basic_blocks(64, 128, blocks, stride=2)
        self.layer3 = _basic_blocks(128, 256, blocks, stride=2)
        self.fc = nn.Linear(256, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of normalised images (n, 3, size, size)."""
        logits: Tensor = self.fc(self.layer3(self.layer2(self.layer1(self.stem(images)))).mean(dim=(2, 3)))
        return logits


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


class _BasicBlock(nn.Module):
    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.first = _conv(before, after, stride=stride)
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.shortcut(x) + self.second(self.first(x)))


def _basic_blocks(before: int, after: int, count: int, *, stride: int) -> nn.Sequential:
    rest = [_BasicBlock(after, after, stride=1) for _ in range(count - 1)]
    return nn.Sequential(_BasicBlock(before, after, stride=stride), *rest)


def _conv(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )


def _post_norm(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(after), nn.MaxPool2d(2))


def _layer(layer: Layer, width: int) -> nn.Module:
    if layer.kind == "pool":
        return nn.MaxPool2d(2, ceil_mode=True)  # one pixel stays one pixel
    if layer.kind == "dropout":
        return nn.Dropout(layer.share)
    conv = nn.Conv2d(width, layer.width, layer.kernel, layer.stride, padding=layer.kernel // 2, bias=layer.plain)
    return (
        nn.Sequential(conv, nn.ReLU()) if layer.plain else nn.Sequential(conv, nn.BatchNorm2d(layer.width), nn.ReLU())
    )


def _grid(spatial: list[Layer], side: int) -> int:
    for layer in spatial:
        side = -(-side // (2 if layer.kind == "pool" else layer.stride))
    return side


def _on_grid(features: Tensor, grid: int) -> Tensor:
    """Features as wide as the linear layer behind them wants: the small images of early epochs give less."""
    if features.shape[-1] == grid:
        return features
    return nn.functional.interpolate(features, size=(grid, grid), mode="bilinear", align_corners=False)


def append_zero(_: nn.Module, __: tuple[Tensor, ...], logit: Tensor) -> Tensor:
    """A forward hook: the single logit z of two classes as the two logits (0, z), whose softmax is the sigmoid of z."""
    return torch.cat([torch.zeros_like(logit), logit], dim=1)
