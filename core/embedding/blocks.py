"""The embedding store: append-only blocks of (content hash, embedding), one file each.

A block is written aside and moved into place, so readers and several writers never meet half of one; a hash that
two writers both added is there twice with the same values, which harms nobody.
"""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.embedding.backbone import BACKBONE_ID, WIDTH, Embeddings
from core.runs.atomic import written_aside

_RECORD = np.dtype([("hash", "S64"), ("embedding", "<f2", (WIDTH,))])  # hash: SHA-256 in hex, as samples carry it


class EmbeddingStore:
    """The blocks of one backbone under ``WORKSPACE/embeddings/``."""

    def __init__(self, embeddings: Path, backbone: str = BACKBONE_ID) -> None:
        self._folder = embeddings / backbone

    def missing(self, hashes: Iterable[str]) -> list[str]:
        """Those of ``hashes`` that are not stored, each once, in their first order."""
        known = self._known()
        return [text for text in dict.fromkeys(hashes) if text.encode() not in known]

    def load(self, hashes: Sequence[str]) -> tuple[Embeddings, npt.NDArray[np.bool_]]:
        """Embeddings as float32 (len(hashes), 1280) in that order, and which of them were found (others are zero)."""
        wanted = np.array([text.encode() for text in hashes], dtype="S64")
        embeddings = np.zeros((len(wanted), WIDTH), dtype=np.float32)
        found = np.zeros(len(wanted), dtype=bool)
        for block in self._blocks():
            stored = block["hash"]
            order = np.argsort(stored)
            rank = np.minimum(np.searchsorted(stored, wanted, sorter=order), len(stored) - 1)
            place = order[rank]
            here = (stored[place] == wanted) & ~found
            rows = np.flatnonzero(here)
            embeddings[rows] = block["embedding"][place[rows]]
            found |= here
        return embeddings, found

    def add(self, hashes: Sequence[str], embeddings: Embeddings) -> None:
        """Store a block. Stopped half-way, nothing of it is stored."""
        if not hashes:
            return
        block = np.zeros(len(hashes), dtype=_RECORD)
        block["hash"] = [text.encode() for text in hashes]
        block["embedding"] = embeddings
        name = f"block-{time.time_ns():020d}-{os.getpid()}.npy"
        with written_aside(self._folder / name) as aside, aside.open("wb") as file:
            np.save(file, block, allow_pickle=False)

    def _known(self) -> set[bytes]:
        known: set[bytes] = set()
        for block in self._blocks():
            known.update(block["hash"].tolist())
        return known

    def _blocks(self) -> Iterable[npt.NDArray[np.void]]:
        for path in sorted(self._folder.glob("block-*.npy")):
            try:
                block = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError):
                continue  # not one of ours, or damaged: its samples are embedded again
            if block.dtype == _RECORD and len(block):
                yield block
