"""The part of the MongoDB store that knows what datasets are called: by what name, by which before, or put away."""

import time
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from core.domain.errors import BadInput, NotFound
from core.domain.naming import Naming, whereabouts
from core.store import documents, template
from core.store.documents import Document

_AWAY = "info.labelloop_away"
_FORMER = "info.labelloop_former"
_IN_USE = {_AWAY: None}  # of what is put away nobody else knows


class MongoNames:
    """What :class:`~core.store.mongo.MongoStore` does with names."""

    def __init__(self, database: Database[Document]) -> None:
        self._datasets = database["datasets"]

    def names(self) -> list[str]:
        return sorted(document["name"] for document in self._datasets.find(_IN_USE, {"name": 1}))

    def id_of(self, name: str) -> str:
        document = self._datasets.find_one({"name": name, **_IN_USE}, {"_id": 1})
        if document is None:
            known = ", ".join(self.names()) or "none yet"
            became = whereabouts(self.namings(), name)
            raise NotFound(f"There is no dataset {name!r} in this workspace; it holds: {known}.{became}")
        return str(document["_id"])

    def namings(self) -> list[Naming]:
        return [_naming(document) for document in self._datasets.find({}, {"name": 1, "info": 1})]

    def rename(self, dataset_id: str, name: str) -> None:
        document = self._dataset_document(dataset_id)
        self._call(document, name, {"$push": {_FORMER: [document["name"], time.time()]}})

    def put_away(self, dataset_id: str) -> None:
        document = self._dataset_document(dataset_id)
        away = {"name": document["name"], "at": time.time()}
        self._call(document, f"{document['name']} (put away {dataset_id})", {"$set": {_AWAY: away}})

    def bring_back(self, dataset_id: str, name: str) -> None:
        document = self._datasets.find_one({"_id": documents.object_id(dataset_id), _AWAY: {"$ne": None}})
        if document is None:
            raise NotFound(f"There is no dataset with the id {dataset_id} that was put away.")
        away = document["info"]["labelloop_away"]
        self._call(document, name, {"$unset": {_AWAY: ""}, "$push": {_FORMER: [away["name"], away["at"]]}})

    def _dataset_document(self, dataset_id: str, *, in_use: bool = True) -> Document:
        wanted = _IN_USE if in_use else {}
        document = self._datasets.find_one({"_id": documents.object_id(dataset_id), **wanted})
        if document is None:
            raise NotFound(f"There is no dataset with the id {dataset_id} in this workspace.")
        return document

    def _refuse_taken(self, name: str, *, but: ObjectId | None = None) -> None:
        """Raise BadInput where another dataset has that name, or FiftyOne could not tell the two apart."""
        found = {"$or": [{"name": name}, {"slug": template.slug(name)}], "_id": {"$ne": but}}
        taken = self._datasets.find_one(found, {"name": 1}, sort=[("_id", DESCENDING)])
        if taken is None:
            return
        if taken["name"] == name:
            raise BadInput(f"There is a dataset {name!r} already; choose another name.")
        raise BadInput(f"The name {name!r} is too close to that of the dataset {taken['name']!r}; choose another.")

    def _call(self, document: Document, name: str, update: dict[str, dict[str, Any]]) -> None:
        """Give a dataset another name, and ``update`` with it, in one write: nobody sees half of it."""
        self._refuse_taken(name, but=document["_id"])
        called = {"name": name, "slug": template.slug(name), "last_modified_at": documents.now()}
        whole = {**update, "$set": {**called, **update.get("$set", {})}}
        try:
            done = self._datasets.update_one({"_id": document["_id"], "name": document["name"]}, whole)
        except DuplicateKeyError:
            raise BadInput(f"There is a dataset {name!r} already; choose another name.") from None
        if not done.matched_count:
            raise BadInput("Somebody gave it another name meanwhile; look again.")


def _naming(document: Document) -> Naming:
    info = document.get("info") or {}
    former = tuple((str(name), float(until)) for name, until in info.get("labelloop_former") or ())
    away = info.get("labelloop_away")
    name, at = (away["name"], float(away["at"])) if away else (document["name"], None)
    return Naming(str(document["_id"]), name, former, at)
