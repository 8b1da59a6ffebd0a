"""Renaming and merging classes on both stores: through the journal, undone as one, safe while others label."""

import uuid
from dataclasses import replace

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput
from core.review import classes, decisions, undoing
from core.runs import predictions as prediction_files


@pytest.fixture
def dataset(store, new_samples):
    info = store.create("pets", ["cat", "dog", "bird"])
    store.insert(info.id, new_samples("cat", "dog", None, "cat"))
    return store.dataset("pets")


def labels(store, dataset):
    return store.frame(dataset.id)["label"].tolist()


def give(store, dataset, at, label, seen):
    sample = store.frame(dataset.id)["sample_id"][at]
    wanted = [Decision(sample, "relabel", label, seen, uuid.uuid4().hex)]
    return decisions.decide(store, dataset, wanted, who="bob", source="grid")[0]


def test_a_rename_moves_every_image_and_is_undone_as_one(store, dataset):
    planned = classes.preview(store, dataset, "cat", " kitten ")
    assert (planned.kind, planned.samples, planned.classes) == ("rename", 2, ("kitten", "dog", "bird"))
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    done = classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    assert (done.kind, done.samples) == ("rename", 2)
    assert store.classes(dataset.id) == ("kitten", "dog", "bird")
    assert labels(store, dataset) == ["kitten", "dog", None, "kitten"]
    assert not store.frame(dataset.id)["reviewed"].any()  # a new name says nothing about the label
    undoing.undo(store, store.dataset("pets"), who="ann", source="grid")
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    undoing.redo(store, store.dataset("pets"), who="ann", source="grid")
    assert store.classes(dataset.id) == ("kitten", "dog", "bird")
    assert labels(store, dataset) == ["kitten", "dog", None, "kitten"]


def test_a_merge_is_undone_without_the_images_that_were_there_before(store, dataset):
    done = classes.change(store, dataset, "cat", "dog", who="ann", source="grid")
    assert (done.kind, done.classes) == ("merge", ("dog", "bird"))
    assert labels(store, dataset) == ["dog", "dog", None, "dog"]
    undoing.undo(store, store.dataset("pets"), who="ann", source="grid")
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]


def test_who_still_sees_the_old_name_decides_in_the_new_one(store, dataset):
    """``dataset`` is what a page knew before the rename."""
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    fresh = store.dataset("pets")
    outcome = give(store, fresh, 1, "cat", "dog")
    assert (outcome.saved, outcome.label) == (True, "kitten")
    outcome = give(store, fresh, 0, "bird", "cat")  # it was shown as a cat and is a kitten: the same thing
    assert (outcome.saved, outcome.label) == (True, "bird")


def test_a_label_given_while_its_class_is_renamed_follows_it(store, dataset):
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    late = replace(dataset)  # the check of the class list came before the rename, the write after it
    assert "cat" in late.classes
    outcome = give(store, late, 1, "cat", "dog")
    assert (outcome.saved, outcome.label) == (True, "kitten")
    assert labels(store, dataset) == ["kitten", "kitten", None, "kitten"]


def test_a_class_that_is_added_again_is_no_longer_the_renamed_one(store, dataset):
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    classes.add(store, store.dataset("pets"), "cat")
    assert give(store, store.dataset("pets"), 1, "cat", "dog").label == "cat"


@pytest.mark.parametrize(("old", "new"), [("horse", "cat"), ("cat", "cat"), ("cat", "  "), ("cat", "x" * 101)])
def test_names_that_cannot_be_are_refused(store, dataset, old, new):
    with pytest.raises(BadInput):
        classes.change(store, dataset, old, new, who="ann", source="grid")
    assert store.classes(dataset.id) == ("cat", "dog", "bird")


def test_a_runs_predictions_speak_the_words_of_now():
    rows = prediction_files.make(
        classes=["cat", "dog", "bird"],
        sample_id=["1"],
        split=["val"],
        label=["cat"],
        probabilities=np.array([[0.3, 0.2, 0.5]], dtype=np.float32),
    )
    merged = classes.renamed_run(rows, ("pet", "bird"), {"cat": "pet", "dog": "pet"})
    assert merged.classes == ("pet", "bird")
    assert merged.probabilities[0].tolist() == pytest.approx([0.5, 0.5])
    assert classes.renamed_run(rows, ("cat", "dog", "bird"), {}) is rows


def test_two_people_get_different_images(store, dataset):
    ids = store.frame(dataset.id)["sample_id"].tolist()
    assert store.lease(dataset.id, ids[:2], who="ann", holder="w1", seconds=60) == {}
    assert store.lease(dataset.id, ids[:3], who="bob", holder="w2", seconds=60) == {ids[0]: "ann", ids[1]: "ann"}
    assert store.leased(dataset.id, but="ann") == {ids[2]: "bob"}
    # ann goes on: what she had before is free
    assert store.lease(dataset.id, [ids[3]], who="ann", holder="w1", seconds=60) == {}
    assert store.lease(dataset.id, ids[:3], who="bob", holder="w2", seconds=60) == {}


def test_a_lease_ends_by_itself_and_binds_nobody_in_another_window(store, dataset):
    (first, *_) = store.frame(dataset.id)["sample_id"].tolist()
    store.lease(dataset.id, [first], who="ann", holder="w1", seconds=60)
    assert store.lease(dataset.id, [first], who="ann", holder="w3", seconds=-1) == {}
    assert store.lease(dataset.id, [first], who="bob", holder="w2", seconds=60) == {}
