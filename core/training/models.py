"""From a recipe to a network with its weights: ours, torchvision's, timm's and the bundled one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from core.domain.errors import BadInput, MissingProgram
from core.domain.models import TIMM, TORCHVISION
from core.domain.runs import TrainOptions
from core.training.convnets import BlockResNet, HobbyCNN, LayerCNN, SharedCNN, SmallCNN, append_zero
from core.training.weights import bundled_file, load_download, load_file

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which most pretrained weights expect
_NOTHING = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_LITE = (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)
_TORCHVISION = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "efficientnet-b0": "efficientnet_b0",
    "efficientnet-v2-s": "efficientnet_v2_s",
    "vit-b-16": "vit_b_16",
}
_ONE_SIZE = ("vit_", "swin_", "maxvit_")  # transformers: the weights of their places fit one size of image

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network with what its training must know of it.

    ``head`` begins the names of its last layer's parameters; it sees (pixel / 255 - ``mean``) / ``std``. ``multiple``:
    smaller images of early epochs must have sides of so many pixels; 0: it takes one size only. ``settle``: its
    BatchNorm may begin with plain averages.
    """

    module: nn.Module
    head: str = "fc."
    mean: Numbers = MEAN
    std: Numbers = STD
    multiple: int = 1
    settle: bool = True


def build(options: TrainOptions, classes: int, *, cache: Path) -> Network:
    """The recipe's network with its weights; its output is always (n, ``classes``) logits.

    Raises:
        BadInput: the weights cannot be used with this network, or its output with so many classes.
        Offline: they could not be downloaded.
        MissingProgram: timm is not installed.
    """
    outputs = classes
    if options.head == "single-logit":
        if classes != 2:
            raise BadInput(f"A single-logit output tells two classes apart, not {classes}; choose softmax.")
        outputs = 1
    network = _untrained(options, outputs)
    if options.start == "download":
        if options.model.startswith(TIMM):
            _load_timm(network, options, cache)
        else:
            offered = _models().get_model_weights(_known_to_torchvision(options.model))
            url = next((one for one in offered if one.name == "IMAGENET1K_V1"), offered.DEFAULT).url
            load_download(network.module, url, cache, head=network.head, title=options.info.title)
    elif options.start == "bundled":
        load_file(network.module, bundled_file(), head=network.head)
    elif options.start != "none":
        load_file(network.module, Path(options.start).expanduser(), head=network.head)
    if outputs == 1:
        network.module.register_forward_hook(append_zero)
    return network


def parameters_of(network: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(parameter.numel() for parameter in network.parameters())


def _untrained(options: TrainOptions, outputs: int) -> Network:
    name, size = options.model, options.image_size
    mean, std = _NOTHING if options.normalise == "none" else (MEAN, STD)
    own: dict[str, Any] = {
        "cnn": lambda: SmallCNN(outputs, image_size=size),
        "hobby-cnn": lambda: HobbyCNN(outputs, image_size=size),
        "shared-cnn": lambda: SharedCNN(outputs, image_size=size),
        "layer-cnn": lambda: LayerCNN(outputs, table=options.layers, image_size=size),
        "block-resnet": lambda: BlockResNet(outputs, blocks=options.blocks),
    }
    if name in own:
        multiple = {"hobby-cnn": 32, "shared-cnn": 64}.get(name, 1)
        return Network(own[name](), mean=mean, std=std, multiple=multiple, settle=name != "shared-cnn")
    if name == "efficientnet-lite0":
        if options.normalise == "auto":
            mean, std = _LITE
        return Network(_lite(outputs, size), head="_fc.", mean=mean, std=std, multiple=32)
    if name in _TORCHVISION or name.startswith(TORCHVISION):
        return _torchvision_network(options, outputs, mean, std)
    return _timm_network(options, outputs, mean, std)


def _models() -> Any:
    """Torchvision's networks. Importing them takes longer than torch itself; ours do without."""
    from torchvision import models

    return models


def _known_to_torchvision(name: str) -> str:
    """Its own name for it.

    Raises:
        BadInput: it knows no such network of one image to classes.
    """
    known = _TORCHVISION.get(name, name.removeprefix(TORCHVISION))
    if known not in _models().list_models(module=_models()):
        raise BadInput(f"torchvision knows no network {known!r} that classifies images.")
    if known in ("googlenet", "inception_v3"):
        raise BadInput(f"{known} has more than one last layer, which labelloop cannot train.")
    return known


def _torchvision_network(options: TrainOptions, outputs: int, mean: Numbers, std: Numbers) -> Network:
    known = _known_to_torchvision(options.model)
    sized: dict[str, Any] = {"image_size": options.image_size} if known.startswith("vit_") else {}
    if known.startswith("maxvit_"):
        sized = {"input_size": (options.image_size, options.image_size)}
    try:
        module = _models().get_model(known, weights=None, num_classes=outputs, **sized)
    except (ValueError, AssertionError) as error:  # of the sizes that it takes
        raise BadInput(f"{known} does not take images of {options.image_size} px: {error}.") from error
    last = [name for name, _ in module.named_parameters()][-1]
    return Network(module, f"{last.rpartition('.')[0]}.", mean, std, multiple=0 if known.startswith(_ONE_SIZE) else 1)


def _lite(outputs: int, size: int) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    module: nn.Module = EfficientNet.from_name("efficientnet-lite0", num_classes=outputs, image_size=size)
    return module


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise MissingProgram("Networks of timm's need it installed: pip install labelloop[timm].") from error
    return timm


def _timm_network(options: TrainOptions, outputs: int, mean: Numbers, std: Numbers) -> Network:
    name = options.model.removeprefix(TIMM)
    timm = _timm()
    if name.split(".")[0] not in timm.list_models():
        raise BadInput(f"timm knows no network {name!r}.")
    try:
        module = timm.create_model(name, pretrained=False, num_classes=outputs, img_size=options.image_size)
    except TypeError:  # a convolutional network takes every size
        module = timm.create_model(name, pretrained=False, num_classes=outputs)
    config = module.pretrained_cfg
    if options.normalise == "auto":
        mean, std = tuple(config["mean"]), tuple(config["std"])
    classifier = config["classifier"]
    if not isinstance(classifier, str):
        raise BadInput(f"{name} has more than one last layer, which labelloop cannot train.")
    return Network(module, f"{classifier}.", mean, std, multiple=0)


def _load_timm(network: Network, options: TrainOptions, cache: Path) -> None:
    from core.training.weights import offline

    name = options.model.removeprefix(TIMM)
    try:
        donor = _timm().create_model(name, pretrained=True, cache_dir=str(cache / "weights"))
    except Exception as error:  # timm's hub raises errors of several libraries for a network that is not there
        raise offline(name, error) from error
    from core.training.weights import fill

    fill(network.module, donor.state_dict(), name, head=network.head)
