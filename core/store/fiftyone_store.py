"""The dataset that labelloop needs, made through FiftyOne itself: where ``dataset_template.json`` comes from.

Run ``python -m core.store.fiftyone_store`` with ``FIFTYONE_DATABASE_URI`` set when FiftyOne's pin moved. No process
of the product imports this module; beside the App server it is the only importer of FiftyOne.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.odm as foo

from core.store import generations, template

LABEL_FIELD = "ground_truth"
PLUMBING = ("labelloop_label", "labelloop_entry", "mtime_ns", "size_bytes")


def create_dataset(name: str, classes: Sequence[str]) -> None:
    """Make a persistent, empty image dataset with labelloop's fields in the database of ``FIFTYONE_DATABASE_URI``."""
    dataset = fo.Dataset(name, persistent=True)
    dataset.media_type = "image"
    for field in (LABEL_FIELD, "prediction"):
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    for field in ("split", "content_hash", "source", "labelloop_label", "labelloop_entry"):
        dataset.add_sample_field(field, fo.StringField)
    for field in ("size_bytes", "mtime_ns"):
        dataset.add_sample_field(field, fo.IntField)
    for field in ("reviewed", "excluded"):
        dataset.add_sample_field(field, fo.BooleanField)
    dataset.add_sample_field("generation", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    for part in generations.TEXTS:
        dataset.add_sample_field(f"generation.{part}", fo.StringField)
    for part in generations.INTEGERS:
        dataset.add_sample_field(f"generation.{part}", fo.IntField)
    dataset.add_sample_field("generation.cfg", fo.FloatField)
    for part in generations.LISTS:
        dataset.add_sample_field(f"generation.{part}", fo.ListField, subfield=fo.StringField)
    dataset.classes = {LABEL_FIELD: list(classes)}
    dataset.update_label_schema(
        LABEL_FIELD, {"type": "classification", "component": "radio", "classes": list(classes), "attributes": []}
    )
    dataset.active_label_schemas = [LABEL_FIELD]
    _arrange_sidebar(dataset)


def _arrange_sidebar(dataset: Any) -> None:
    groups = [
        fo.SidebarGroupDocument(name="tags"),
        fo.SidebarGroupDocument(name="labels", paths=[LABEL_FIELD, "prediction"]),
        fo.SidebarGroupDocument(name="review", paths=["split", "reviewed", "excluded", "source"]),
        fo.SidebarGroupDocument(
            name="generation",
            paths=[
                f"generation.{name}" for name in (*generations.TEXTS, *generations.INTEGERS, "cfg", *generations.LISTS)
            ],
            expanded=False,
        ),
        fo.SidebarGroupDocument(
            name="file",
            paths=["id", "filepath", "content_hash", "metadata", "created_at", "last_modified_at", *PLUMBING],
            expanded=False,
        ),
    ]
    dataset.app_config.sidebar_groups = groups
    dataset.app_config.active_fields = fo.ActiveFields(exclude=False, paths=[LABEL_FIELD, "prediction"])
    dataset.info = {"labelloop_roots": []}
    dataset.save()


def make_template() -> template.Document:
    """The template as the installed FiftyOne makes it, by way of a dataset that is deleted again."""
    name = "labelloop-template"
    if fo.dataset_exists(name):
        fo.delete_dataset(name)
    create_dataset(name, ["a", "b"])
    try:
        document = foo.get_db_conn().datasets.find_one({"name": name})
        return template.reduced(document)
    finally:
        fo.delete_dataset(name)


if __name__ == "__main__":
    file = Path(__file__).with_name(template.FILE)
    file.write_text(json.dumps(make_template(), indent=1) + "\n", encoding="utf-8")
