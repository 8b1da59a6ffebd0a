"""The part of the MongoDB store that reads a dataset as one table."""

from typing import Any

import pandas as pd
from pymongo import ASCENDING
from pymongo.collection import Collection

from core.store import documents
from core.store.documents import Document


def frame_of(samples: Collection[Document], wanted: Document) -> pd.DataFrame:
    """The samples that match ``wanted``, by id (core.store.base.FRAME_COLUMNS)."""
    projection = {
        "filepath": 1,
        "content_hash": 1,
        "ground_truth.label": 1,
        "split": 1,
        "metadata.width": 1,
        "metadata.height": 1,
        "reviewed": 1,
        "size_bytes": 1,
        "mtime_ns": 1,
        "source": 1,
        "excluded": 1,
    }
    cursor = samples.find(wanted, projection, sort=[("_id", ASCENDING)], batch_size=20_000)
    columns: dict[str, list[Any]] = {
        "sample_id": [],
        "filepath": [],
        "content_hash": [],
        "label": [],
        "split": [],
        "width": [],
        "height": [],
        "reviewed": [],
        "size_bytes": [],
        "mtime_ns": [],
        "source": [],
        "excluded": [],
    }
    once: dict[Any, Any] = {}  # texts that come again and again, each once in memory
    for document in cursor:
        metadata = document.get("metadata") or {}
        columns["sample_id"].append(str(document["_id"]))
        columns["filepath"].append(document["filepath"])
        columns["content_hash"].append(document.get("content_hash") or "")
        label, split = documents.label_of(document), document.get("split") or "train"
        source = document.get("source") or ""
        columns["label"].append(once.setdefault(label, label))
        columns["split"].append(once.setdefault(split, split))
        columns["width"].append(metadata.get("width") or 0)
        columns["height"].append(metadata.get("height") or 0)
        columns["reviewed"].append(bool(document.get("reviewed")))
        columns["size_bytes"].append(document.get("size_bytes") or 0)
        columns["mtime_ns"].append(document.get("mtime_ns") or 0)
        columns["source"].append(once.setdefault(source, source))
        columns["excluded"].append(bool(document.get("excluded")))
    texts = ("sample_id", "filepath", "content_hash", "label", "split", "source")
    # object and not pandas' string type: None must stay None, and a label is compared with ==
    marks = ("reviewed", "excluded")  # bool even where there are no rows: they are used as masks
    types = {**dict.fromkeys(texts, object), **dict.fromkeys(marks, bool)}
    return pd.DataFrame({name: pd.Series(values, dtype=types.get(name)) for name, values in columns.items()})
