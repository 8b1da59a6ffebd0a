"""What a run will take, before it is started: seconds and memory, from earlier runs or from what the device can do.

No torch. An earlier run of the same model on the same device is worth more than any reckoning, and every run that
ends makes the next estimate better.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any, Literal

import numpy as np

from core.domain.errors import BadInput
from core.domain.models import INSTANT, ModelInfo, model_info
from core.domain.runs import TrainOptions
from core.embedding.backbone import usable_cores
from core.training.schedule import phase_of, side_at

Basis = Literal["this model's runs", "other runs", "reckoned"]

RATE_STEPS = 60  # that the learning rate finder takes
_BACKWARD = 3.0  # times the cost of a forward pass
_HEAD_ALONE = 1.3  # a body that does not learn is only run forward
_GPU_SPEED = 20_000.0  # GFLOP/s that a network in half precision gets out of a usual GPU, before one was measured
_CPU_SHARE = 0.3  # of what a matrix product reaches, that a network does
_DECODED = 120.0  # images a second and core
_EMBEDDED = 12.0  # images a second and core
_START, _EXPORT = 6.0, 4.0  # seconds: imports and weights; the ONNX file
_PROCESS = {"cpu": 0.6e9, "cuda": 0.9e9}  # bytes that torch takes before it does anything
_UNKNOWN = (25e6, 4.0, 90.0)  # parameters, GFLOP and MB an image of a network that nothing is known of


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run: its recipe, its metrics lines and its last status."""

    options: TrainOptions
    metrics: Sequence[Mapping[str, Any]]
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """``seconds`` of the whole run, ``memory`` in bytes (of the GPU where it trains there), and what they rest on."""

    seconds: float
    memory: int
    device: str
    basis: Basis


def estimate(options: TrainOptions, *, train: int, samples: int, past: Sequence[Past], device: str) -> Estimate:
    """What ``options`` will take on ``samples`` images, ``train`` of them to learn from; ``past`` is newest first."""
    if options.model == INSTANT:
        return Estimate(2.0 + samples / (_EMBEDDED * usable_cores()), int(0.5e9), "cpu", "reckoned")
    if options.device != "auto":
        device = options.device.partition(":")[0]
    speed, basis = _speed(options, past, device)
    work = sum(_epoch_cost(options, epoch) for epoch in range(1, options.epochs + 1)) * train
    work += samples * _cost(options.info, options.image_size)
    if options.find_rate:
        images = RATE_STEPS * min(options.batch_size, max(1, train))
        work += images * _cost(options.info, options.image_size) * _BACKWARD
    preparing = samples / (_DECODED * usable_cores())
    seconds = _START + preparing + work / speed + _EXPORT
    return Estimate(seconds, _memory(options, past, device), device, basis)


def embedding_seconds(missing: int) -> float:
    """How long embedding ``missing`` images takes, which an instant run does first."""
    return missing / (_EMBEDDED * usable_cores())


@cache
def calibrate() -> float:
    """GFLOP/s that this processor gives a network, by a matrix product of a tenth of a second."""
    one = np.random.default_rng(0).normal(size=(768, 768)).astype(np.float32)
    one @ one
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < 0.1:
        one @ one
        done += 1
    return _CPU_SHARE * done * 2 * 768**3 / 1e9 / (time.perf_counter() - began)


def past_run(
    options: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], status: Mapping[str, Any]
) -> Past | None:
    """An earlier run out of its folder's documents; ``None`` where it says nothing of speed."""
    try:
        read = TrainOptions.read(options)
    except BadInput:  # of another version
        return None
    return Past(read, metrics, status) if metrics and read.model != INSTANT else None


def _speed(options: TrainOptions, past: Sequence[Past], device: str) -> tuple[float, Basis]:
    here = [one for one in past if one.status.get("device", "cpu") == device]
    for chosen, basis in (
        ([one for one in here if one.options.model == options.model][:3], "this model's runs"),
        (here[:5], "other runs"),
    ):
        speeds = [speed for one in chosen if (speed := _measured(one)) > 0]
        if speeds:
            return median(speeds), basis  # type: ignore[return-value]  # one of two of its words
    return (_GPU_SPEED if device == "cuda" else calibrate()), "reckoned"


def _measured(one: Past) -> float:
    """GFLOP/s of an earlier run, by its epochs after the first, which also waits for the first images."""
    lines = one.metrics[1:] or one.metrics
    info = one.options.info
    speeds = [
        float(line["images_per_second"])
        * _cost(info, int(line.get("image_size") or one.options.image_size))
        * (_HEAD_ALONE if phase_of(int(line["epoch"]), one.options).frozen else _BACKWARD)
        for line in lines
        if line.get("images_per_second")
    ]
    return median(speeds) if speeds else 0.0


def _epoch_cost(options: TrainOptions, epoch: int) -> float:
    """GFLOP of one image in ``epoch``."""
    side = side_at(epoch, options.epochs, options.image_size, multiple=1 if options.grows else 0)
    return _cost(options.info, side) * (_HEAD_ALONE if phase_of(epoch, options).frozen else _BACKWARD)


def _cost(info: ModelInfo, side: int) -> float:
    return (info.gflops or _UNKNOWN[1]) * (side / info.size) ** 2


def _memory(options: TrainOptions, past: Sequence[Past], device: str) -> int:
    info = model_info(options.model)
    parameters = info.parameters or _UNKNOWN[0]
    copies = 2 + (1 if options.optimizer == "sgd" else 2) + (1 if options.ema else 0)
    images = (info.activations or _UNKNOWN[2]) * 1e6 * (options.image_size / info.size) ** 2 * options.batch_size
    reckoned = _PROCESS.get(device, 0.6e9) + parameters * 4 * copies + images * (0.6 if device == "cuda" else 1.3)
    same = ("model", "image_size", "batch_size", "optimizer", "ema", "precision")
    for one in past:
        alike = all(getattr(one.options, name) == getattr(options, name) for name in same)
        if alike and one.status.get("device", "cpu") == device and one.status.get("memory"):
            return int(one.status["memory"])
    return int(reckoned)
