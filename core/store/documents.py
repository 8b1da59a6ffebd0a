"""The documents that FiftyOne and the journal keep in MongoDB, to and from core's records."""

import random
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId

from core.domain.decisions import JournalEntry, LabelState
from core.domain.errors import NotFound
from core.domain.samples import NewSample
from core.store import generations

Document = dict[str, Any]

STATE_PROJECTION = {
    "ground_truth.label": 1,
    "labelloop_label": 1,
    "labelloop_entry": 1,
    "reviewed": 1,
    "excluded": 1,
    "content_hash": 1,
}
_ENTRY_FIELDS = tuple(field.name for field in fields(JournalEntry) if field.name != "id")


def now() -> datetime:
    """This moment in UTC, as FiftyOne stores it."""
    return datetime.now(UTC)


def object_id(text: str) -> ObjectId:
    """The id that ``text`` spells.

    Raises:
        NotFound: it spells none.
    """
    try:
        return ObjectId(text)
    except (InvalidId, TypeError):
        raise NotFound(f"{text!r} is not the id of anything in this workspace.") from None


def label_of(document: Document) -> str | None:
    """A sample's label now."""
    return (document.get("ground_truth") or {}).get("label")


def classification(label: str) -> Document:
    """A label as FiftyOne's Classification."""
    return {"_id": ObjectId(), "_cls": "Classification", "tags": [], "label": label}


def metadata_of(sample: NewSample) -> Document:
    """A file's facts as FiftyOne's ImageMetadata."""
    return {
        "_cls": "ImageMetadata",
        "size_bytes": sample.size_bytes,
        "mime_type": sample.mime_type,
        "width": sample.width,
        "height": sample.height,
        "num_channels": 3,
    }


def sample_document(dataset_id: str, sample: NewSample) -> Document:
    """A new sample, with an id of its own."""
    moment = now()
    return {
        "_id": ObjectId(),
        "_dataset_id": ObjectId(dataset_id),
        "_media_type": "image",
        "_rand": random.random(),
        "created_at": moment,
        "last_modified_at": moment,
        "tags": [],
        "filepath": sample.filepath,
        "metadata": metadata_of(sample),
        "ground_truth": None if sample.label is None else classification(sample.label),
        "split": sample.split,
        "content_hash": sample.content_hash,
        "size_bytes": sample.size_bytes,
        "mtime_ns": sample.mtime_ns,
        "source": sample.source,
        "generation": generations.document(sample.generation),
        "labelloop_label": sample.label,
        "labelloop_entry": None,
        "reviewed": False,
        "excluded": False,
        "prediction": None,
    }


def label_state(document: Document) -> LabelState:
    """A document read with ``STATE_PROJECTION``."""
    return LabelState(
        sample_id=str(document["_id"]),
        label=label_of(document),
        journalled=document.get("labelloop_label"),
        reviewed=bool(document.get("reviewed")),
        entry_id=document.get("labelloop_entry"),
        excluded=bool(document.get("excluded")),
        content_hash=document.get("content_hash") or "",
    )


def entry_document(entry: JournalEntry) -> Document:
    """A journal entry as stored."""
    return {"_id": entry.id, **{name: getattr(entry, name) for name in _ENTRY_FIELDS}}


def entry_of(document: Document) -> JournalEntry:
    """A journal entry as read."""
    values = {name: document[name] for name in _ENTRY_FIELDS if name in document}
    return JournalEntry(id=str(document["_id"]), **values)
