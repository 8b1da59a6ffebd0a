"""Arrays by content hash, in append-only blocks of one file each: embeddings, and decoded pixels.

A block is written aside and moved into place, so readers and several writers never meet half of one; a hash that
two writers both added is there twice with the same values, which harms nobody.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.embedding.backbone import BACKBONE_ID, WIDTH, Embeddings
from core.runs.atomic import written_aside

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where the arrays of a list of hashes lie. Block files stay mapped, so nothing is read before it is asked for."""

    blocks: list[npt.NDArray[np.void]]
    block: Rows  # index into blocks, -1 where a hash is not stored
    place: Rows  # row in that block
    shape: tuple[int, ...]

    @property
    def found(self) -> Mask:
        """Which of the hashes are stored."""
        return self.block >= 0

    def with_older(self, older: "Located") -> "Located":
        """What lies here, and what an ``older`` look for the same hashes found that was deleted meanwhile."""
        lost = (self.block < 0) & older.found
        if not lost.any():
            return self
        block = np.where(lost, older.block + len(self.blocks), self.block)
        return Located([*self.blocks, *older.blocks], block, np.where(lost, older.place, self.place), self.shape)

    def read(self, rows: Rows | slice, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The arrays of some of the hashes, in that order; zero where not stored."""
        block, place = self.block[rows], self.place[rows]
        values = np.zeros((len(block), *self.shape), dtype=dtype)
        for index in np.unique(block[block >= 0]):
            here = np.flatnonzero(block == index)
            values[here] = self.blocks[index]["values"][place[here]]
        return values


class Blocks:
    """A folder of blocks of arrays of one shape and type."""

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.folder = folder
        self._shape = shape
        self._record = np.dtype([("hash", "S64"), ("values", dtype, shape)])  # SHA-256 in hex, as samples carry it

    @property
    def record_bytes(self) -> int:
        """What one array takes on disk."""
        return self._record.itemsize

    def missing(self, hashes: Iterable[str]) -> list[str]:
        """Those of ``hashes`` that are not stored, each once, in their first order."""
        known: set[bytes] = set()
        for block in self._blocks():
            known.update(block["hash"].tolist())
        return [text for text in dict.fromkeys(hashes) if text.encode() not in known]

    def locate(self, hashes: Sequence[str]) -> Located:
        """Find each of ``hashes``."""
        wanted = np.array(hashes, dtype="S64")
        block_of = np.full(len(wanted), -1, dtype=np.intp)
        place_of = np.zeros(len(wanted), dtype=np.intp)
        blocks: list[npt.NDArray[np.void]] = []
        for block in self._blocks():
            stored = np.ascontiguousarray(block["hash"])
            order = np.argsort(stored)
            rank = np.minimum(np.searchsorted(stored, wanted, sorter=order), len(stored) - 1)
            place = order[rank]
            here = (stored[place] == wanted) & (block_of < 0)
            if here.any():
                block_of[here], place_of[here] = len(blocks), place[here]
                blocks.append(block)
        return Located(blocks, block_of, place_of, self._shape)

    def add(self, hashes: Sequence[str], values: npt.NDArray[Any]) -> None:
        """Store a block. Stopped half-way, nothing of it is stored."""
        if not hashes:
            return
        block = np.zeros(len(hashes), dtype=self._record)
        block["hash"] = [text.encode() for text in hashes]
        block["values"] = values
        name = f"block-{time.time_ns():020d}-{os.getpid()}.npy"
        with written_aside(self.folder / name) as aside, aside.open("wb") as file:
            np.save(file, block, allow_pickle=False)

    def _blocks(self) -> Iterator[npt.NDArray[np.void]]:
        for path in sorted(self.folder.glob("block-*.npy")):
            try:
                block = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError):
                continue  # not one of ours, or damaged: what was in it is made again
            if block.dtype == self._record and len(block):
                yield block


class EmbeddingStore(Blocks):
    """The embeddings of one backbone under ``WORKSPACE/embeddings/``, kept as float16."""

    def __init__(self, embeddings: Path, backbone: str = BACKBONE_ID) -> None:
        super().__init__(embeddings / backbone, (WIDTH,), "<f2")

    def load(self, hashes: Sequence[str]) -> tuple[Embeddings, Mask]:
        """Embeddings as float32 (len(hashes), 1280) in that order, and which of them are stored (others are zero)."""
        located = self.locate(hashes)
        return located.read(slice(None), np.float32), located.found
