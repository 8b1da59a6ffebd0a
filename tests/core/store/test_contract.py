"""What every dataset store does: run on memory and on the real MongoDB."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from bson import ObjectId

from core.domain.decisions import JournalEntry, LabelChange, new_id
from core.domain.errors import BadInput, NotFound
from core.domain.samples import FilePlace
from core.store.base import FRAME_COLUMNS
from core.store.mongo import MongoStore

CLASSES = ["cat", "dog"]


@pytest.fixture
def dataset(store, new_samples):
    info = store.create("pets", CLASSES)
    store.insert(info.id, new_samples("cat", "dog", None))
    return store.dataset("pets")


def _entry(dataset, sample_id, token, **changes):
    values = {
        "id": new_id(),
        "dataset_id": dataset.id,
        "sample_id": sample_id,
        "kind": "relabel",
        "old": "cat",
        "new": "dog",
        "who": "me",
        "at": datetime.now(UTC),
        "source": "grid",
        "queue": "",
        "batch": "b1",
        "state": "pending",
        "token": token,
    }
    return JournalEntry(**{**values, **changes})


def _ids(store, dataset):
    return store.frame(dataset.id)["sample_id"].tolist()


def test_a_new_dataset_is_empty_and_making_it_again_changes_nothing(store):
    made = store.create("pets", CLASSES)
    assert (made.name, made.classes, made.samples) == ("pets", ("cat", "dog"), 0)
    again = store.create("pets", ["other"])
    assert (again.id, again.classes) == (made.id, ("cat", "dog"))
    assert store.names() == ["pets"]


def test_what_is_not_there_is_not_found(store):
    with pytest.raises(NotFound, match="no dataset 'nope'"):
        store.dataset("nope")
    with pytest.raises(NotFound):
        store.dataset_by_id("0" * 24)
    info = store.create("pets", CLASSES)
    with pytest.raises(NotFound):
        store.sample(info.id, "0" * 24)


def test_a_dataset_has_another_name_and_its_samples_as_before(store, dataset):
    store.rename(dataset.id, "animals")
    assert store.names() == ["animals"]
    assert store.dataset("animals") == replace(dataset, name="animals")
    with pytest.raises(NotFound):
        store.dataset("pets")
    (naming,) = store.namings()
    assert (naming.id, naming.name, [name for name, _ in naming.former]) == (dataset.id, "animals", ["pets"])
    store.rename(dataset.id, "Animals")  # the same to FiftyOne's slugs, but it is its own name
    assert store.names() == ["Animals"]


@pytest.mark.parametrize("name", ["cars", "CARS "])
def test_two_datasets_never_share_a_name(store, dataset, name):
    store.create("cars", [])
    for change in (store.rename, lambda key, new: (store.put_away(key), store.bring_back(key, new))):
        with pytest.raises(BadInput, match="cars"):
            change(dataset.id, name)


def test_what_is_put_away_is_not_there_and_comes_back_whole(store, dataset, new_samples):
    first = _ids(store, dataset)[0]
    store.change_labels(dataset.id, [LabelChange(new_id(), first, "cat", "dog", reviewed=True)])
    store.journal_add([_entry(dataset, first, "t1", state="applied")])
    before = store.frame(dataset.id)
    store.put_away(dataset.id)
    assert store.names() == []
    for ask in (store.dataset_by_id, store.classes, store.put_away, lambda key: store.rename(key, "animals")):
        with pytest.raises(NotFound):
            ask(dataset.id)
    with pytest.raises(NotFound, match="none yet"):
        store.id_of("pets")
    assert store.extent(dataset.id) == (3, 1)

    other = store.create("pets", ["car"])  # the name is free
    assert other.id != dataset.id
    with pytest.raises(BadInput, match="already"):
        store.bring_back(dataset.id, "pets")
    store.bring_back(dataset.id, "old pets")
    with pytest.raises(NotFound):
        store.bring_back(dataset.id, "again")
    assert store.names() == ["old pets", "pets"]
    assert store.frame(dataset.id).equals(before)
    assert [entry.token for entry in store.journal_of(dataset.id, [first])] == ["t1"]
    naming = next(one for one in store.namings() if one.id == dataset.id)
    assert [name for name, _ in naming.former] == ["pets"]
    assert naming.put_away is None


def test_what_is_put_away_can_be_deleted(store, dataset):
    store.put_away(dataset.id)
    store.delete(dataset.id)
    assert store.namings() == []
    with pytest.raises(NotFound):
        store.delete(dataset.id)


def test_counts(store, dataset):
    assert dataset.samples == 3
    assert dict(dataset.labels) == {"cat": 1, "dog": 1, None: 1}
    assert dict(dataset.splits) == {"train": 3}
    assert store.dataset_by_id(dataset.id) == dataset


def test_the_frame_holds_what_was_inserted(store, dataset):
    frame = store.frame(dataset.id)
    assert tuple(frame.columns) == FRAME_COLUMNS
    assert frame["label"].tolist() == ["cat", "dog", None]
    assert frame["filepath"].tolist() == ["/images/0.png", "/images/1.png", "/images/2.png"]
    assert frame["size_bytes"].tolist() == [100, 101, 102]
    assert frame["reviewed"].tolist() == [False, False, False]
    assert frame["sample_id"].is_monotonic_increasing
    sample = store.sample(dataset.id, frame["sample_id"][1])
    assert (sample.label, sample.width, sample.height, sample.split) == ("dog", 64, 48, "train")


def test_an_empty_frame_has_its_columns(store):
    info = store.create("pets", CLASSES)
    frame = store.frame(info.id)
    assert tuple(frame.columns) == FRAME_COLUMNS
    assert (frame["reviewed"].dtype, frame["excluded"].dtype) == (bool, bool)  # used as masks


def test_every_write_moves_the_version(store, dataset, new_samples):
    seen = [store.version(dataset.id)]
    assert store.version(dataset.id) == seen[0]
    sample_id = _ids(store, dataset)[0]
    store.insert(dataset.id, new_samples("cat", folder="/more"))
    seen.append(store.version(dataset.id))
    store.change_labels(dataset.id, [LabelChange(new_id(), sample_id, "cat", "dog", reviewed=True)])
    seen.append(store.version(dataset.id))
    store.set_classes(dataset.id, ["cat", "dog", "bird"])
    seen.append(store.version(dataset.id))
    assert len(set(seen)) == 4


def test_labels_are_compared_and_set(store, dataset):
    first, second, third = _ids(store, dataset)
    changes = [
        LabelChange(new_id(), first, "cat", "dog", reviewed=True),
        LabelChange(new_id(), second, "cat", "bird", reviewed=True),  # it is a dog: refused
        LabelChange(new_id(), third, None, "cat", reviewed=True),
        LabelChange(new_id(), "f" * 24, "cat", "dog", reviewed=True),  # nobody
    ]
    assert store.change_labels(dataset.id, changes) == {changes[0].entry_id, changes[2].entry_id}
    states = store.label_states(dataset.id, [first, second, third, "f" * 24, "no id"])
    assert {key: state.label for key, state in states.items()} == {first: "dog", second: "dog", third: "cat"}
    assert [states[i].reviewed for i in (first, second, third)] == [True, False, True]
    assert not any(state.edited_natively for state in states.values())


def test_a_change_that_was_applied_before_is_applied(store, dataset):
    change = LabelChange(new_id(), _ids(store, dataset)[0], "cat", "dog", reviewed=True)
    assert store.change_labels(dataset.id, [change]) == {change.entry_id}
    assert store.change_labels(dataset.id, [change]) == {change.entry_id}


def test_a_label_can_be_taken_away_again(store, dataset):
    third = _ids(store, dataset)[2]
    store.change_labels(dataset.id, [LabelChange(new_id(), third, None, "cat", reviewed=True)])
    change = LabelChange(new_id(), third, "cat", None, reviewed=False)
    assert store.change_labels(dataset.id, [change]) == {change.entry_id}
    assert store.frame(dataset.id)["label"].tolist() == ["cat", "dog", None]


def test_a_token_is_journalled_once(store, dataset):
    first, second, _ = _ids(store, dataset)
    store.journal_add([_entry(dataset, first, "t1")])
    store.journal_add([_entry(dataset, first, "t1"), _entry(dataset, second, "t2")])
    assert {entry.token for entry in store.journal_pending()} == {"t1", "t2"}
    assert len(store.journal_pending()) == 2
    assert store.journal_by_token(["t2", "t9"]).keys() == {"t2"}


def test_the_journal_shows_what_was_applied_newest_first(store, dataset):
    first = _ids(store, dataset)[0]
    entries = [_entry(dataset, first, f"t{i}", batch="b1" if i < 2 else "b2") for i in range(4)]
    store.journal_add(entries)
    store.journal_settle([entry.id for entry in entries[:3]], "applied")
    store.journal_settle([entries[3].id], "refused")
    assert [entry.token for entry in store.journal(dataset.id)] == ["t2", "t1", "t0"]
    assert [entry.token for entry in store.journal(dataset.id, limit=1)] == ["t2"]
    assert [entry.token for entry in store.journal_by_batch(dataset.id, "b1")] == ["t0", "t1"]
    store.journal_mark_undone([entries[0].id])
    assert [entry.token for entry in store.journal_by_batch(dataset.id, "b1")] == ["t1"]
    assert store.journal_pending() == []


def test_an_undo_that_an_earlier_labelloop_left_unmarked_is_mended_once(mongo_store, database_uri, new_samples):
    info = mongo_store.create("pets", CLASSES)
    (sample,) = mongo_store.insert(info.id, new_samples("cat"))
    taken = _entry(info, sample, "t1", state="applied")
    undo = _entry(info, sample, "t2", state="applied", undoes=taken.id)
    other = _entry(info, sample, "t3", state="applied")
    mongo_store.journal_add([taken, undo, other])
    mongo_store._db["labelloop.mended"].drop()
    MongoStore(database_uri, mongo_store._db.name).close()
    assert [entry.undone for entry in mongo_store.journal(info.id)] == [False, False, True]


def test_the_oldest_entry_that_is_pending(store, dataset):
    assert store.journal_unsettled(dataset.id) is None
    first = _ids(store, dataset)[0]
    old, new = (_entry(dataset, first, f"t{n}", at=datetime(2026, 1, n, tzinfo=UTC)) for n in (1, 2))
    store.journal_add([new, old])
    assert store.journal_unsettled(dataset.id) == old.at
    store.journal_settle([old.id, new.id], "applied")
    assert store.journal_unsettled(dataset.id) is None


def test_what_was_set_natively_is_never_the_newest_decision(store, dataset):
    first, second, _ = _ids(store, dataset)
    mine = _entry(dataset, first, "t1", state="applied")
    script = _entry(dataset, second, "t2", state="applied", source="native", who="ann")
    store.journal_add([mine, script])
    assert store.journal_newest(dataset.id).id == mine.id
    assert store.journal_newest(dataset.id, who="ann") is None
    assert [entry.token for entry in store.journal(dataset.id, who="ann")] == ["t2"]
    assert [entry.token for entry in store.journal_of(dataset.id, [second, first])] == ["t1", "t2"]
    assert [entry.token for entry in store.journal_by_batch(dataset.id, "b1", every=True)] == ["t1", "t2"]


def test_young_entries_are_left_to_whoever_writes_them(store, dataset):
    store.journal_add([_entry(dataset, _ids(store, dataset)[0], "t1")])
    assert store.journal_pending(older_than=60) == []
    assert len(store.journal_pending(older_than=0)) == 1


def test_a_replaced_file_keeps_label_and_split(store, dataset, new_samples):

    first = _ids(store, dataset)[0]
    store.replace_file(dataset.id, first, replace(new_samples("dog")[0], content_hash="ff", split="test", size_bytes=7))
    row = store.frame(dataset.id).iloc[0]
    assert (row["content_hash"], row["size_bytes"], row["label"], row["split"]) == ("ff", 7, "cat", "train")


def test_a_file_that_lies_elsewhere_keeps_everything_else(store, dataset):
    before, version = store.frame(dataset.id), store.version(dataset.id)
    first = before["sample_id"].iat[0]
    store.move_files(dataset.id, {first: FilePlace("/new/a.png", 77, "/new")})
    row = store.frame(dataset.id).iloc[0]
    assert (row["filepath"], row["mtime_ns"], row["source"]) == ("/new/a.png", 77, "/new")
    same = ["sample_id", "content_hash", "label", "split", "size_bytes", "reviewed", "excluded"]
    assert row[same].tolist() == before.iloc[0][same].tolist()
    assert store.frame(dataset.id).iloc[1:].equals(before.iloc[1:])
    assert store.sample(dataset.id, first).filepath == "/new/a.png"
    assert store.version(dataset.id) != version
    store.move_files(dataset.id, {})


def test_roots_are_noted_once(store, dataset):
    for root in ("/a", "/b", "/a"):
        store.add_root(dataset.id, root)
    assert store.dataset("pets").roots == ("/a", "/b")


def test_delete(store, dataset):
    store.journal_add([_entry(dataset, _ids(store, dataset)[0], "t1")])
    store.delete(dataset.id)
    assert store.names() == []
    assert store.journal_pending() == []


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", 'a "quoted" one', "кот", "猫", "$where", "a.b", " spaced "]
)
def test_labels_of_any_script_survive(store, new_samples, label):
    info = store.create(f"set {label}", [label])
    store.insert(info.id, new_samples(label, None))
    assert dict(store.dataset(f"set {label}").labels) == {label: 1, None: 1}
    assert store.frame(info.id)["label"].tolist() == [label, None]


def test_who_carries_a_label(store, new_samples):
    info = store.create("pets", ["cat", "$dog"])
    store.insert(info.id, new_samples("cat", "$dog", None, "cat"))
    first, second, _, last = _ids(store, info)
    store.change_labels(info.id, [LabelChange(new_id(), last, "cat", "cat", reviewed=None, excluded=True)])
    assert store.carrying(info.id, "cat") == {first, last}
    assert store.carrying(info.id, "$dog") == {second}
    assert store.carrying(info.id, "ca") == set()


def test_tags_are_told_of_the_samples_that_have_any(store, dataset):
    assert store.tags(dataset.id) == {}
    first, second, _ = _ids(store, dataset)
    if isinstance(store, MongoStore):  # the App writes them, the store never does
        store._samples(dataset.id).update_one({"_id": ObjectId(first)}, {"$set": {"tags": ["night", "blurred"]}})
        store._samples(dataset.id).update_one({"_id": ObjectId(second)}, {"$set": {"tags": []}})
    else:
        store._get(dataset.id).rows[first].tags = ("night", "blurred")
    assert store.tags(dataset.id) == {first: ("night", "blurred")}
