"""Pipeline efficiency: images a second of an epoch of the product's training over those of the bare network.

    python benchmarks/pipeline.py [--model resnet18 --size 128 --images 128 --rounds 15]

The bare side takes the same steps (forward, backward, optimiser, on the same device) on tensors that lie in memory
ready to be used; ours reads decoded pixels from the cache, augments, normalises, counts and reports. Beside the clock's
ratio stands that of processor time, which other work on the machine spoils less.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.domain.runs import TrainOptions
from core.embedding.blocks import Blocks
from core.runs.layout import WorkspacePaths
from core.runs.members import this_member
from core.runs.worker import Progress
from core.training.batches import Examples
from core.training.devices import make_fabric
from core.training.models import build
from core.training.team import Team
from core.training.trainer import Trainer


def main() -> None:
    """Measure both sides in turn and print the median of the pairs' ratios: a shared machine's speed comes and goes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet18")
    for name, value in (("size", 128), ("images", 128), ("rounds", 15), ("batch", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    options = TrainOptions(model=given.model, image_size=given.size, batch_size=given.batch, progressive=False)
    fabric = make_fabric(options)
    with tempfile.TemporaryDirectory() as scratch:
        examples = stored(Path(scratch), given.images, given.size)
        run = WorkspacePaths(Path(scratch)).run("run-1")
        run.folder.mkdir(parents=True)
        with Progress(run) as progress:
            network = build(options, 2, cache=Path(scratch))
            trainer = Trainer(network, examples, options, fabric, progress, Team(this_member(), fabric.device))
            batches = [
                (examples.images(rows, fabric.device), torch.from_numpy(examples.target[rows]).to(fabric.device))
                for rows in np.array_split(examples.train, len(examples.train) // given.batch)
            ]
            rates: dict[str, list[float]] = {"ours": [], "bare": []}
            costs: dict[str, list[float]] = {"ours": [], "bare": []}
            for turn in range(given.rounds + 1):  # the first warms up
                for name, measured in rates.items():
                    began, processor = time.perf_counter(), time.process_time()
                    if name == "ours":
                        trainer.epoch(given.size)
                        trainer.end_epoch()
                    else:
                        bare(trainer, batches)
                    if fabric.device.type == "cuda":
                        torch.cuda.synchronize()
                    if turn:
                        measured.append(len(examples.train) / (time.perf_counter() - began))
                        costs[name].append(time.process_time() - processor)
    ours, base = (np.array(rates[name]) for name in ("ours", "bare"))
    each = np.array(costs["bare"]) / np.array(costs["ours"])
    print(
        f"{given.model} at {given.size} px on {fabric.device}: ours {np.median(ours):.1f}, bare {np.median(base):.1f} "
        f"images/s; {np.median(ours / base):.2f} in the median of {given.rounds} pairs, by processor time "
        f"{np.median(each):.2f}"
    )


def bare(trainer: Trainer, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Steps on tensors in memory."""
    for images, target in batches:
        loss = nn.functional.cross_entropy(trainer._wrapped(images).float(), target)
        trainer._optimizer.zero_grad(set_to_none=True)
        trainer._fabric.backward(loss)
        trainer._optimizer.step()


def stored(folder: Path, count: int, size: int) -> Examples:
    """Noise as decoded pixels in the cache's own files."""
    blocks = Blocks(folder / "pixels", (size, size, 3), "u1")
    names = [f"{number:064x}" for number in range(count)]
    blocks.add(names, np.random.default_rng(0).integers(0, 255, (count, size, size, 3), dtype=np.uint8))
    located = blocks.locate(names)
    return Examples(
        batch=lambda rows: torch.from_numpy(located.read(rows, np.uint8)),
        side=size,
        target=np.arange(count) % 2,
        train=np.arange(count),
        val=np.arange(0),
        classes=2,
    )


if __name__ == "__main__":
    main()
