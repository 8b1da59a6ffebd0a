"""Neighbours over 100,000 embeddings: all pairs above a threshold, the nearest of one, the nearest of each.

    python benchmarks/neighbours.py [--samples 100000] [--skip-among]

The embeddings are made up with a spectrum like real ones: a few strong directions, a long tail, and one sample in fifty
a near copy of another. They lie in an embedding store's files and are read from there. The peer is one plain float32
product of the same rows, measured on a part of it and scaled up, since the whole takes minutes.
"""

import argparse
import hashlib
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from core.embedding.backbone import WIDTH
from core.embedding.blocks import EmbeddingStore
from core.neighbours.nearest import among, nearest
from core.neighbours.pairs import pairs_above
from core.neighbours.vectors import Vectors


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--skip-among", action="store_true")
    arguments = parser.parse_args()
    count = arguments.samples
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddingStore(Path(folder))
        hashes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
        copies = fill(store, hashes)
        located, _ = timed("find them in the store", lambda: store.locate(hashes))
        vectors = Vectors(count, lambda rows: located.read(rows, np.float32))

        few = vectors.unit(slice(0, 2048))
        _, plain = timed("plain product, 2,048 rows", lambda: [few @ chunk.T for _, chunk in vectors.chunks()])
        print(f"    all pairs that way: {plain * count / 2048 / 2:.0f} s")
        pairs, _ = timed("all pairs from 0.95", lambda: pairs_above(vectors, 0.95))
        found = {frozenset(pair) for pair in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)}
        print(f"    {len(pairs)} pairs; {len(copies - found)} of {len(copies)} planted copies missed")
        timed("5 nearest of one", lambda: nearest(vectors, vectors.read(slice(7, 8)), 5))
        if not arguments.skip_among:
            listed, _ = timed("10 nearest of each", lambda: among(vectors, 10))
            near = [set(row) for row in listed.rows.tolist()]
            lost = sum(max(pair) not in near[min(pair)] for pair in copies)
            print(f"    {lost} of {len(copies)} planted copies are not among the nearest of their originals")
            exact = nearest(vectors, vectors.read(slice(0, 512)), 10, without=np.arange(512))
            missed = [len(set(a) - set(b)) for a, b in zip(exact.rows, listed.rows[:512], strict=True)]
            print(f"    {np.mean(missed) / 10:.2%} of the 10 nearest missed")
        print(
            f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most, mapped files included"
        )


def fill(store: EmbeddingStore, hashes: list[str]) -> set[frozenset[int]]:
    """Store made-up embeddings; returns the pairs of which one is a near copy of the other."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(256, WIDTH)) * (np.arange(1, 257) ** -0.6)[:, None]
    copies = set()
    for start in range(0, len(hashes), 4096):
        size = min(4096, len(hashes) - start)
        x = np.maximum(random.normal(size=(size, 256)) @ mixing + 0.3 * random.normal(size=(size, WIDTH)), 0)
        for copy in range(50, size, 50):
            x[copy] = x[copy - 1] + 0.02 * random.normal(size=WIDTH)
            copies.add(frozenset((start + copy - 1, start + copy)))
        store.add(hashes[start : start + size], x.astype(np.float32))
    return copies


def timed(name: str, work):
    """Run ``work``, print its wall and processor time, return its result and the wall time."""
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds = time.perf_counter() - began
    print(f"{name}: {seconds:.2f} s, {time.process_time() - cpu:.2f} s of processor", flush=True)
    return result, seconds


if __name__ == "__main__":
    main()
