"""The layer table of a CNN, as text: "conv 32, pool, conv 64 5x5 /2, average, dropout 0.2, dense 128"."""

import re
from dataclasses import dataclass
from typing import Literal

from core.domain.errors import BadInput

LayerKind = Literal["conv", "pool", "average", "dropout", "dense"]
_MOST = 100
_CONV = re.compile(r"conv (\d+)(?: (\d+)(?:x(\d+))?)?(?: /(\d+))?( plain)?")


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of the table. ``plain``: a convolution without BatchNorm; ``share`` is of dropout."""

    kind: LayerKind
    width: int = 0
    kernel: int = 3
    stride: int = 1
    plain: bool = False
    share: float = 0.0


def parse_layers(table: str) -> tuple[Layer, ...]:
    """The layers of a table; they stand between commas, semicolons or on lines of their own.

    Raises:
        BadInput: a line that is none, or a table that no network can be made of.
    """
    lines = [" ".join(line.lower().split()) for line in re.split(r"[,;\n]", table) if line.strip()]
    layers = tuple(map(_parsed, lines))
    if not layers or len(layers) > _MOST:
        raise BadInput(f"A layer table has from one to {_MOST} layers, not {len(layers)}.")
    kinds = [layer.kind for layer in layers]
    if "conv" not in kinds:
        raise BadInput("A layer table needs at least one convolution, such as: conv 32.")
    flat = next((place for place, kind in enumerate(kinds) if kind in ("average", "dense")), len(kinds))
    if "conv" in kinds[flat:] or "pool" in kinds[flat:]:
        raise BadInput("In a layer table no conv or pool may follow average or dense.")
    return layers


def _parsed(line: str) -> Layer:
    if match := _CONV.fullmatch(line):
        width, kernel, second, stride, plain = match.groups()
        size = int(kernel or 3)
        square = size in range(1, 16, 2) and int(second or size) == size
        if square and 1 <= int(width) <= 4096 and 1 <= int(stride or 1) <= 8:
            return Layer("conv", int(width), size, int(stride or 1), plain is not None)
    elif line in ("pool", "average"):
        return Layer("pool" if line == "pool" else "average")
    elif match := re.fullmatch(r"dropout (0?\.\d+)", line):
        return Layer("dropout", share=float(match.group(1)))
    elif (match := re.fullmatch(r"dense (\d+)", line)) and 1 <= int(match.group(1)) <= 65536:
        return Layer("dense", int(match.group(1)))
    raise BadInput(
        f"The layer table does not know {line!r}; it knows conv WIDTH [3x3] [/STRIDE] [plain], pool, average, "
        "dropout SHARE and dense WIDTH."
    )
