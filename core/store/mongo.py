"""The dataset store on FiftyOne's collections, through pymongo alone.

``import fiftyone`` costs seconds and hundreds of megabytes, so that the process that draws pages never
does it: everything but making a dataset (``core.store.fiftyone_store``) is done here on the documents that
FiftyOne 1.22 writes. Those are a private surface: FiftyOne is pinned, and the contract tests read back
through FiftyOne itself what is written here.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import pandas as pd
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, MongoClient, UpdateOne
from pymongo.collection import Collection

from core.domain.decisions import LabelChange, LabelState
from core.domain.errors import NotFound
from core.domain.samples import SPLITS, DatasetInfo, FilePlace, NewSample, Sample, Split
from core.store import documents, foreign, generations, template
from core.store.documents import Document
from core.store.mongo_frame import frame_of
from core.store.mongo_generations import MongoGenerations
from core.store.mongo_journal import MongoJournal
from core.store.mongo_names import MongoNames

LABEL_FIELD = "ground_truth"
INSERT_CHUNK = 5_000
FEW = 2_000  # rows that are cheaper to read again one by one than with all others


class MongoStore(MongoNames, MongoGenerations, MongoJournal):
    """A :class:`~core.store.base.SampleStore` on MongoDB, in the database that FiftyOne uses too."""

    def __init__(self, uri: str, database: str) -> None:
        self._client: MongoClient[Document] = MongoClient(
            uri, journal=True, serverSelectionTimeoutMS=15_000, tz_aware=True, appname="labelloop"
        )
        self._db = self._client[database]
        MongoNames.__init__(self, self._db)
        MongoGenerations.__init__(self, self._db["labelloop.raw_metadata"])
        MongoJournal.__init__(self, self._db)
        self._declare_fields()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    # datasets

    def dataset(self, name: str) -> DatasetInfo:
        return self.dataset_by_id(self.id_of(name))

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        return self._info(self._dataset_document(dataset_id))

    def classes(self, dataset_id: str) -> tuple[str, ...]:
        return tuple((self._dataset_document(dataset_id).get("classes") or {}).get(LABEL_FIELD) or ())

    def create(self, name: str, classes: Sequence[str]) -> DatasetInfo:
        if name not in self.names():
            self._refuse_taken(name)
            document = template.document(name, classes, label_field=LABEL_FIELD, now=documents.now())
            samples = self._db[document["sample_collection_name"]]
            for field in (*template.INDEXED, "content_hash", "ground_truth.label"):
                samples.create_index([(field, ASCENDING)])
            self._datasets.insert_one(document)
        return self.dataset(name)

    def delete(self, dataset_id: str) -> None:
        document = self._dataset_document(dataset_id, in_use=False)
        self._db[document["sample_collection_name"]].drop()
        self._datasets.delete_one({"_id": document["_id"]})
        self._journal.delete_many({"dataset_id": dataset_id})
        self._raw.delete_many({"dataset_id": dataset_id})
        self._leases.delete_many({"dataset_id": dataset_id})

    def extent(self, dataset_id: str) -> tuple[int, int]:
        samples = self._samples(dataset_id).estimated_document_count()
        return samples, self._journal.count_documents({"dataset_id": dataset_id})

    def set_classes(self, dataset_id: str, classes: Sequence[str], *, renamed: Mapping[str, str] | None = None) -> None:
        self._dataset_document(dataset_id)
        pairs = {} if renamed is None else {"info.labelloop_renamed": [list(pair) for pair in renamed.items()]}
        self._datasets.update_one(
            {"_id": ObjectId(dataset_id)},
            {
                "$set": {
                    f"classes.{LABEL_FIELD}": list(classes),
                    f"label_schemas.{LABEL_FIELD}.classes": list(classes),
                    **pairs,
                    "last_modified_at": documents.now(),
                }
            },
        )

    def renamed(self, dataset_id: str) -> dict[str, str]:
        info = self._dataset_document(dataset_id).get("info") or {}
        return dict(info.get("labelloop_renamed") or ())

    def add_root(self, dataset_id: str, root: str) -> None:
        self._datasets.update_one({"_id": ObjectId(dataset_id)}, {"$addToSet": {"info.labelloop_roots": root}})

    # samples

    def insert(self, dataset_id: str, samples: Sequence[NewSample]) -> list[str]:
        collection = self._samples(dataset_id)
        ids: list[str] = []
        for start in range(0, len(samples), INSERT_CHUNK):
            chunk = [documents.sample_document(dataset_id, sample) for sample in samples[start : start + INSERT_CHUNK]]
            collection.insert_many(chunk, ordered=True)
            part = samples[start : start + INSERT_CHUNK]
            made = zip(chunk, part, strict=True)
            self._keep_raw(dataset_id, {str(document["_id"]): sample.generation for document, sample in made})
            ids.extend(str(document["_id"]) for document in chunk)
        return ids

    def replace_file(self, dataset_id: str, sample_id: str, sample: NewSample) -> None:
        self._samples(dataset_id).update_one(
            {"_id": documents.object_id(sample_id)},
            {
                "$set": {
                    "content_hash": sample.content_hash,
                    "size_bytes": sample.size_bytes,
                    "mtime_ns": sample.mtime_ns,
                    "metadata": documents.metadata_of(sample),
                    "generation": generations.document(sample.generation),
                    "last_modified_at": documents.now(),
                }
            },
        )
        self._keep_raw(dataset_id, {sample_id: sample.generation})

    def move_files(self, dataset_id: str, places: Mapping[str, FilePlace]) -> None:
        moment = documents.now()
        writes = [
            UpdateOne({"_id": ObjectId(sample_id)}, {"$set": {**asdict(place), "last_modified_at": moment}})
            for sample_id, place in places.items()
        ]
        if writes:
            self._samples(dataset_id).bulk_write(writes, ordered=False)

    def set_splits(self, dataset_id: str, splits: Mapping[str, Split]) -> None:
        collection = self._samples(dataset_id)
        for split in SPLITS:
            ids = [ObjectId(sample_id) for sample_id, wanted in splits.items() if wanted == split]
            if ids:
                changed = {"split": split, "last_modified_at": documents.now()}
                collection.update_many({"_id": {"$in": ids}}, {"$set": changed})

    def frame(self, dataset_id: str) -> pd.DataFrame:
        return frame_of(self._samples(dataset_id), {})

    def carrying(self, dataset_id: str, label: str) -> set[str]:
        return {str(one["_id"]) for one in self._samples(dataset_id).find({"ground_truth.label": label}, {"_id": 1})}

    def recent(self, dataset_id: str, since: datetime) -> pd.DataFrame | None:
        written = {"last_modified_at": {"$gte": since}}
        if self._samples(dataset_id).count_documents(written, limit=FEW + 1) > FEW:
            return None
        return frame_of(self._samples(dataset_id), written)

    def tags(self, dataset_id: str) -> dict[str, tuple[str, ...]]:
        cursor = self._samples(dataset_id).find({"tags.0": {"$exists": True}}, {"tags": 1}, batch_size=20_000)
        return {str(one["_id"]): tuple(map(str, one["tags"])) for one in cursor}

    def version(self, dataset_id: str) -> tuple[int, str]:
        collection = self._samples(dataset_id)
        newest = collection.find_one({}, {"last_modified_at": 1}, sort=[("last_modified_at", DESCENDING)])
        dataset = self._datasets.find_one(
            {"_id": documents.object_id(dataset_id)}, {"classes": 1, "last_modified_at": 1}
        )
        stamp = "" if newest is None else str(newest.get("last_modified_at"))
        classes = [] if dataset is None else (dataset.get("classes") or {}).get(LABEL_FIELD, [])
        names = zlib.crc32("\n".join(classes).encode())  # an empty class may have got another name
        return collection.estimated_document_count(), f"{stamp}/{names}"

    def sample(self, dataset_id: str, sample_id: str) -> Sample:
        document = self._samples(dataset_id).find_one({"_id": documents.object_id(sample_id)})
        if document is None:
            raise NotFound(f"There is no sample {sample_id} in this dataset.")
        metadata = document.get("metadata") or {}
        return Sample(
            id=sample_id,
            filepath=document["filepath"],
            label=documents.label_of(document),
            split=document.get("split") or "train",
            content_hash=document.get("content_hash") or "",
            width=metadata.get("width") or 0,
            height=metadata.get("height") or 0,
        )

    # labels

    def label_states(self, dataset_id: str, sample_ids: Iterable[str]) -> dict[str, LabelState]:
        wanted = [ObjectId(sample_id) for sample_id in sample_ids if ObjectId.is_valid(sample_id)]
        cursor = self._samples(dataset_id).find({"_id": {"$in": wanted}}, documents.STATE_PROJECTION)
        return {state.sample_id: state for state in map(documents.label_state, cursor)}

    def natively_edited(self, dataset_id: str) -> list[LabelState]:
        differs = {
            "$expr": {"$ne": [{"$ifNull": ["$ground_truth.label", None]}, {"$ifNull": ["$labelloop_label", None]}]}
        }
        return [
            documents.label_state(document)
            for document in self._samples(dataset_id).find(differs, documents.STATE_PROJECTION)
        ]

    def change_labels(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        return self._compare_and_set(
            dataset_id,
            [
                UpdateOne(
                    {
                        "_id": ObjectId(change.sample_id),
                        "ground_truth.label": change.old,
                        "excluded": True if change.was_excluded else {"$ne": True},
                    },
                    {
                        "$set": {
                            "ground_truth": None if change.new is None else documents.classification(change.new),
                            "labelloop_label": change.new,
                            "labelloop_entry": change.entry_id,
                            **({} if change.reviewed is None else {"reviewed": change.reviewed}),
                            "excluded": change.excluded,
                            "last_modified_at": documents.now(),
                        }
                    },
                )
                for change in changes
            ],
            changes,
        )

    def adopt_native(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        return self._compare_and_set(
            dataset_id,
            [
                UpdateOne(
                    {
                        "_id": ObjectId(change.sample_id),
                        "ground_truth.label": change.new,
                        "labelloop_label": change.old,
                    },
                    {
                        "$set": {
                            "labelloop_label": change.new,
                            "labelloop_entry": change.entry_id,
                            **({} if change.reviewed is None else {"reviewed": change.reviewed}),
                            "last_modified_at": documents.now(),
                        }
                    },
                )
                for change in changes
            ],
            changes,
        )

    def show_predictions(self, dataset_id: str, run: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        dataset = self._dataset_document(dataset_id)
        if (dataset.get("info") or {}).get("labelloop_shown_run") == run:
            return
        self.predict_samples(dataset_id, predicted)
        self._datasets.update_one({"_id": dataset["_id"]}, {"$set": {"info.labelloop_shown_run": run}})

    def predict_samples(self, dataset_id: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        moment = documents.now()
        writes = [
            UpdateOne(
                {"_id": ObjectId(sample_id)},
                {
                    "$set": {
                        "prediction": {**documents.classification(label), "confidence": confidence},
                        "last_modified_at": moment,
                    }
                },
            )
            for sample_id, (label, confidence) in predicted.items()
        ]
        if writes:
            self._samples(dataset_id).bulk_write(writes, ordered=False)

    # datasets of any origin

    def label_fields(self, name: str) -> list[str]:
        return foreign.label_fields(self._named(name))

    def labelled_files(self, name: str, field: str) -> Iterator[tuple[str, str | None, Split | None]]:
        document = self._named(name)
        if field not in foreign.label_fields(document):
            known = ", ".join(foreign.label_fields(document)) or "none"
            raise NotFound(f"The dataset {name!r} has no field {field!r} that holds a label; it has: {known}.")
        samples = self._db[document["sample_collection_name"]]
        wanted = {"filepath": 1, "tags": 1, "split": 1, f"{field}.label": 1}
        for sample in samples.find({}, wanted, sort=[("_id", ASCENDING)], batch_size=20_000):
            yield foreign.labelled_file(sample, field)

    def _named(self, name: str) -> Document:
        document = self._datasets.find_one({"name": name})
        if document is None:
            raise NotFound(f"There is no dataset {name!r} in this database; it holds: {', '.join(self.names())}.")
        return document

    # private

    def _declare_fields(self) -> None:
        """Datasets that an earlier labelloop made lack the fields that came later; FiftyOne wants them declared."""
        for document in self._datasets.find({"info.labelloop_roots": {"$exists": True}}, {"sample_fields": 1}):
            missing = template.missing_fields(document, now=documents.now())
            if missing:
                self._datasets.update_one({"_id": document["_id"]}, {"$push": {"sample_fields": {"$each": missing}}})

    def _samples(self, dataset_id: str) -> Collection[Document]:
        return self._db[f"samples.{documents.object_id(dataset_id)}"]

    def _info(self, document: Document) -> DatasetInfo:
        dataset_id = str(document["_id"])
        labels: dict[str | None, int] = {}
        splits: dict[str, int] = {}
        excluded = 0
        keys = {"label": "$ground_truth.label", "split": "$split", "excluded": {"$eq": ["$excluded", True]}}
        for row in self._samples(dataset_id).aggregate([{"$group": {"_id": keys, "n": {"$sum": 1}}}]):
            if row["_id"]["excluded"]:
                excluded += row["n"]
                continue
            label, split = row["_id"].get("label"), row["_id"].get("split") or "train"
            labels[label] = labels.get(label, 0) + row["n"]
            splits[split] = splits.get(split, 0) + row["n"]
        return DatasetInfo(
            id=dataset_id,
            name=document["name"],
            classes=tuple((document.get("classes") or {}).get(LABEL_FIELD, ())),
            samples=sum(splits.values()),
            labels=labels,
            splits=splits,
            roots=tuple((document.get("info") or {}).get("labelloop_roots", ())),
            excluded=excluded,
        )

    def _compare_and_set(self, dataset_id: str, writes: list[UpdateOne], changes: Sequence[LabelChange]) -> set[str]:
        if not writes:
            return set()
        collection = self._samples(dataset_id)
        result = collection.bulk_write(writes, ordered=True)
        entry_ids = {change.entry_id for change in changes}
        if result.modified_count == len(writes):
            return entry_ids
        # Some did not match: another hand was faster, or an earlier try of ours had done it already.
        ids = [ObjectId(change.sample_id) for change in changes]
        found = collection.find({"_id": {"$in": ids}}, {"labelloop_entry": 1})
        return {document.get("labelloop_entry", "") for document in found} & entry_ids
