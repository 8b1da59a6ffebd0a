"""The map of a dataset: seconds to lay out embeddings, whole and going on, beside scikit-learn's t-SNE.

    python benchmarks/mapping.py [--images 10000] [--peer 10000]

Made-up embeddings of 1,280 numbers in 100 groups. Ours as the job does it: the strongest directions, then openTSNE;
"going on" is the map after a tenth more images came. scikit-learn lays out the same directions at the same perplexity.
Trustworthiness (Venna and Kaski, 2001; scikit-learn's, of 12 neighbours, on 2,000 of the images) says how many of those
that lie close on the map are close in truth: 1 is all.
"""

import argparse
import os
import time

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

from core.embedding.mapping import directions, lay_out

WIDTH, GROUPS = 1280, 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--peer", type=int, default=10_000, help="images that scikit-learn lays out; 0 for none")
    given = parser.parse_args()
    random = np.random.default_rng(0)
    centres = random.normal(size=(GROUPS, WIDTH))
    vectors = centres[random.integers(0, GROUPS, given.images)] + random.normal(size=(given.images, WIDTH)) * 1.5
    vectors = vectors.astype(np.float32)
    few = given.images * 10 // 11

    places, seconds = _timed(lambda: lay_out(directions(vectors[:few]), advanced=lambda _: None))
    print(f"{few:,} images, whole: {seconds:.1f} s", flush=True)
    start = np.full((given.images, 2), np.nan)
    start[:few] = places
    _, seconds = _timed(lambda: lay_out(directions(vectors), start=start, advanced=lambda _: None))
    print(f"{given.images:,} images, going on: {seconds:.1f} s", flush=True)
    places, ours = _timed(lambda: lay_out(directions(vectors), advanced=lambda _: None))
    print(f"{given.images:,} images, whole: {ours:.1f} s, {_trusted(vectors, places)}", flush=True)
    if given.peer:
        along = directions(vectors[: given.peer])
        theirs = TSNE(perplexity=30.0, random_state=0, n_jobs=-1)
        places, seconds = _timed(lambda: theirs.fit_transform(along))
        print(f"scikit-learn, {given.peer:,} images: {seconds:.1f} s, {_trusted(vectors[: given.peer], places)}")
        print(f"ratio {seconds / ours:.1f}; load {os.getloadavg()[0]:.1f}")


def _timed(work):
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _trusted(vectors, places) -> str:
    chosen = np.random.default_rng(1).choice(len(vectors), min(2_000, len(vectors)), replace=False)
    return f"trustworthiness {trustworthiness(vectors[chosen], places[chosen], n_neighbors=12):.3f}"


if __name__ == "__main__":
    main()
