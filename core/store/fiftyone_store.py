"""Making a dataset through FiftyOne itself, so that its schema is what the App and scripts expect.

The only module (beside the App server and its plugin) that imports fiftyone, and only inside functions.
"""

from collections.abc import Sequence
from typing import Any

from core.domain.samples import SPLITS

LABEL_FIELD = "ground_truth"
HIDDEN_FIELDS = ("labelloop_label", "labelloop_entry", "mtime_ns", "size_bytes")


def create_dataset(name: str, classes: Sequence[str]) -> None:
    """Make a persistent, empty image dataset with labelloop's fields in the database of ``FIFTYONE_DATABASE_URI``."""
    import fiftyone as fo

    dataset = fo.Dataset(name, persistent=True)
    dataset.media_type = "image"
    for field in (LABEL_FIELD, "prediction"):
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    for field in ("split", "content_hash", "source", "labelloop_label", "labelloop_entry"):
        dataset.add_sample_field(field, fo.StringField)
    for field in ("size_bytes", "mtime_ns"):
        dataset.add_sample_field(field, fo.IntField)
    dataset.add_sample_field("reviewed", fo.BooleanField)
    dataset.classes = {LABEL_FIELD: list(classes)}
    dataset.update_label_schema(
        LABEL_FIELD, {"type": "classification", "component": "radio", "classes": list(classes), "attributes": []}
    )
    dataset.active_label_schemas = [LABEL_FIELD]
    _arrange_sidebar(dataset, fo)


def _arrange_sidebar(dataset: Any, fo: Any) -> None:
    groups = [
        fo.SidebarGroupDocument(name="tags"),
        fo.SidebarGroupDocument(name="labels", paths=[LABEL_FIELD, "prediction"]),
        fo.SidebarGroupDocument(name="review", paths=["split", "reviewed", "source"]),
        fo.SidebarGroupDocument(
            name="file",
            paths=["id", "filepath", "content_hash", "metadata", "created_at", "last_modified_at", *HIDDEN_FIELDS],
            expanded=False,
        ),
    ]
    dataset.app_config.sidebar_groups = groups
    dataset.app_config.active_fields = fo.ActiveFields(exclude=False, paths=[LABEL_FIELD, "prediction"])
    dataset.info = {"labelloop_roots": [], "splits": list(SPLITS)}
    dataset.save()
