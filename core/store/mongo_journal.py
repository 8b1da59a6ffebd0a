"""The part of the MongoDB store that keeps the journal, and the leases: who has what before them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from core.domain.decisions import JournalEntry, State
from core.store import documents
from core.store.documents import Document

DUPLICATE_KEY = 11000


class MongoJournal:
    """Journal and leases of :class:`~core.store.mongo.MongoStore`, in collections of their own."""

    def __init__(self, database: Database[Document]) -> None:
        self._journal: Collection[Document] = database["labelloop.journal"]
        self._leases: Collection[Document] = database["labelloop.leases"]
        self._leases.create_index([("dataset_id", ASCENDING), ("until", ASCENDING)])
        self._journal.create_index([("token", ASCENDING)], unique=True)
        self._journal.create_index([("dataset_id", ASCENDING), ("_id", DESCENDING)])
        self._journal.create_index([("state", ASCENDING), ("at", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("batch", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("sample_id", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("at", ASCENDING)])
        self._journal.create_index([("dataset_id", ASCENDING), ("who", ASCENDING), ("_id", DESCENDING)])
        self._mend(database["labelloop.mended"])

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

    def journal_by_batch(self, dataset_id: str, batch: str, *, every: bool = False) -> list[JournalEntry]:
        wanted: Document = {"dataset_id": dataset_id, "batch": batch}
        if not every:
            wanted |= {"state": "applied", "undone": False}
        return [documents.entry_of(document) for document in self._journal.find(wanted, sort=[("_id", ASCENDING)])]

    def journal(
        self,
        dataset_id: str,
        *,
        limit: int | None = 50,
        since: datetime | None = None,
        sample_id: str | None = None,
        who: str | None = None,
    ) -> list[JournalEntry]:
        wanted: Document = {"dataset_id": dataset_id, "state": "applied"}
        if since is not None:
            wanted["at"] = {"$gte": since}
        if sample_id is not None:
            wanted["sample_id"] = sample_id
        if who is not None:
            wanted["who"] = who
        found = self._journal.find(wanted, sort=[("_id", DESCENDING)], limit=limit or 0)
        return [documents.entry_of(document) for document in found]

    def journal_of(self, dataset_id: str, sample_ids: Iterable[str]) -> list[JournalEntry]:
        wanted = {"dataset_id": dataset_id, "sample_id": {"$in": list(sample_ids)}, "state": "applied"}
        return [documents.entry_of(document) for document in self._journal.find(wanted, sort=[("_id", ASCENDING)])]

    def journal_newest(self, dataset_id: str, *, undoing: bool = False, who: str | None = None) -> JournalEntry | None:
        wanted: Document = {"dataset_id": dataset_id, "state": "applied", "undone": False}
        wanted |= {"undoes": {"$ne": None} if undoing else None, "source": {"$ne": "native"}}
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

    def journal_unsettled(self, dataset_id: str) -> datetime | None:
        wanted = {"dataset_id": dataset_id, "state": "pending"}
        oldest = self._journal.find_one(wanted, {"at": 1}, sort=[("at", ASCENDING)])
        return None if oldest is None else oldest["at"]

    def _mend(self, done: Collection[Document]) -> None:
        """Once a database: an earlier labelloop that was killed in an undo left what it took back as if it stood."""
        if done.find_one({"_id": "undone"}) is not None:
            return
        for field in ("undoes", "redoes"):
            found = self._journal.find({field: {"$ne": None}, "state": "applied"}, {field: 1})
            taken = [document[field] for document in found]
            for start in range(0, len(taken), 10_000):
                left = {"_id": {"$in": taken[start : start + 10_000]}, "undone": False}
                self._journal.update_many(left, {"$set": {"undone": True}})
        done.update_one({"_id": "undone"}, {"$set": {"at": documents.now()}}, upsert=True)

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
