"""Recipes that come with labelloop, and recipes as files: JSON or TOML, a field a line."""

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from core.domain.errors import BadInput
from core.domain.models import INSTANT, model_info
from core.domain.runs import FIELDS, TrainOptions

_LARGEST = 100_000  # bytes of a recipe file


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe with a name. ``parameters`` is what it trains with two classes; ``source`` says who published it."""

    name: str
    title: str
    meaning: str
    options: TrainOptions
    parameters: int
    source: str = ""


PRESETS: tuple[Preset, ...] = (
    Preset("quick", "Quick", "A linear head on features of the shipped network. Start here.", TrainOptions(), 2_562),
    Preset(
        "balanced",
        "Balanced",
        "The shipped network, its head first and then the whole of it, on smaller images.",
        TrainOptions(
            model="efficientnet-lite0",
            image_size=160,
            epochs=4,
            fine_tuning="two-phase",
            head_epochs=1,
            layer_decay=0.9,
            ema=0.98,
        ),
        parameters=3_373_570,
    ),
    Preset(
        "best",
        "Best",
        "The same network at full size for longer, with blended images and averaged weights.",
        TrainOptions(
            model="efficientnet-lite0",
            image_size=224,
            epochs=10,
            fine_tuning="two-phase",
            head_epochs=1,
            layer_decay=0.9,
            mixup=0.2,
            ema=0.99,
            patience=4,
        ),
        parameters=3_373_570,
    ),
    Preset(
        "small-cnn",
        "Small CNN",
        "A small network trained from nothing but your images.",
        TrainOptions(model="cnn", epochs=20),
        parameters=1_625_890,
    ),
    Preset(
        "resnet18",
        "ResNet-18",
        "A classic network, from nothing but your images.",
        TrainOptions(model="resnet18", epochs=20),
        parameters=11_177_538,
    ),
    Preset(
        "hobby-cnn",
        "Hobby CNN",
        "Five plain convolution blocks, with the published settings.",
        TrainOptions(
            model="hobby-cnn",
            image_size=256,
            epochs=20,
            batch_size=8,
            learning_rate=1e-4,
            optimizer="adam",
            weight_decay=0.0,
            schedule="constant",
            warm_up=0.0,
            label_smoothing=0.0,
            augmentation="none",
            normalise="none",
            progressive=False,
            monitor="loss",
        ),
        parameters=1_634_114,
        source="ComfyUI-Pt-Wrapper, cats and dogs: accuracy 0.985 on 200 images",
    ),
    Preset(
        "shared-cnn",
        "Shared-block CNN",
        "One block applied four times, with the published settings.",
        TrainOptions(
            model="shared-cnn",
            image_size=224,
            epochs=20,
            batch_size=32,
            learning_rate=1e-4,
            optimizer="adam",
            weight_decay=0.0,
            schedule="constant",
            warm_up=0.0,
            label_smoothing=0.0,
            augmentation="trivial",
            normalise="none",
            progressive=False,
            seed=42,
        ),
        parameters=2_668_418,
        source="cat-and-dog of Kaggle: accuracy 0.932 on its test images",
    ),
    Preset(
        "block-resnet",
        "ResNet for small images",
        "Three stages of ten blocks at 32 px, with the published settings; wants a GPU.",
        TrainOptions(
            model="block-resnet",
            blocks=10,
            image_size=32,
            epochs=200,
            batch_size=128,
            learning_rate=1e-3,
            optimizer="adam",
            weight_decay=0.0,
            warm_up=0.0,
            label_smoothing=0.0,
            augmentation="custom",
            shift=0.125,
            zoom=0.0,
            colour=0.0,
            progressive=False,
        ),
        parameters=15_176_258,
        source="ComfyUI-Pt-Wrapper, CIFAR-10: accuracy 0.943",
    ),
)

NETWORKS = tuple(one for one in PRESETS if one.options.model != INSTANT)


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises:
        BadInput: there is none.
    """
    found = next((one for one in PRESETS if one.name == name.strip().lower()), None)
    if found is None:
        raise BadInput(f"There is no preset {name!r}; there are {', '.join(one.name for one in PRESETS)}.")
    return found


def usual(model: str) -> TrainOptions:
    """How a model is trained where nobody says more: by its first preset; one without any, at its own image size.

    Raises:
        BadInput: there is no such model.
    """
    found = next((one.options for one in PRESETS if one.options.model == model), None)
    return found or TrainOptions(model=model, image_size=model_info(model).size)


def read_recipe(path: Path) -> TrainOptions:
    """The recipe in a .json or .toml file; ``preset = "balanced"`` in it says what its other lines change.

    Raises:
        BadInput: the file is gone, is neither, or holds what no recipe has.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput(f"{path.name} is too large for a recipe.")
        words = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The recipe {str(path)!r} cannot be read.") from error
    return parse_recipe(path.name, words)


def parse_recipe(name: str, words: str) -> TrainOptions:
    """The recipe in the text of a file called ``name``: JSON, or TOML where the name says so.

    Raises:
        BadInput: it is neither, or holds what no recipe has.
    """
    try:
        document = tomllib.loads(words) if name.lower().endswith(".toml") else json.loads(words)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{name} is neither JSON nor TOML that can be read: {error}.") from error
    if not isinstance(document, dict):
        raise BadInput(f"{name} holds no table of fields.")
    base = asdict(preset(str(document.pop("preset"))).options) if "preset" in document else {}
    return TrainOptions.read({**base, **document})


def as_toml(options: TrainOptions) -> str:
    """A recipe as the text of a .toml file: what differs from the defaults, each line with its meaning."""
    lines = []
    for name, described in FIELDS.items():
        value = getattr(options, name)
        if name == "model" or value != described.default:
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}  # {described.meaning}")
    return "\n".join(lines) + "\n"
