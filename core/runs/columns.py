"""Texts out of a Parquet file's columns, as arrays of Python's own texts."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Texts = npt.NDArray[np.object_]


def texts(column: pa.ChunkedArray) -> Texts:
    """Each value as it is, ``None`` where there is none."""
    found: Texts = np.empty(len(column), dtype=object)
    found[:] = column.to_pylist()
    return found


def words(column: pa.ChunkedArray) -> Texts:
    """Texts that come again and again, each once in memory."""
    coded = column.combine_chunks().dictionary_encode()
    known: Texts = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    found: Texts = known[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return found


def give_back() -> None:
    """Have Arrow let go of the memory that it would otherwise keep for its own next use."""
    pa.default_memory_pool().release_unused()
