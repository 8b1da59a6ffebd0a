"""``python -m core.training.explain RUNDIR REQUEST``: where in each image a run saw its class, as pictures.

Grad-CAM (Selvaraju et al. 2017) on the last layer that still has a place in the image for each value: feature maps of
convolutional networks, tokens of transformers. For the instant head on its backbone it is the class activation map
(Zhou et al. 2016), which Grad-CAM equals there.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from core.embedding.backbone import BACKBONE_ID, MEAN, STD, picture
from core.embedding.pictures import Pixels, UnreadableImage, squeezed
from core.runs.atomic import read_json, write_json, written_aside
from core.runs.layout import RunPaths
from core.training import checkpoints
from core.training.models import build
from core.training.task import read_task

BATCH = 8
ERROR = "error.json"  # beside the pictures: why there are none
SIDE = 256  # of the pictures written, in pixels
_STRENGTH = 0.6
_COLOURS = np.array([[0, 0, 80], [0, 110, 200], [80, 190, 120], [250, 220, 60], [230, 60, 20]], dtype=np.float32)

Maps = npt.NDArray[np.float32]


def grad_cam(network: nn.Module, images: Tensor, classes: Tensor | None = None) -> tuple[Maps, Tensor]:
    """Heat maps (n, rows, columns) in [0, 1] and the classes (n,) that they are of: ``classes``, else the predicted.

    ``network`` is in eval mode, ``images`` (n, 3, size, size) are as it wants them.

    Raises:
        ValueError: no layer of it keeps places apart.
    """
    seen: list[Tensor] = []

    def keep(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if not isinstance(output, Tensor) or not output.requires_grad or _grid(output) is None:
            return None
        seen.append(output)
        return output.clone()  # a later layer may write into its input

    handles = [module.register_forward_hook(keep) for module in network.modules()]
    try:
        with torch.enable_grad():
            logits = network(images.detach().requires_grad_())
            chosen = logits.argmax(dim=1) if classes is None else classes
            score = logits.gather(1, chosen[:, None]).sum()
    finally:
        for handle in handles:
            handle.remove()
    for values in reversed(seen):
        placed = _placed(values)
        if placed.shape[-1] * placed.shape[-2] < 4:
            continue
        # Slopes of this layer alone: going back to the first would take twice as long as all else.
        (slope,) = torch.autograd.grad(score, values, retain_graph=True, allow_unused=True)
        if slope is None or not bool(slope.abs().sum() > 0):
            continue  # after the average, or past the last exchange between tokens
        heat = (placed * _placed(slope).mean(dim=(2, 3), keepdim=True)).sum(dim=1).clamp(min=0)
        if bool((heat > 0).any()):
            return _scaled(heat.detach().float().cpu().numpy()), chosen.detach()
    raise ValueError("no layer of this network keeps places apart")


def overlay(pixels: Pixels, heat: Maps, *, width: int, height: int) -> bytes:
    """The image with its heat map over it, as JPEG."""
    size = (width, height)
    base = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    map_ = Image.fromarray((heat * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    strength = np.asarray(map_, dtype=np.float32) / 255
    place = strength * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(np.int64), len(_COLOURS) - 2)
    part = (place - low)[..., None]
    colours = _COLOURS[low] * (1 - part) + _COLOURS[low + 1] * part
    share = _STRENGTH * strength[..., None]
    buffer = io.BytesIO()
    Image.fromarray((base * (1 - share) + colours * share).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def explain(run: RunPaths, request: Sequence[tuple[str, str]], out: Path) -> int:
    """Write a picture for each (sample id, file) that can be read; returns how many."""
    card = read_json(run.model_card) or {}
    written = 0
    for ids, pixels, shapes, heats in (_by_head if card.get("input") == "embedding" else _by_network)(run, request):
        for sample_id, one, (width, height), heat in zip(ids, pixels, shapes, heats, strict=True):
            scale = SIDE / max(width, height)
            picture_ = overlay(one, heat, width=max(1, round(width * scale)), height=max(1, round(height * scale)))
            with written_aside(out / f"{sample_id}.jpg") as aside:
                aside.write_bytes(picture_)
            written += 1
    return written


_Read = tuple[list[str], list[Pixels], list[tuple[int, int]]]
_Part = tuple[list[str], list[Pixels], list[tuple[int, int]], Maps]


def _by_network(run: RunPaths, request: Sequence[tuple[str, str]]) -> Iterator[_Part]:
    task = read_task(run)
    built = build(replace(task.options, weights="none"), len(task.classes), cache=run.workspace.cache)
    checkpoints.load_best(run, built.module)
    built.module.eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (built.mean, built.std))
    size = task.options.image_size
    for ids, pixels, shapes in _read(request, lambda path: squeezed(path, size)):
        images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
        yield ids, pixels, shapes, grad_cam(built.module, (images - mean) / std)[0]


def _by_head(run: RunPaths, request: Sequence[tuple[str, str]]) -> Iterator[_Part]:
    import onnx
    from onnx import numpy_helper

    from core.embedding.export import Embedder

    card = read_json(run.model_card)
    if card["backbone"] != BACKBONE_ID:
        raise ValueError(f"{run.name} was trained on another backbone")
    weight = next(one for one in onnx.load(str(run.model)).graph.initializer if one.name == "weight")
    columns = torch.from_numpy(numpy_helper.to_array(weight).copy())
    backbone = Embedder()
    for ids, pixels, _ in _read(request, picture):
        with torch.inference_mode():
            images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float()
            features = backbone.network.extract_features(images * (1 / (255 * STD)) - MEAN / STD)
            chosen = (features.mean(dim=(2, 3)) @ columns).argmax(dim=1)
            centred = columns - columns.mean(dim=1, keepdim=True)  # against the other classes
            heat = torch.einsum("nchw,cn->nhw", features, centred[:, chosen]).clamp(min=0)
        yield ids, pixels, [(one.shape[1], one.shape[0]) for one in pixels], _scaled(heat.numpy())


def _read(request: Sequence[tuple[str, str]], read: Callable[[Path], Pixels]) -> Iterator[_Read]:
    for start in range(0, len(request), BATCH):
        ids: list[str] = []
        pixels: list[Pixels] = []
        shapes: list[tuple[int, int]] = []
        for sample_id, path in request[start : start + BATCH]:
            try:
                pixels.append(read(Path(path)))
                with Image.open(path) as header:
                    shapes.append(header.size)
            except (UnreadableImage, OSError):
                pixels = pixels[: len(ids)]
                continue
            ids.append(sample_id)
        if ids:
            yield ids, pixels, shapes


def _grid(values: Tensor) -> int | None:
    """How many places a layer's output tells apart; ``None`` where it has none."""
    if values.dim() == 4:
        return int(values.shape[2] * values.shape[3])
    if values.dim() == 3:
        side = round((values.shape[1] - 1) ** 0.5)
        return side * side if side > 1 and side * side == values.shape[1] - 1 else None
    return None


def _placed(values: Tensor) -> Tensor:
    """(n, channels, rows, columns); a transformer's tokens laid out again, without its class token."""
    if values.dim() == 4:
        return values
    side = round((values.shape[1] - 1) ** 0.5)
    return values[:, 1:].transpose(1, 2).reshape(len(values), -1, side, side)


def _scaled(heat: Maps) -> Maps:
    top = heat.max(axis=(1, 2), keepdims=True)
    return np.asarray(heat / np.maximum(top, 1e-12), dtype=np.float32)


def main(arguments: Sequence[str]) -> int:
    """RUNDIR REQUEST: a JSON of ``out`` (a folder) and ``samples`` (pairs of id and file)."""
    if hasattr(os, "nice"):
        os.nice(5)  # somebody is looking at the pages meanwhile
    request = read_json(Path(arguments[1]))
    if not isinstance(request, dict):
        return 2
    out = Path(request["out"])
    try:
        explain(RunPaths(Path(arguments[0])), [(str(i), str(p)) for i, p in request["samples"]], out)
    except Exception as error:  # whatever it is, somebody waits for a picture and is to read why there is none
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        write_json(out / ERROR, {"sentence": f"{reason[:1].upper()}{reason[1:].rstrip('.')}."})
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
