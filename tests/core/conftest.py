"""A real mongod for the store's tests, shared by the session; and small seeded images."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.domain.samples import NewSample
from core.runs.layout import WorkspacePaths
from core.services import mongod
from core.store.memory import MemoryStore
from core.store.mongo import MongoStore

_numbers = itertools.count()


@pytest.fixture(scope="session")
def database_uri(tmp_path_factory):
    """The URI of a mongod of our own, in a workspace of the session."""
    connection = mongod.attach_or_start(WorkspacePaths(tmp_path_factory.mktemp("mongo") / "ws"))
    yield connection.uri
    connection.stop()


@pytest.fixture
def mongo_store(database_uri):
    """An empty store on the real database."""
    store = MongoStore(database_uri, f"test{next(_numbers)}")
    yield store
    store._client.drop_database(store._db.name)
    store.close()


@pytest.fixture(params=["memory", "mongo"])
def store(request):
    """Each store in turn: both must pass the same tests."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("mongo_store")


@pytest.fixture
def new_samples():
    """``new_samples("cat", "dog", None)`` makes samples with these labels, each of its own content."""

    def make(*labels, split="train", folder="/images"):
        return [
            NewSample(
                filepath=f"{folder}/{position}.png",
                label=label,
                split=split,
                content_hash=f"{position:064x}",
                size_bytes=100 + position,
                mtime_ns=1_000 + position,
                width=64,
                height=48,
                mime_type="image/png",
                source=folder,
            )
            for position, label in enumerate(labels)
        ]

    return make


@pytest.fixture
def picture():
    """``picture(path, seed)`` writes a small image whose content depends on the seed alone."""

    def write(path: Path, seed: int, size=(40, 30), **options) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write
