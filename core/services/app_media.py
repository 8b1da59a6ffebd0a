"""Which files the FiftyOne server may send: those that a dataset of this workspace holds, below its own roots."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pymongo

from core.services.mongod import DATABASE

_ROOTS_AGE = 2.0  # seconds for which the list of datasets is taken as known


class Media:
    """Asked for every image that the App shows."""

    def __init__(self, uri: str) -> None:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=5_000)
        self._database = client[DATABASE]
        self._datasets: list[tuple[str, list[Path]]] = []
        self._read_at = float("-inf")

    async def may_serve(self, filepath: str) -> bool:
        """Whether ``filepath`` is a sample's path to the letter and lies, links followed, below a root of its own."""
        return await asyncio.to_thread(self._may_serve, filepath)

    def _may_serve(self, filepath: str) -> bool:
        if "\0" in filepath or not Path(filepath).is_absolute():
            return False
        try:
            real = Path(filepath).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return False
        return any(
            any(real.is_relative_to(root) for root in roots)
            and self._database[samples].find_one({"filepath": filepath}, {"_id": 1}) is not None
            for samples, roots in self._known()
        )

    def _known(self) -> list[tuple[str, list[Path]]]:
        if time.monotonic() - self._read_at > _ROOTS_AGE:
            wanted = {"sample_collection_name": 1, "info.labelloop_roots": 1}
            self._datasets = [
                (found["sample_collection_name"], [Path(root).resolve() for root in found["info"]["labelloop_roots"]])
                for found in self._database.datasets.find({"info.labelloop_roots.0": {"$exists": True}}, wanted)
            ]
            self._read_at = time.monotonic()
        return self._datasets
