"""How often the calibration error's 95 % interval holds the truth, simulated; the peer is the plain bootstrap's.

A setting is a law of confidences, a law of the gap between confidence and accuracy, and a number of images. The truth
is the binned error of four million draws.
"""

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np

from core.evaluation.calibration import BINS, reliability

Rows = np.ndarray

CONFIDENCES: dict[str, Callable[[np.random.Generator, int], Rows]] = {
    "even": lambda random, n: random.uniform(0.3, 0.95, n),
    "high": lambda random, n: 0.5 + 0.5 * random.beta(5, 1.2, n),
}
GAPS: dict[str, Callable[[Rows], Rows]] = {
    "none": lambda sure: 0 * sure,
    "3 points": lambda sure: 0 * sure + 0.03,
    "10 points": lambda sure: 0 * sure + 0.1,
    "20 points": lambda sure: 0 * sure + 0.2,
    "growing": lambda sure: 0.4 * (sure - 0.5),
    "waving": lambda sure: 0.1 * np.sin(6 * sure),
    "at the top": lambda sure: np.where(sure > 0.9, 0.15, 0.02),
}


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--images", type=int, nargs="*", default=[200, 1000, 5000])
    parser.add_argument("--resamples", type=int, default=200, help="of the bootstrap; 0 leaves the peer out")
    arguments = parser.parse_args()
    ours, peers = [], []
    for (law, confidences), (kind, gap) in product(CONFIDENCES.items(), GAPS.items()):
        true = _error(*_draw(np.random.default_rng(99), confidences, gap, 4_000_000, certain=True))
        for images in arguments.images:
            random, held, peer, width = np.random.default_rng(images), 0, 0, 0.0
            for _ in range(arguments.draws):
                sure, right = _draw(random, confidences, gap, images)
                found = reliability(sure, right).ece
                held += found.low <= true <= found.high
                width += found.high - found.low
                if arguments.resamples:
                    low, high = _bootstrap(random, sure, right, arguments.resamples)
                    peer += low <= true <= high
            ours.append(100 * held / arguments.draws)
            line = f"{law:5} gap {kind:10} {images:5} images: truth {true:.3f}, held {ours[-1]:5.1f} %, "
            line += f"width {width / arguments.draws:.3f}"
            if arguments.resamples:
                peers.append(100 * peer / arguments.draws)
                line += f", bootstrap {peers[-1]:5.1f} %"
            print(line, flush=True)
    for name, shares in (("ours", np.array(ours)), ("bootstrap", np.array(peers))):
        if not len(shares):
            continue
        inside = ((shares >= 93) & (shares <= 97)).sum()
        print(
            f"{name}: {inside} of {len(shares)} settings in 93 to 97, least {shares.min():.1f}, most {shares.max():.1f}"
        )


def _draw(
    random: np.random.Generator,
    confidences: Callable[[np.random.Generator, int], Rows],
    gap: Callable[[Rows], Rows],
    images: int,
    *,
    certain: bool = False,
) -> tuple[Rows, Rows]:
    """Confidences and what came of them; with ``certain`` the chances themselves."""
    sure = confidences(random, images)
    chance = np.clip(sure - gap(sure), 0, 1)
    return sure, chance if certain else random.random(images) < chance


def _error(sure: Rows, right: Rows) -> float:
    place = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return float(np.abs(np.bincount(place, right - sure, BINS)).sum() / len(sure))


def _bootstrap(random: np.random.Generator, sure: Rows, right: Rows, resamples: int) -> tuple[float, float]:
    rows = random.integers(0, len(sure), (resamples, len(sure)))
    low, high = np.quantile([_error(sure[one], right[one]) for one in rows], (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
