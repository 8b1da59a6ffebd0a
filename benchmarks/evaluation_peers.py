"""Evaluation against FiftyOne's own, and heat maps against a plain library call for each image.

    python benchmarks/evaluation_peers.py fiftyone [--samples 100000]
    python benchmarks/evaluation_peers.py heat [--images 100]

FiftyOne reads labels and predictions out of the database and writes what is right into it; ours reads the run's file.
Both then have the matrix and the figures of each class; ours has their intervals as well. The heat maps are of a
ResNet-18 at 128 pixels: pytorch-grad-cam where it is installed (it is no dependency), one call an image, else a loop of
hooks.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from evaluation import made

from core.runs import predictions as files
from core.services import mongod
from core.store.base import NewSample
from core.workspace import Workspace

PEER = """
import sys, time, logging
import fiftyone as fo
dataset = fo.load_dataset("bench")
start = time.perf_counter()
found = dataset.evaluate_classifications("prediction", gt_field="ground_truth", eval_key="bench")
matrix = found.confusion_matrix()
report = found.report()
print("seconds", time.perf_counter() - start, float(found.metrics()["accuracy"]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("fiftyone", "heat"))
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=100)
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    if arguments.what == "fiftyone":
        against_fiftyone(arguments.samples)
    else:
        heat_maps(arguments.images)


def against_fiftyone(count: int) -> None:
    """Both on the same labels and predictions over 10 classes."""
    from core.evaluation.metrics import evaluate
    from core.evaluation.scores import score

    with tempfile.TemporaryDirectory() as folder, Workspace.open(Path(folder) / "workspace") as workspace:
        rows = made(count, 10, 0)
        info = workspace.store.create("bench", list(rows.classes))
        for start in range(0, count, 5000):
            part = rows.label[start : start + 5000]
            workspace.store.insert(
                info.id,
                [
                    NewSample(
                        f"/{start + at}.jpg", str(label), "test", f"{start + at:064x}", 1, 1, 64, 48, "image/jpeg", "/"
                    )
                    for at, label in enumerate(part)
                ],
            )
        frame = workspace.samples("bench")
        order = np.array([int(content, 16) for content in frame["content_hash"]])
        said = zip(frame["sample_id"], rows.predicted[order], rows.confidence[order], strict=True)
        workspace.store.predict_samples(info.id, {i: (str(name), float(sure)) for i, name, sure in said})
        path = Path(folder) / "predictions.parquet"
        files.write(path, rows)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            read = files.read(path)
            evaluation = evaluate(read)
            score(read, evaluation)
            times.append(time.perf_counter() - start)
        address = mongod.attach_or_start(workspace.paths)
        environment = {
            **os.environ,
            "FIFTYONE_DATABASE_URI": address.uri,
            "FIFTYONE_DATABASE_NAME": mongod.DATABASE,
            "FIFTYONE_DO_NOT_TRACK": "true",
        }
        done = subprocess.run(
            [sys.executable, "-c", PEER], env=environment, capture_output=True, text=True, check=False
        )
        address.stop()
        line = next((one for one in done.stdout.splitlines() if one.startswith("seconds")), "")
        assert line, done.stderr[-2000:]
        theirs, accuracy = map(float, line.split()[1:])
        assert abs(accuracy - evaluation.accuracy) < 1e-9
        print(f"{count:,} predictions over 10 classes, from what is stored to matrix and report")
        print(f"  ours, with intervals, file reading included  {min(times):6.2f} s")
        print(
            f"  FiftyOne's evaluate_classifications          {theirs:6.2f} s: {theirs / min(times):.0f} times as long"
        )


def heat_maps(count: int) -> None:
    """Images a second."""
    import torch
    from torchvision.models import resnet18

    from core.training.explain import BATCH, grad_cam

    torch.manual_seed(0)
    network = resnet18(num_classes=10).eval()
    images = torch.randn(count, 3, 128, 128)
    for parameter in network.parameters():
        parameter.requires_grad_(False)

    def ours() -> None:
        for start in range(0, count, BATCH):
            grad_cam(network, images[start : start + BATCH])

    peer, name = library(network, images)
    rates = {"ours": 0.0, name: 0.0}
    for _ in range(3):
        for what, work in (("ours", ours), (name, peer)):
            start = time.perf_counter()
            work()
            rates[what] = max(rates[what], count / (time.perf_counter() - start))
    print(f"{count} heat maps of a ResNet-18 at 128 pixels")
    for what, rate in rates.items():
        print(f"  {what:<40} {rate:6.1f} images/s")
    print(f"  ours is {rates['ours'] / rates[name]:.1f} times as fast")


def library(network, images):
    """The peer and its name."""
    target = network.layer4[-1]
    if importlib.util.find_spec("pytorch_grad_cam") is not None:
        from pytorch_grad_cam import GradCAM

        def call() -> None:
            with GradCAM(model=network, target_layers=[target]) as cam:
                for one in images:
                    cam(input_tensor=one[None])

        return call, "pytorch-grad-cam, one image a call"

    def plain() -> None:
        import torch

        for one in images:
            kept = []
            handle = target.register_forward_hook(lambda _, __, output, kept=kept: kept.append(output))
            with torch.enable_grad():
                best = network(one[None].requires_grad_()).max()
                (slopes,) = torch.autograd.grad(best, kept[0])
            handle.remove()
            (kept[0] * slopes.mean(dim=(2, 3), keepdim=True)).sum(dim=1).clamp(min=0)

    return plain, "a plain loop of hooks, one image a pass"


if __name__ == "__main__":
    main()
