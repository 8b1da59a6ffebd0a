"""The document of an empty FiftyOne dataset with labelloop's fields, so that making one costs no import of FiftyOne.

``dataset_template.json`` is what FiftyOne itself wrote for :func:`core.store.fiftyone_store.create_dataset`, less
what differs from dataset to dataset; a test makes it anew and compares. It holds for the FiftyOne version that it
names only, which is pinned.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from bson import ObjectId

from core.domain.errors import MissingProgram

Document = dict[str, Any]
FILE = "dataset_template.json"
INDEXED = ("filepath", "created_at", "last_modified_at")  # as FiftyOne does for each dataset
_VARYING = ("_id", "name", "slug", "sample_collection_name", "classes", "label_schemas")


def document(name: str, classes: Sequence[str], *, label_field: str, now: datetime) -> Document:
    """A new dataset's document, with an id of its own.

    Raises:
        MissingProgram: another FiftyOne is installed than the one that the template was made with.
    """
    wanted, found = _template()["version"], version("fiftyone")
    if wanted != found:
        raise MissingProgram(f"labelloop needs FiftyOne {wanted}, and {found} is installed; install it again.")
    dataset_id = ObjectId()
    return {
        **_dated(_template(), now),
        "_id": dataset_id,
        "name": name,
        "slug": slug(name),
        "sample_collection_name": f"samples.{dataset_id}",
        "classes": {label_field: list(classes)},
        "label_schemas": {
            label_field: {
                "type": "classification",
                "component": "radio",
                "classes": list(classes),
                "attributes": [],
            }
        },
    }


def missing_fields(document: Document, *, now: datetime) -> list[Document]:
    """The declarations of labelloop's sample fields that a dataset's document lacks."""
    there = {field["name"] for field in document.get("sample_fields") or ()}
    fields: list[Document] = _dated(_template()["sample_fields"], now)
    return [field for field in fields if field["name"] not in there]


def slug(name: str) -> str:
    """FiftyOne's slug of a name (``fiftyone.core.utils.to_slug``); a name without Latin letters or digits gets a hash,
    where FiftyOne refuses it.
    """
    kept = re.sub(r"[^A-Za-z0-9\s+_.-]", "", name, flags=re.ASCII)
    text = re.sub(r"[\s+_.-]+", "-", kept, flags=re.ASCII).strip("-").lower()
    return text or f"dataset-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def reduced(document: Document) -> Document:
    """The template of a dataset's document: without what varies, dates as null, fields by name."""
    kept: Document = _dated({key: value for key, value in document.items() if key not in _VARYING}, None)
    kept["sample_fields"].sort(key=lambda field: field["name"])  # FiftyOne's own order changes from process to process
    return kept


@lru_cache(maxsize=1)
def _template() -> Document:
    template: Document = json.loads((files("core.store") / FILE).read_text(encoding="utf-8"))
    return template


_DATES = frozenset({"created_at", "last_modified_at", "last_loaded_at"})


def _dated(value: Any, now: datetime | None) -> Any:
    """A copy in which every date of creation, change and loading is ``now``."""
    if isinstance(value, dict):
        return {key: now if key in _DATES else _dated(inner, now) for key, inner in value.items()}
    return [_dated(inner, now) for inner in value] if isinstance(value, list) else value
