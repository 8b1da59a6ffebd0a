"""The tables that are kept in memory are always those that the store holds."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from bson import ObjectId

from core.domain.decisions import LabelChange
from core.domain.errors import NotFound
from core.store.mongo import MongoStore
from core.workspace import frames as tables
from core.workspace.frames import Frames


@pytest.fixture
def dataset(store, new_samples):
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog", None, "cat"))
    return info


@pytest.fixture
def reads(store, monkeypatch):
    """How often the whole table was read."""
    seen = []
    whole = store.frame
    monkeypatch.setattr(store, "frame", lambda dataset_id: seen.append(dataset_id) or whole(dataset_id))
    return seen


def relabel(store, dataset_id, sample_id, old, new):
    change = LabelChange(str(ObjectId()), sample_id, old, new, reviewed=True)
    assert store.change_labels(dataset_id, [change]) == {change.entry_id}


def test_a_table_is_read_once_while_nothing_changes(store, dataset, reads):
    frames = Frames(store)
    assert frames.of(dataset.id) is frames.of(dataset.id)
    assert len(reads) == 1


def test_decisions_show_up_and_only_what_was_written_is_read_again(store, dataset, reads):
    frames = Frames(store)
    before = frames.of(dataset.id)
    ids = before["sample_id"].tolist()
    relabel(store, dataset.id, ids[1], "dog", "cat")
    relabel(store, dataset.id, ids[2], None, "dog")
    after = frames.of(dataset.id)
    assert after["label"].tolist() == ["cat", "cat", "dog", "cat"]
    assert after["reviewed"].tolist() == [False, True, True, False]
    assert before["label"].tolist() == ["cat", "dog", None, "cat"]
    if isinstance(store, MongoStore):
        assert len(reads) == 1
    pd.testing.assert_frame_equal(after, store.frame(dataset.id))


def test_new_samples_show_up(store, dataset, new_samples):
    frames = Frames(store)
    frames.of(dataset.id)
    store.insert(dataset.id, new_samples("dog", folder="/more"))
    assert frames.of(dataset.id)["filepath"].tolist()[-1] == "/more/0.png"


def test_a_change_from_outside_shows_up(mongo_store, new_samples):
    info = mongo_store.create("zoo", ["cat", "dog"])
    ids = mongo_store.insert(info.id, new_samples("cat", "cat"))
    frames = Frames(mongo_store)
    frames.of(info.id)
    natively = {"ground_truth.label": "dog", "last_modified_at": datetime.now(UTC) + timedelta(milliseconds=5)}
    mongo_store._samples(info.id).update_one({"_id": ObjectId(ids[0])}, {"$set": natively})
    assert frames.of(info.id)["label"].tolist() == ["dog", "cat"]


def test_a_write_that_was_stamped_before_one_already_seen_shows_up_later(mongo_store, new_samples, monkeypatch):
    info = mongo_store.create("zoo", ["cat", "dog"])
    ids = mongo_store.insert(info.id, new_samples("cat", "cat"))
    frames, moment = Frames(mongo_store), datetime.now(UTC)
    late = {"ground_truth.label": "dog", "last_modified_at": moment - timedelta(milliseconds=5)}
    mongo_store._samples(info.id).update_one({"_id": ObjectId(ids[0])}, {"$set": {"last_modified_at": moment}})
    frames.of(info.id)
    mongo_store._samples(info.id).update_one({"_id": ObjectId(ids[1])}, {"$set": late})
    monkeypatch.setattr(tables, "SETTLED", timedelta(0))
    table = frames.of(info.id)
    assert table["label"].tolist() == ["cat", "dog"]
    assert frames.of(info.id) is table  # once is enough


def test_a_sample_in_the_place_of_a_removed_one_is_noticed(mongo_store, new_samples):
    info = mongo_store.create("zoo", ["cat", "dog"])
    ids = mongo_store.insert(info.id, new_samples("cat", "cat"))
    frames = Frames(mongo_store)
    frames.of(info.id)
    mongo_store._samples(info.id).delete_one({"_id": ObjectId(ids[0])})
    (new,) = mongo_store.insert(info.id, new_samples("dog", folder="/more"))
    assert frames.of(info.id)["sample_id"].tolist() == [ids[1], new]


def test_many_changes_are_read_as_a_whole(mongo_store, new_samples, monkeypatch):
    info = mongo_store.create("zoo", ["cat", "dog"])
    mongo_store.insert(info.id, new_samples(*["cat"] * 5))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert len(mongo_store.recent(info.id, long_ago)) == 5
    monkeypatch.setattr("core.store.mongo.FEW", 4)
    assert mongo_store.recent(info.id, long_ago) is None
    assert len(mongo_store.recent(info.id, datetime.now(UTC) + timedelta(minutes=1))) == 0


def test_classes_cost_no_counting(store, dataset):
    assert store.classes(dataset.id) == ("cat", "dog")
    store.set_classes(dataset.id, ["cat", "dog", "bird"])
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
    with pytest.raises(NotFound):
        store.classes("0" * 24)
