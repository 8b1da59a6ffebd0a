"""Renaming and merging classes on both stores: through the journal, undone as one, safe while others label."""

import contextlib
import time
import uuid
from dataclasses import replace

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput
from core.review import classes, decisions, recovery, undoing, writing
from core.runs import predictions as prediction_files
from tests.core.review.crashing import Crash, dying


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
    classes.add(store, store.dataset("pets"), "cat", who="ann")
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
    assert merged.label.tolist() == ["pet"]
    assert classes.renamed_run(rows, ("cat", "dog", "bird"), {}) is rows
    renamed = classes.renamed_run(rows, ("puss", "dog", "bird"), {"cat": "puss"})
    assert renamed.classes == renamed.answers.classes == ("puss", "dog", "bird")
    assert renamed.probabilities is rows.probabilities
    assert renamed.label.tolist() == renamed.answers.label.tolist() == ["puss"]
    answers = classes.renamed_answers(rows.answers, ("pet", "hen"), {"cat": "pet", "dog": "pet", "bird": "hen"})
    assert (answers.classes, answers.predicted.tolist(), answers.label.tolist()) == (("pet", "hen"), ["hen"], ["pet"])
    assert classes.renamed_answers(rows.answers, ("cat", "dog", "bird"), {}) is rows.answers


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


STEPS = [
    (step, when, turn)
    for step in ("journal_add", "set_classes", "change_labels", "journal_mark_undone", "journal_settle")
    for when in ("before", "after")
    for turn in (1, 2)
    if step != "set_classes" or turn == 1
]


def whole(store, dataset):
    """No image carries a label that is no class, nothing is pending, and what was taken back is marked."""
    known = store.classes(dataset.id)
    assert [label for label in labels(store, dataset) if label is not None and label not in known] == []
    assert store.journal_pending() == []
    entries = store.journal(dataset.id, limit=None)
    taken = {entry.undoes or entry.redoes for entry in entries}
    assert all(entry.undone for entry in entries if entry.id in taken)


@pytest.mark.parametrize(("step", "when", "turn"), STEPS)
@pytest.mark.parametrize("again", ["start", "command"])
@pytest.mark.parametrize(("old", "new"), [("cat", "kitten"), ("cat", "dog")])
def test_a_crash_in_a_rename_or_merge_is_finished(store, dataset, monkeypatch, step, when, turn, again, old, new):
    """By the next start, or by the same command; and then it is undone and done again as one."""
    monkeypatch.setattr(classes, "CHUNK", 1)
    with contextlib.suppress(Crash), dying(store, step, when, turn):
        classes.change(store, dataset, old, new, who="ann", source="grid")
    if again == "command":
        with contextlib.suppress(BadInput):  # it was finished but for the answer
            classes.change(store, dataset, old, new, who="ann", source="grid")
    recovery.recover(store)
    whole(store, dataset)
    if old in store.classes(dataset.id):  # it had not begun
        assert again == "start"
        assert store.journal(dataset.id) == []
        classes.change(store, dataset, old, new, who="ann", source="grid")
    before, after = ["cat", "dog", None, "cat"], [new, "dog", None, new]
    assert labels(store, dataset) == after
    assert len({entry.batch for entry in store.journal(dataset.id)}) == 1
    undoing.undo(store, dataset, who="ann", source="grid")
    assert (labels(store, dataset), store.classes(dataset.id)) == (before, ("cat", "dog", "bird"))
    undoing.redo(store, dataset, who="ann", source="grid")
    assert labels(store, dataset) == after
    whole(store, dataset)


@pytest.mark.parametrize(("step", "when", "turn"), STEPS)
@pytest.mark.parametrize("again", ["start", "command"])
@pytest.mark.parametrize("new", ["kitten", "dog"])
@pytest.mark.parametrize("back", [True, False])
def test_a_crash_in_its_undo_or_redo_is_finished(store, dataset, step, when, turn, again, new, back):
    classes.change(store, dataset, "cat", new, who="ann", source="grid")
    act, taken = (undoing.undo, None) if back else (undoing.redo, "taken")
    if not back:
        undoing.undo(store, dataset, who="ann", source="grid", named=taken)
    with contextlib.suppress(Crash), dying(store, step, when, turn):
        act(store, dataset, who="ann", source="grid", batch=taken, named="again-1")
    if again == "start":
        recovery.recover(store)
    whole_or_not = store.classes(dataset.id)
    if again == "command" or ("cat" in whole_or_not) != back:
        act(store, dataset, who="ann", source="grid", batch=taken, named="again-1")
    recovery.recover(store)
    whole(store, dataset)
    here = ["cat", "dog", None, "cat"] if back else [new, "dog", None, new]
    assert labels(store, dataset) == here
    assert ("cat" in store.classes(dataset.id)) == back


def test_a_rename_that_goes_on_is_left_to_who_makes_it(store, dataset, monkeypatch):
    give(store, dataset, 1, "cat", "dog")
    monkeypatch.setattr(classes, "CHUNK", 1)
    write, finished = writing.write, []

    def watched(*args):
        applied = write(*args)
        if not finished:
            time.sleep(1.1)  # by now the rename is older than what is taken for a crash
        finished.append(recovery.recover(store, older_than=1.0) if len(finished) == 1 else 0)
        return applied

    monkeypatch.setattr(writing, "write", watched)
    done = classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    assert (done.samples, finished) == (3, [0, 0, 0])
    whole(store, dataset)


def test_a_rename_that_an_older_labelloop_left_half_done_is_finished_by_the_same_command(store, dataset):
    classes.replace_class(store, dataset.id, "cat", "kitten")
    done = classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    assert (done.samples, labels(store, dataset)) == (2, ["kitten", "dog", None, "kitten"])


def test_adding_and_removing_a_class_are_undone_and_done_again(store, dataset):
    def now():
        return store.classes(dataset.id)

    classes.add(store, dataset, " wasp ", who="ann", source="grid")
    assert now() == ("cat", "dog", "bird", "wasp")
    classes.remove(store, dataset, "bird", who="ann", source="grid")
    assert now() == ("cat", "dog", "wasp")
    assert [(e.kind, e.old, e.new, e.who) for e in store.journal(dataset.id)] == [
        ("class", "bird", None, "ann"),
        ("class", None, "wasp", "ann"),
    ]
    assert [o.saved for o in undoing.undo(store, dataset, who="ann", source="grid")] == [True]
    assert now() == ("cat", "dog", "bird", "wasp")
    undoing.undo(store, dataset, who="ann", source="grid")
    assert now() == ("cat", "dog", "bird")
    undoing.redo(store, dataset, who="ann", source="grid")
    undoing.redo(store, dataset, who="ann", source="grid")
    assert now() == ("cat", "dog", "wasp")
    assert undoing.redo(store, dataset, who="ann", source="grid") == []


def test_a_class_that_images_carry_is_not_removed(store, dataset):
    with pytest.raises(BadInput, match="2 images are labelled 'cat'"):
        classes.remove(store, dataset, "cat", who="ann")
    with pytest.raises(BadInput, match="no class 'horse'"):
        classes.remove(store, dataset, "horse", who="ann")
    classes.add(store, dataset, "wasp", who="ann")
    (entry,) = store.journal(dataset.id)
    give(store, store.dataset("pets"), 1, "wasp", "dog")
    (outcome,) = undoing.undo(store, dataset, who="ann", source="grid", batch=entry.batch)
    assert (outcome.saved, outcome.reason) == (False, "1 images are labelled 'wasp' by now; the class stays.")
    assert "wasp" in store.classes(dataset.id)
    assert store.journal_pending() == []


def test_a_class_that_is_given_while_it_is_removed_stays(store, dataset):
    late, real = [], store.set_classes

    def set_classes(*arguments, **options):
        if not late:
            late.append(give(store, store.dataset("pets"), 1, "bird", "dog"))
        real(*arguments, **options)

    store.set_classes = set_classes
    with pytest.raises(BadInput, match="just now"):
        classes.remove(store, dataset, "bird", who="ann")
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
    assert store.journal(dataset.id)[0].kind == "relabel"


@pytest.mark.parametrize(("new", "after"), [("hen", ("cat", "dog", "hen")), ("dog", ("cat", "dog"))])
def test_renaming_or_merging_an_empty_class_is_undone(store, dataset, new, after):
    classes.change(store, dataset, "bird", new, who="ann", source="grid")
    assert store.classes(dataset.id) == after
    assert [o.saved for o in undoing.undo(store, dataset, who="ann", source="grid")] == [True]
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
    undoing.redo(store, dataset, who="ann", source="grid")
    assert store.classes(dataset.id) == after


def test_two_empty_classes_that_were_merged_are_two_again(store, dataset):
    classes.add(store, dataset, "wasp", who="ann")
    classes.change(store, dataset, "bird", "wasp", who="ann", source="grid")
    undoing.undo(store, dataset, who="ann", source="grid")
    assert store.classes(dataset.id) == ("cat", "dog", "bird", "wasp")


def test_one_image_of_a_rename_taken_back_leaves_the_others_their_class(store, dataset):
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    first = store.journal(dataset.id)[0]
    assert first.kind == "rename"
    undoing.undo_entries(store, dataset, [first], who="ann", source="grid")
    assert sorted(filter(None, labels(store, dataset))) == ["cat", "dog", "kitten"]
    whole(store, dataset)


def test_one_image_of_a_merge_taken_back_leaves_the_class_it_was_in_even_if_that_is_empty_then(store, dataset):
    give(store, dataset, 1, "bird", "dog")
    give(store, dataset, 3, "bird", "cat")
    classes.change(store, dataset, "cat", "dog", who="ann", source="grid")
    (moved,) = [entry for entry in store.journal(dataset.id) if entry.kind == "rename"]
    undoing.undo_entries(store, dataset, [moved], who="ann", source="grid")
    assert labels(store, dataset) == ["cat", "bird", None, "bird"]
    assert store.classes(dataset.id) == ("cat", "dog", "bird")


def test_the_change_of_the_class_taken_back_takes_its_images_along(store, dataset):
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    (change,) = [entry for entry in store.journal(dataset.id) if entry.kind == "class"]
    undoing.undo_entries(store, dataset, [change], who="ann", source="grid")
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert store.classes(dataset.id) == ("cat", "dog", "bird")


def test_everything_since_is_undone_classes_included(store, dataset):
    classes.add(store, dataset, "wasp", who="ann")
    give(store, store.dataset("pets"), 1, "wasp", "dog")
    classes.change(store, dataset, "cat", "kitten", who="ann", source="grid")
    everything = store.journal(dataset.id, limit=None)
    outcomes = undoing.undo_entries(store, dataset, everything, who="bob", source="cli")
    assert [o.reason for o in outcomes if not o.saved] == []
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert store.classes(dataset.id) == ("cat", "dog", "bird")
