"""Datasets that FiftyOne made without labelloop: which fields hold a label, and what a sample says."""

from typing import Any

from core.domain.samples import Split
from core.store.documents import Document

CLASSIFICATION = "fiftyone.core.labels.Classification"
_SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def label_fields(dataset: Document) -> list[str]:
    """The fields of a dataset's document that hold one label a sample, "prediction" after all others."""
    found = [
        field["name"] for field in dataset.get("sample_fields", []) if field.get("embedded_doc_type") == CLASSIFICATION
    ]
    return sorted(found, key=lambda name: (name != "ground_truth", name.startswith("predict"), name))


def labelled_file(sample: Document, field: str) -> tuple[str, str | None, Split | None]:
    """Path, label, and the split that its ``split`` field or one tag names."""
    value = sample.get(field)
    label = value.get("label") if isinstance(value, dict) else None
    named = {_split(one) for one in [sample.get("split"), *(sample.get("tags") or [])]} - {None}
    return sample["filepath"], label, named.pop() if len(named) == 1 else None


def _split(value: Any) -> Split | None:
    return _SPLITS.get(value.lower()) if isinstance(value, str) else None
