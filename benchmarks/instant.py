"""An instant run on 10,000 embedded samples: how long it takes, and whether speed costs accuracy.

    python benchmarks/instant.py [EMBEDDINGS.npz ...] [--samples 10000 --classes 10]

The first part makes a workspace of synthetic embeddings and times a whole run in a warm process, from reading spec
and snapshot to predictions and model on disk. The second compares the out-of-fold accuracy of the closed-form head
with scikit-learn's logistic regression fitted fold by fold, on the given arrays (``X``: embeddings, ``y``: labels)
or on synthetic ones.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from core.embedding.backbone import WIDTH
from core.embedding.blocks import EmbeddingStore
from core.runs.atomic import write_json
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest
from core.training.__main__ import main as train
from core.training.head import fit, log_loss
from core.training.warm import preload


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("arrays", nargs="*", type=Path)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=10)
    arguments = parser.parse_args()
    x, y = synthetic(arguments.samples, arguments.classes)
    time_run(x, y, arguments.classes)
    for path in arguments.arrays:
        arrays = np.load(path)
        compare(path.stem, arrays["X"].astype(np.float32), np.unique(arrays["y"], return_inverse=True)[1])
    if not arguments.arrays:
        compare("synthetic", x[:1500], y[:1500])


def time_run(x: np.ndarray, y: np.ndarray, classes: int) -> None:
    """Time whole runs, the way a spare process does them."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = WorkspacePaths(Path(folder))
        hashes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(len(x))]
        store = EmbeddingStore(workspace.embeddings)
        for start in range(0, len(x), 1024):
            store.add(hashes[start : start + 1024], x[start : start + 1024])
        began = time.perf_counter()
        store.load(hashes)
        print(f"load {len(x)} embeddings: {time.perf_counter() - began:.2f} s")
        names = tuple(f"class {number}" for number in range(classes))
        samples = pd.DataFrame(
            {
                "sample_id": [f"{number:024x}" for number in range(len(x))],
                "filepath": [f"/nowhere/{number}.jpg" for number in range(len(x))],
                "content_hash": hashes,
                "label": [names[target] for target in y],
                "split": [
                    ("train", "train", "train", "train", "train", "train", "train", "train", "val", "test")[n % 10]
                    for n in range(len(x))
                ],
            }
        ).astype(object)
        snapshot = manifest.Snapshot(manifest.identify(samples, names), "synthetic", names, samples)
        manifest.write(workspace.snapshot(snapshot.id), snapshot)
        preload("light")
        seconds = []
        for number in range(5):
            run = workspace.run(f"run-{number}")
            write_json(run.spec, {"kind": "train", "snapshot": snapshot.id, "options": {"model": "instant"}})
            began = time.perf_counter()
            if train(run.folder) != 0:
                raise SystemExit("the run failed")
            seconds.append(time.perf_counter() - began)
        goal = 10 if len(x) > 10_000 else 1
        print(
            f"instant run: median {np.median(seconds):.2f} s, best {min(seconds):.2f} of {len(seconds)} (goal {goal} s)"
        )


def compare(name: str, x: np.ndarray, y: np.ndarray) -> None:
    """Out-of-fold accuracy and log-loss of ours, and of logistic regression at its best of three strengths."""
    classes = int(y.max()) + 1
    began = time.perf_counter()
    ours = fit(x, y, classes, groups=[str(number) for number in range(len(x))]).out_of_fold
    seconds = time.perf_counter() - began
    report(f"{name}: closed form", ours, y, seconds)
    for strength in (0.01, 0.1, 1.0):
        began = time.perf_counter()
        theirs = np.zeros((len(y), classes), dtype=np.float32)
        for rest, held in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
            centre = x[rest].mean(axis=0)
            scale = np.sqrt(((x[rest] - centre) ** 2).sum(axis=1).mean()) / 10
            model = LogisticRegression(C=strength, max_iter=200).fit((x[rest] - centre) / scale, y[rest])
            theirs[held] = model.predict_proba((x[held] - centre) / scale)
        report(f"{name}: logistic regression, C={strength}", theirs, y, time.perf_counter() - began)


def report(name: str, probabilities: np.ndarray, y: np.ndarray, seconds: float) -> None:
    """One line."""
    accuracy = (probabilities.argmax(axis=1) == y).mean()
    print(f"{name}: accuracy {accuracy:.4f}, log-loss {log_loss(probabilities, y):.4f}, {seconds:.2f} s")


def synthetic(count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings like the backbone's: non-negative, correlated, classes that overlap a little."""
    random = np.random.default_rng(0)
    y = random.integers(0, classes, count)
    centres = random.normal(size=(classes, 64)) * 0.5
    latent = centres[y] + random.normal(size=(count, 64))
    mixing = random.normal(size=(64, WIDTH)) / 8
    return np.maximum(latent @ mixing + 0.2 * random.normal(size=(count, WIDTH)), 0).astype(np.float32), y


if __name__ == "__main__":
    main()
