"""Evaluation of 100,000 predictions over 10 and over 1,000 classes: figures with intervals, comparison, curves, memory.

The peer is scikit-learn's ``classification_report`` with the same matrix, without intervals.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import psutil
from sklearn.metrics import classification_report, confusion_matrix

from core.evaluation import calibration, thresholds
from core.evaluation.comparison import compare
from core.evaluation.metrics import evaluate
from core.evaluation.scores import score
from core.runs import predictions as files
from core.runs.predictions import Predictions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--classes", type=int, nargs="*", default=[10, 1000])
    arguments = parser.parse_args()
    samples = arguments.samples
    print(f"load {os.getloadavg()[0]:.1f}, {samples:,} predictions; by the clock, and processor seconds")
    for classes in arguments.classes:
        old, new = made(samples, classes, 0), made(samples, classes, 1)
        evaluation = evaluate(new)
        print(f"{classes:,} classes:")
        took("matrix", lambda run=new: evaluate(run))
        ours = took("all figures with intervals", lambda run=new, known=evaluation: score(run, known))
        took(
            "comparison, 10,000 bootstrap samples",
            lambda a=old, b=new: compare(a.answers, b.answers, names=("a", "b"), split="test"),
        )
        right = new.predicted == new.label
        took(
            "reliability and ECE with interval", lambda run=new, hit=right: calibration.reliability(run.confidence, hit)
        )
        first = new.probabilities[:, 0]
        took("ROC and PR of one class", lambda s=first, own=new.label == "c0": thresholds.curves(s, own))
        label, said = new.label.astype(str), new.predicted.astype(str)

        def peer(true: np.ndarray = label, pred: np.ndarray = said) -> None:
            confusion_matrix(true, pred)
            classification_report(true, pred, zero_division=0)

        theirs = took("scikit-learn: matrix and report", peer, rounds=2)
        print(f"  scikit-learn takes {theirs / ours:.1f} times as long, without intervals")
    print(f"this process: {psutil.Process().memory_info().rss / 2**20:.0f} MB, with both runs in memory")


def made(samples: int, classes: int, seed: int) -> Predictions:
    """Predictions right in about nine of ten; labels are the same for every seed."""
    labels = np.random.default_rng(7).integers(0, classes, samples)
    random = np.random.default_rng(seed)
    logits = random.standard_normal((samples, classes), dtype=np.float32)
    logits[np.arange(samples), labels] += 3 if classes == 10 else 5
    powers = np.exp(logits)
    names = [f"c{place}" for place in range(classes)]
    return files.make(
        classes=names,
        sample_id=[f"{place:024x}" for place in range(samples)],
        split=["test"] * samples,
        label=[names[place] for place in labels],
        probabilities=powers / powers.sum(axis=1, keepdims=True),
    )


def took(what: str, work: Callable[[], object], rounds: int = 4) -> float:
    """Processor seconds, the best of some rounds, the first not counted; other work beside it changes them little."""
    times, works = [], []
    for _ in range(rounds):
        start, before = time.perf_counter(), time.process_time()
        work()
        times.append(time.perf_counter() - start)
        works.append(time.process_time() - before)
    print(f"  {what:<40} {min(times[1:]):6.3f} s {min(works[1:]):6.3f} s", flush=True)
    return min(works[1:])


if __name__ == "__main__":
    main()
