"""The part of the MongoDB store that keeps what image generators wrote: beside the samples, raw texts apart."""

from collections.abc import Iterator, Mapping

from bson import ObjectId
from pymongo import ASCENDING, ReplaceOne, UpdateOne
from pymongo.collection import Collection

from core.domain.generation import Generation
from core.store import documents, generations
from core.store.documents import Document

RAW_CHUNK = 500


class MongoGenerations:
    """What :class:`~core.store.mongo.MongoStore` does with generations."""

    def __init__(self, raw: Collection[Document]) -> None:
        self._raw = raw
        self._raw.create_index([("dataset_id", ASCENDING)])

    def generations(self, dataset_id: str) -> Iterator[tuple[str, Generation]]:
        wanted, projection = {"generation.tool": {"$exists": True}}, {"generation": 1}
        cursor = self._samples(dataset_id).find(wanted, projection, sort=[("_id", ASCENDING)], batch_size=5_000)
        for document in cursor:
            generation = generations.generation_of(document.get("generation"))
            if generation is not None:
                yield str(document["_id"]), generation

    def generation(self, dataset_id: str, sample_id: str) -> Generation | None:
        key = documents.object_id(sample_id)
        document = self._samples(dataset_id).find_one({"_id": key}, {"generation": 1}) or {}
        raw = self._raw.find_one({"_id": key})
        return generations.generation_of(
            document.get("generation"), generations.unpacked(raw["texts"]) if raw else None
        )

    def set_generations(self, dataset_id: str, found: Mapping[str, Generation | None]) -> None:
        moment = documents.now()
        writes = [
            UpdateOne(
                {"_id": ObjectId(sample_id)},
                {"$set": {"generation": generations.document(generation), "last_modified_at": moment}},
            )
            for sample_id, generation in found.items()
        ]
        if writes:
            self._samples(dataset_id).bulk_write(writes, ordered=False)
            self._keep_raw(dataset_id, found)

    def _keep_raw(self, dataset_id: str, found: Mapping[str, Generation | None]) -> None:
        packed = {key: generations.packed(g.raw) for key, g in found.items() if g is not None}
        writes = [
            ReplaceOne({"_id": ObjectId(key)}, {"dataset_id": dataset_id, "texts": texts}, upsert=True)
            for key, texts in packed.items()
            if texts is not None
        ]
        for start in range(0, len(writes), RAW_CHUNK):
            self._raw.bulk_write(writes[start : start + RAW_CHUNK], ordered=False)

    def _samples(self, dataset_id: str) -> Collection[Document]:
        raise NotImplementedError
