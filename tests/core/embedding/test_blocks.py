"""Blocks keep arrays by content hash."""

import hashlib

import numpy as np
import pytest

from core.embedding.backbone import WIDTH
from core.embedding.blocks import Blocks, EmbeddingStore


def hashed(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


@pytest.fixture
def blocks(tmp_path):
    return Blocks(tmp_path / "blocks", (2,), "<f4")


def test_arrays_come_back_in_the_order_asked_for(blocks):
    blocks.add([hashed(1), hashed(2)], np.array([[1, 10], [2, 20]], dtype=np.float32))
    blocks.add([hashed(3)], np.array([[3, 30]], dtype=np.float32))
    located = blocks.locate([hashed(3), hashed(9), hashed(1), hashed(3)])
    assert located.found.tolist() == [True, False, True, True]
    assert located.read(slice(None), np.float32).tolist() == [[3, 30], [0, 0], [1, 10], [3, 30]]
    assert located.read(np.array([2]), np.float32).tolist() == [[1, 10]]


def test_what_is_missing_is_named_once_in_order(blocks):
    blocks.add([hashed(1)], np.zeros((1, 2), dtype=np.float32))
    assert blocks.missing([hashed(5), hashed(1), hashed(4), hashed(5)]) == [hashed(5), hashed(4)]


def test_an_empty_store_has_nothing_and_says_so(blocks):
    assert blocks.missing([hashed(1)]) == [hashed(1)]
    assert not blocks.locate([hashed(1)]).found.any()
    assert not blocks.locate([]).found.any()


def test_a_hash_stored_twice_is_found_once(blocks):
    for _ in range(2):
        blocks.add([hashed(1)], np.array([[1, 10]], dtype=np.float32))
    assert blocks.locate([hashed(1)]).read(slice(None), np.float32).tolist() == [[1, 10]]


@pytest.mark.parametrize("damage", [b"", b"not numpy", None])
def test_a_damaged_block_is_passed_over(blocks, damage):
    """A crash, or a full disk, must cost a block and not the workspace."""
    blocks.add([hashed(1)], np.zeros((1, 2), dtype=np.float32))
    blocks.add([hashed(2)], np.ones((1, 2), dtype=np.float32))
    first = sorted(blocks.folder.iterdir())[0]
    first.write_bytes(first.read_bytes()[:150] if damage is None else damage)
    assert blocks.missing([hashed(1), hashed(2)]) == [hashed(1)]


def test_a_pickle_in_the_folder_is_not_loaded(blocks):
    """numpy would run what a pickled object array holds, if asked to."""
    blocks.folder.mkdir(parents=True)
    np.save(blocks.folder / "block-0.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert blocks.missing([hashed(1)]) == [hashed(1)]


def test_no_part_of_a_block_is_left_when_writing_fails(blocks, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="No space"):
        blocks.add([hashed(1)], np.zeros((1, 2), dtype=np.float32))
    assert list(blocks.folder.iterdir()) == []


def test_embeddings_are_kept_to_half_precision(tmp_path):
    values = np.random.default_rng(0).uniform(0, 6, (3, WIDTH)).astype(np.float32)
    store = EmbeddingStore(tmp_path)
    store.add([hashed(i) for i in range(3)], values)
    loaded, found = store.load([hashed(2), hashed(0)])
    assert found.all()
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, values[[2, 0]], rtol=1e-3)
