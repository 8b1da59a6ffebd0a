"""The dataset store on FiftyOne's collections, through pymongo alone.

``import fiftyone`` costs seconds and hundreds of megabytes, so that the process that draws pages never
does it: everything but making a dataset (``core.store.fiftyone_store``) is done here on the documents that
FiftyOne 1.22 writes. Those are a private surface: FiftyOne is pinned, and the contract tests read back
through FiftyOne itself what is written here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, MongoClient, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from core.domain.decisions import JournalEntry, LabelChange, LabelState, State
from core.domain.errors import BadInput, NotFound
from core.domain.samples import SPLITS, DatasetInfo, NewSample, Sample, Split
from core.store import documents, foreign, generations, template
from core.store.documents import Document
from core.store.mongo_generations import MongoGenerations

LABEL_FIELD = "ground_truth"
INSERT_CHUNK = 5_000
DUPLICATE_KEY = 11000
FEW = 2_000  # rows that are cheaper to read again one by one than with all others


class MongoStore(MongoGenerations):
    """A :class:`~core.store.base.SampleStore` on MongoDB, in the database that FiftyOne uses too."""

    def __init__(self, uri: str, database: str) -> None:
        self._client: MongoClient[Document] = MongoClient(
            uri, journal=True, serverSelectionTimeoutMS=15_000, tz_aware=True, appname="labelloop"
        )
        self._db = self._client[database]
        self._journal = self._db["labelloop.journal"]
        super().__init__(self._db["labelloop.raw_metadata"])
        self._leases = self._db["labelloop.leases"]
        self._leases.create_index([("dataset_id", ASCENDING), ("until", ASCENDING)])
        self._journal.create_index([("token", ASCENDING)], unique=True)
        self._journal.create_index([("dataset_id", ASCENDING), ("_id", DESCENDING)])
        self._journal.create_index([("state", ASCENDING), ("at", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("batch", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("sample_id", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("at", ASCENDING)])
        self._declare_fields()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    # datasets

    def names(self) -> list[str]:
        return sorted(document["name"] for document in self._db.datasets.find({}, {"name": 1}))

    def dataset(self, name: str) -> DatasetInfo:
        document = self._db.datasets.find_one({"name": name})
        if document is None:
            known = ", ".join(self.names()) or "none yet"
            raise NotFound(f"There is no dataset {name!r} in this workspace; it holds: {known}.")
        return self._info(document)

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        return self._info(self._dataset_document(dataset_id))

    def classes(self, dataset_id: str) -> tuple[str, ...]:
        return tuple((self._dataset_document(dataset_id).get("classes") or {}).get(LABEL_FIELD) or ())

    def create(self, name: str, classes: Sequence[str]) -> DatasetInfo:
        taken = self._db.datasets.find_one({"$or": [{"name": name}, {"slug": template.slug(name)}]}, {"name": 1})
        if taken is not None and taken["name"] != name:
            raise BadInput(f"The name {name!r} is too close to that of the dataset {taken['name']!r}; choose another.")
        if taken is None:
            document = template.document(name, classes, label_field=LABEL_FIELD, now=documents.now())
            samples = self._db[document["sample_collection_name"]]
            for field in (*template.INDEXED, "content_hash", "ground_truth.label"):
                samples.create_index([(field, ASCENDING)])
            self._db.datasets.insert_one(document)
        return self.dataset(name)

    def delete(self, dataset_id: str) -> None:
        document = self._dataset_document(dataset_id)
        self._db[document["sample_collection_name"]].drop()
        self._db.datasets.delete_one({"_id": document["_id"]})
        self._journal.delete_many({"dataset_id": dataset_id})
        self._raw.delete_many({"dataset_id": dataset_id})
        self._leases.delete_many({"dataset_id": dataset_id})

    def set_classes(self, dataset_id: str, classes: Sequence[str], *, renamed: Mapping[str, str] | None = None) -> None:
        self._dataset_document(dataset_id)
        pairs = {} if renamed is None else {"info.labelloop_renamed": [list(pair) for pair in renamed.items()]}
        self._db.datasets.update_one(
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
        self._db.datasets.update_one({"_id": ObjectId(dataset_id)}, {"$addToSet": {"info.labelloop_roots": root}})

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

    def set_splits(self, dataset_id: str, splits: Mapping[str, Split]) -> None:
        collection = self._samples(dataset_id)
        for split in SPLITS:
            ids = [ObjectId(sample_id) for sample_id, wanted in splits.items() if wanted == split]
            if ids:
                changed = {"split": split, "last_modified_at": documents.now()}
                collection.update_many({"_id": {"$in": ids}}, {"$set": changed})

    def frame(self, dataset_id: str) -> pd.DataFrame:
        return self._frame(dataset_id, {})

    def recent(self, dataset_id: str, since: datetime) -> pd.DataFrame | None:
        written = {"last_modified_at": {"$gte": since}}
        if self._samples(dataset_id).count_documents(written, limit=FEW + 1) > FEW:
            return None
        return self._frame(dataset_id, written)

    def version(self, dataset_id: str) -> tuple[int, str]:
        collection = self._samples(dataset_id)
        newest = collection.find_one({}, {"last_modified_at": 1}, sort=[("last_modified_at", DESCENDING)])
        dataset = self._db.datasets.find_one(
            {"_id": documents.object_id(dataset_id)}, {"classes": 1, "last_modified_at": 1}
        )
        stamp = "" if newest is None else str(newest.get("last_modified_at"))
        classes = [] if dataset is None else (dataset.get("classes") or {}).get(LABEL_FIELD, [])
        return collection.estimated_document_count(), f"{stamp}/{len(classes)}"

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
                            "reviewed": change.reviewed,
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
                            "reviewed": change.reviewed,
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
        self._db.datasets.update_one({"_id": dataset["_id"]}, {"$set": {"info.labelloop_shown_run": run}})

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
        document = self._db.datasets.find_one({"name": name})
        if document is None:
            raise NotFound(f"There is no dataset {name!r} in this database; it holds: {', '.join(self.names())}.")
        return document

    # journal

    def journal_add(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        if not entries:
            return []
        try:
            self._journal.insert_many([documents.entry_document(entry) for entry in entries], ordered=False)
        except BulkWriteError as error:
            if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise
            standing = self.journal_by_token([entry.token for entry in entries])
            return [standing[entry.token] for entry in entries]
        return list(entries)

    def journal_settle(self, entry_ids: Sequence[str], state: State) -> None:
        if entry_ids:
            wanted: Document = {"_id": {"$in": list(entry_ids)}}
            if state != "applied":
                wanted["state"] = "pending"
            self._journal.update_many(wanted, {"$set": {"state": state}})

    def journal_mark_undone(self, entry_ids: Sequence[str], *, undone: bool = True) -> None:
        if entry_ids:
            self._journal.update_many({"_id": {"$in": list(entry_ids)}}, {"$set": {"undone": undone}})

    def journal_by_token(self, tokens: Sequence[str]) -> dict[str, JournalEntry]:
        return {
            entry.token: entry
            for entry in map(documents.entry_of, self._journal.find({"token": {"$in": list(tokens)}}))
        }

    def journal_by_batch(self, dataset_id: str, batch: str) -> list[JournalEntry]:
        wanted = {"dataset_id": dataset_id, "batch": batch, "state": "applied", "undone": False}
        return [documents.entry_of(document) for document in self._journal.find(wanted, sort=[("_id", ASCENDING)])]

    def journal(
        self,
        dataset_id: str,
        *,
        limit: int | None = 50,
        since: datetime | None = None,
        sample_id: str | None = None,
    ) -> list[JournalEntry]:
        wanted: Document = {"dataset_id": dataset_id, "state": "applied"}
        if since is not None:
            wanted["at"] = {"$gte": since}
        if sample_id is not None:
            wanted["sample_id"] = sample_id
        found = self._journal.find(wanted, sort=[("_id", DESCENDING)], limit=limit or 0)
        return [documents.entry_of(document) for document in found]

    def journal_newest(self, dataset_id: str, *, undoing: bool = False, who: str | None = None) -> JournalEntry | None:
        wanted: Document = {"dataset_id": dataset_id, "state": "applied", "undone": False}
        wanted["undoes"] = {"$ne": None} if undoing else None
        if who is not None:
            wanted["who"] = who
        document = self._journal.find_one(wanted, sort=[("_id", DESCENDING)])
        return None if document is None else documents.entry_of(document)

    def journal_by_ids(self, entry_ids: Sequence[str]) -> dict[str, JournalEntry]:
        found = self._journal.find({"_id": {"$in": list(entry_ids)}})
        return {entry.id: entry for entry in map(documents.entry_of, found)}

    def journal_pending(self, *, older_than: float = 0.0) -> list[JournalEntry]:
        before = documents.now() - timedelta(seconds=older_than)
        wanted = {"state": "pending", "at": {"$lte": before}}
        return [documents.entry_of(document) for document in self._journal.find(wanted, sort=[("_id", ASCENDING)])]

    # leases

    def lease(
        self, dataset_id: str, sample_ids: Sequence[str], *, who: str, holder: str, seconds: float
    ) -> dict[str, str]:
        now = documents.now()
        wanted = list(sample_ids)
        self._leases.delete_many(
            {
                "dataset_id": dataset_id,
                "$or": [{"holder": holder, "_id": {"$nin": wanted}}, {"until": {"$lte": now}}],
            }
        )
        mine = {"who": who, "holder": holder, "until": now + timedelta(seconds=seconds), "dataset_id": dataset_id}
        # a lease of somebody else does not match, and its id cannot be inserted twice
        writes = [UpdateOne({"_id": one, "who": who}, {"$set": mine}, upsert=True) for one in wanted]
        try:
            if writes:
                self._leases.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise
            others = self._leases.find({"_id": {"$in": wanted}, "who": {"$ne": who}})
            return {document["_id"]: document["who"] for document in others}
        return {}

    def leased(self, dataset_id: str, *, but: str) -> dict[str, str]:
        held = {"dataset_id": dataset_id, "who": {"$ne": but}, "until": {"$gt": documents.now()}}
        return {document["_id"]: document["who"] for document in self._leases.find(held)}

    # private

    def _declare_fields(self) -> None:
        """Datasets that an earlier labelloop made lack the fields that came later; FiftyOne wants them declared."""
        for document in self._db.datasets.find({"info.labelloop_roots": {"$exists": True}}, {"sample_fields": 1}):
            missing = template.missing_fields(document, now=documents.now())
            if missing:
                self._db.datasets.update_one({"_id": document["_id"]}, {"$push": {"sample_fields": {"$each": missing}}})

    def _dataset_document(self, dataset_id: str) -> Document:
        document = self._db.datasets.find_one({"_id": documents.object_id(dataset_id)})
        if document is None:
            raise NotFound(f"There is no dataset with the id {dataset_id} in this workspace.")
        return document

    def _frame(self, dataset_id: str, wanted: Document) -> pd.DataFrame:
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
        cursor = self._samples(dataset_id).find(wanted, projection, sort=[("_id", ASCENDING)], batch_size=20_000)
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
        for document in cursor:
            metadata = document.get("metadata") or {}
            columns["sample_id"].append(str(document["_id"]))
            columns["filepath"].append(document["filepath"])
            columns["content_hash"].append(document.get("content_hash") or "")
            columns["label"].append(documents.label_of(document))
            columns["split"].append(document.get("split") or "train")
            columns["width"].append(metadata.get("width") or 0)
            columns["height"].append(metadata.get("height") or 0)
            columns["reviewed"].append(bool(document.get("reviewed")))
            columns["size_bytes"].append(document.get("size_bytes") or 0)
            columns["mtime_ns"].append(document.get("mtime_ns") or 0)
            columns["source"].append(document.get("source") or "")
            columns["excluded"].append(bool(document.get("excluded")))
        texts = ("sample_id", "filepath", "content_hash", "label", "split", "source")
        # object and not pandas' string type: None must stay None, and a label is compared with ==
        marks = ("reviewed", "excluded")  # bool even where there are no rows: they are used as masks
        types = {**dict.fromkeys(texts, object), **dict.fromkeys(marks, bool)}
        return pd.DataFrame({name: pd.Series(values, dtype=types.get(name)) for name, values in columns.items()})

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
