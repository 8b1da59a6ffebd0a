"""Decisions and their journal on both stores: nothing lost, nothing twice, everything undoable."""

import contextlib
import uuid
from dataclasses import replace

import pytest

from core.domain.decisions import Decision, LabelState
from core.domain.errors import BadInput
from core.review import decisions as reviewing
from core.review import recovery, undoing, writing
from tests.core.review.crashing import Crash, dying


@pytest.fixture
def dataset(store, new_samples):
    info = store.create("pets", ["cat", "dog", "bird"])
    store.insert(info.id, new_samples("cat", "dog", None, "cat"))
    return store.dataset("pets")


@pytest.fixture
def ids(store, dataset):
    return store.frame(dataset.id)["sample_id"].tolist()


def ask(sample, label, seen, kind="relabel", token=None):
    return Decision(sample, kind, label, seen, token or uuid.uuid4().hex)


def decide(store, dataset, *decisions, **options):
    return reviewing.decide(store, dataset, decisions, who="ann", source="grid", queue="all", **options)


def labels(store, dataset):
    return store.frame(dataset.id)["label"].tolist()


def test_a_relabel_is_saved_and_journalled(store, dataset, ids):
    (outcome,) = decide(store, dataset, ask(ids[0], "dog", "cat"))
    assert (outcome.saved, outcome.label) == (True, "dog")
    assert labels(store, dataset) == ["dog", "dog", None, "cat"]
    (entry,) = store.journal(dataset.id)
    assert (entry.old, entry.new, entry.who, entry.source, entry.queue) == ("cat", "dog", "ann", "grid", "all")
    assert entry.id == outcome.entry_id
    assert store.label_states(dataset.id, [ids[0]])[ids[0]].reviewed


def test_confirming_says_that_the_label_is_right(store, dataset, ids):
    decide(store, dataset, ask(ids[0], None, "cat", kind="confirm"), ask(ids[3], "cat", "cat"))
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert [entry.kind for entry in store.journal(dataset.id)] == ["confirm", "confirm"]
    assert store.frame(dataset.id)["reviewed"].tolist() == [True, False, False, True]


def test_a_label_that_changed_since_it_was_shown_is_not_overwritten(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    (outcome,) = decide(store, dataset, ask(ids[0], "bird", "cat"))
    assert (outcome.saved, outcome.label) == (False, "dog")
    assert "“dog” now" in outcome.reason
    assert labels(store, dataset)[0] == "dog"


def test_a_class_that_is_none_writes_nothing(store, dataset, ids):
    with pytest.raises(BadInput, match="'horse' is not a class"):
        decide(store, dataset, ask(ids[0], "dog", "cat"), ask(ids[1], "horse", "dog"))
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert store.journal(dataset.id) == []


def test_an_unknown_sample_is_refused_and_the_others_are_saved(store, dataset, ids):
    outcomes = decide(store, dataset, ask("f" * 24, "dog", "cat"), ask(ids[0], "dog", "cat"))
    assert [outcome.saved for outcome in outcomes] == [False, True]


def test_the_same_request_again_is_applied_once(store, dataset, ids):
    request = ask(ids[0], "dog", "cat", token="t-1")
    first = decide(store, dataset, request)
    second = decide(store, dataset, request)
    assert [o.saved for o in (*first, *second)] == [True, True]
    assert len(store.journal(dataset.id)) == 1


def test_a_repeat_does_not_undo_what_came_after_it(store, dataset, ids):
    request = ask(ids[0], "dog", "cat", token="t-1")
    decide(store, dataset, request)
    decide(store, dataset, ask(ids[0], "bird", "dog"))
    decide(store, dataset, request)
    assert labels(store, dataset)[0] == "bird"


def test_decisions_on_one_sample_in_one_request_come_in_order(store, dataset, ids):
    outcomes = decide(store, dataset, ask(ids[0], "dog", "cat"), ask(ids[0], "bird", "dog"), ask(ids[1], "cat", "dog"))
    assert [outcome.saved for outcome in outcomes] == [True, True, True]
    assert labels(store, dataset)[:2] == ["bird", "cat"]
    undone = undoing.undo(store, dataset, who="ann", source="grid")
    assert len(undone) == 3
    assert all(outcome.saved for outcome in undone)
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]


def test_undo_takes_back_the_newest_batch_then_the_one_before(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    decide(store, dataset, ask(ids[1], "bird", "dog"), ask(ids[2], "bird", None))
    undoing.undo(store, dataset, who="bob", source="cli")
    assert labels(store, dataset) == ["dog", "dog", None, "cat"]
    assert store.frame(dataset.id)["reviewed"].tolist() == [True, False, False, False]
    undoing.undo(store, dataset, who="bob", source="cli")
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert undoing.undo(store, dataset, who="bob", source="cli") == []
    assert len(store.journal(dataset.id)) == 6  # undoing is journalled, nothing is erased


def test_a_named_batch_is_undone_and_newer_labels_stay(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"), ask(ids[1], "cat", "dog"), batch="first")
    decide(store, dataset, ask(ids[0], "bird", "dog"), batch="second")
    outcomes = {o.sample_id: o for o in undoing.undo(store, dataset, who="ann", source="grid", batch="first")}
    assert outcomes[ids[1]].saved
    assert not outcomes[ids[0]].saved
    assert "stays" in outcomes[ids[0]].reason
    assert labels(store, dataset)[:2] == ["bird", "dog"]


def test_undo_of_a_confirmation_makes_it_unreviewed(store, dataset, ids):
    decide(store, dataset, ask(ids[0], None, "cat", kind="confirm"))
    undoing.undo(store, dataset, who="ann", source="grid")
    assert not store.frame(dataset.id)["reviewed"].any()


@pytest.fixture
def native(store, dataset):
    """Set a label past the journal, as the FiftyOne App does."""

    def change(sample_id, label):
        if hasattr(store, "set_natively"):
            store.set_natively(dataset.id, sample_id, label)
        else:
            from bson import ObjectId

            value = {"_id": ObjectId(), "_cls": "Classification", "tags": [], "label": label}
            store._samples(dataset.id).update_one({"_id": ObjectId(sample_id)}, {"$set": {"ground_truth": value}})

    return change


def test_native_edits_are_journalled_and_undoable(store, dataset, ids, native):
    native(ids[0], "bird")
    assert writing.reconcile(store, dataset, who="ann") == 1
    assert writing.reconcile(store, dataset, who="ann") == 0
    (entry,) = store.journal(dataset.id)
    assert (entry.old, entry.new, entry.source) == ("cat", "bird", "native")
    # the key takes back what a person decided here, not what a script did meanwhile; that has to be named
    assert undoing.undo(store, dataset, who="ann", source="grid") == []
    undoing.undo(store, dataset, who="ann", source="grid", batch=entry.batch)
    assert labels(store, dataset)[0] == "cat"


def test_a_decision_on_a_natively_edited_sample_is_stale_and_the_edit_kept(store, dataset, ids, native):
    native(ids[0], "bird")
    (outcome,) = decide(store, dataset, ask(ids[0], "dog", "cat"))
    assert (outcome.saved, outcome.label) == (False, "bird")
    assert [entry.source for entry in store.journal(dataset.id)] == ["native"]


STEPS = ["journal_add", "change_labels", "adopt_native", "journal_mark_undone", "journal_settle"]


def relabels(store, dataset, ids, token):
    decide(store, dataset, ask(ids[0], "dog", "cat", token=token))


def excludes(store, dataset, ids, token):
    decide(store, dataset, ask(ids[0], None, "cat", kind="exclude", token=token))


def undoes(store, dataset, ids, token):
    undoing.undo(store, dataset, who="ann", source="grid", batch="earlier", named=token)


def redoes(store, dataset, ids, token):
    undoing.redo(store, dataset, who="ann", source="grid", batch="taken", named=token)


def before_undo(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"), ask(ids[3], None, "cat", kind="exclude"), batch="earlier")


def before_redo(store, dataset, ids):
    before_undo(store, dataset, ids)
    undoing.undo(store, dataset, who="ann", source="grid", batch="earlier", named="taken")


@pytest.mark.parametrize(
    ("prepare", "act", "before", "after"),
    [
        (None, relabels, ("cat", False), ("dog", False)),
        (None, excludes, ("cat", False), ("cat", True)),
        (before_undo, undoes, ("dog", False), ("cat", False)),
        (before_redo, redoes, ("cat", False), ("dog", False)),
    ],
)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_is_recovered(store, dataset, ids, step, when, prepare, act, before, after):
    """What was journalled ends up in the label, what was not does not, and a retry says the truth and adds nothing."""
    if prepare:
        prepare(store, dataset, ids)
    made = len(store.journal(dataset.id, limit=None))
    try:
        with dying(store, step, when):
            act(store, dataset, ids, "t-1")
        written = True  # this decision does not come to that step
    except Crash:
        written = (step, when) != ("journal_add", "before")
    recovery.recover(store)
    assert store.journal_pending() == []
    state = store.label_states(dataset.id, ids)[ids[0]]
    assert (state.label, state.excluded) == (after if written else before)
    entries = store.journal(dataset.id, limit=None)
    assert (len(entries) > made) == written
    assert all(one.undone for one in entries if one.id in {writing.takes_back(other) for other in entries})
    act(store, dataset, ids, "t-1")
    state = store.label_states(dataset.id, ids)[ids[0]]
    assert (state.label, state.excluded) == after
    again = store.journal(dataset.id, limit=None)
    assert len({one.token for one in again}) == len(again) == made + (2 if prepare else 1)
    assert not again[0].undone


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_crash_in_an_undo_the_next_ones_reach_older_decisions(store, dataset, ids, step, when):
    decide(store, dataset, ask(ids[1], "bird", "dog"))
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    with contextlib.suppress(Crash), dying(store, step, when):
        undoing.undo(store, dataset, who="ann", source="grid")
    recovery.recover(store)
    for _ in range(2):
        assert all(o.saved for o in undoing.undo(store, dataset, who="ann", source="grid"))
    assert labels(store, dataset) == ["cat", "dog", None, "cat"]
    assert undoing.undo(store, dataset, who="ann", source="grid") == []


def test_an_undo_sent_again_after_a_crash_tells_what_became_of_it(store, dataset, ids):
    """Before the start that recovers: the client is faster."""
    before_undo(store, dataset, ids)
    with pytest.raises(Crash), dying(store, "journal_settle", "before"):
        undoes(store, dataset, ids, "t-1")
    outcomes = undoing.undo(store, dataset, who="ann", source="grid", batch="earlier", named="t-1")
    assert {(o.sample_id, o.saved, o.label) for o in outcomes} == {(ids[0], True, "cat"), (ids[3], True, "cat")}
    again = undoing.undo(store, dataset, who="ann", source="grid", batch="earlier", named="t-1")
    assert sorted(again, key=str) == sorted(outcomes, key=str)
    assert len(store.journal(dataset.id)) == 4


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_native_edits_are_journalled_is_recovered(store, dataset, ids, native, step, when):
    native(ids[0], "bird")
    with contextlib.suppress(Crash), dying(store, step, when):
        writing.reconcile(store, dataset, who="ann")
    recovery.recover(store)
    writing.reconcile(store, dataset, who="ann")
    assert labels(store, dataset)[0] == "bird"
    (entry,) = store.journal(dataset.id)
    assert (entry.old, entry.new, entry.source) == ("cat", "bird", "native")
    assert store.journal_pending() == []


@pytest.mark.parametrize("step", ["change_labels", "journal_settle"])
def test_two_crashes_on_one_image_are_both_recovered(store, dataset, ids, step):
    with pytest.raises(Crash), dying(store, "journal_settle", "before"):
        decide(store, dataset, ask(ids[0], "dog", "cat"))
    with pytest.raises(Crash), dying(store, step, "before"):
        decide(store, dataset, ask(ids[0], "bird", "dog"))
    assert recovery.recover(store) == 2
    assert labels(store, dataset)[0] == "bird"
    assert [(e.old, e.new) for e in store.journal(dataset.id)] == [("dog", "bird"), ("cat", "dog")]


def test_a_skip_does_not_wipe_out_a_confirmation_that_came_meanwhile(store, dataset, ids):
    """Whoever skips has read the image's state before the other's confirmation was written."""
    stale = store.label_states(dataset.id, ids)
    decide(store, dataset, ask(ids[0], None, "cat", kind="confirm"))
    real, store.label_states = store.label_states, lambda *_: stale
    try:
        reviewing.decide(store, dataset, [ask(ids[0], None, "cat", kind="skip")], who="bob", source="grid")
    finally:
        store.label_states = real
    assert store.frame(dataset.id)["reviewed"].tolist() == [True, False, False, False]


def test_recovery_does_not_overwrite_a_newer_label(store, dataset, ids, native):
    with pytest.raises(Crash), dying(store, "change_labels", "before"):
        decide(store, dataset, ask(ids[0], "dog", "cat"))
    native(ids[0], "bird")
    assert recovery.recover(store) == 0
    assert labels(store, dataset)[0] == "bird"


def test_an_excluded_sample_leaves_the_counts_and_comes_back(store, dataset, ids):
    decide(store, dataset, ask(ids[0], None, "cat", kind="exclude"))
    info = store.dataset("pets")
    assert (info.samples, info.excluded, dict(info.labels)) == (3, 1, {"dog": 1, None: 1, "cat": 1})
    assert store.frame(dataset.id)["excluded"].tolist() == [True, False, False, False]
    decide(store, dataset, ask(ids[0], None, "cat", kind="restore"))
    assert store.dataset("pets").excluded == 0
    assert [entry.kind for entry in store.journal(dataset.id)] == ["restore", "exclude"]


def test_excluding_is_undone_and_done_again(store, dataset, ids):
    decide(store, dataset, ask(ids[0], None, "cat", kind="exclude"))
    undoing.undo(store, dataset, who="bob", source="grid")
    assert not store.frame(dataset.id)["excluded"].any()
    undoing.redo(store, dataset, who="bob", source="grid")
    assert store.frame(dataset.id)["excluded"].tolist() == [True, False, False, False]
    undoing.undo(store, dataset, who="bob", source="grid")
    assert not store.frame(dataset.id)["excluded"].any()


def test_excluding_twice_is_one_decision(store, dataset, ids):
    outcomes = [*decide(store, dataset, ask(ids[0], None, "cat", kind="exclude"))]
    outcomes += decide(store, dataset, ask(ids[0], None, "cat", kind="exclude"))
    assert [(o.saved, o.excluded) for o in outcomes] == [(True, True), (True, True)]
    assert len(store.journal(dataset.id)) == 1


def test_a_decision_on_an_image_that_was_excluded_since_is_refused(store, dataset, ids):
    decide(store, dataset, ask(ids[0], None, "cat", kind="exclude"))
    late = Decision(ids[0], "relabel", "dog", "cat", uuid.uuid4().hex, seen_excluded=False)
    (outcome,) = decide(store, dataset, late)
    assert (outcome.saved, outcome.excluded) == (False, True)
    assert "is excluded now" in outcome.reason


def test_a_decision_on_a_picture_that_changed_since_is_refused(store, dataset, ids, new_samples):
    shown = store.label_states(dataset.id, ids)[ids[0]].content_hash
    assert store.label_states(dataset.id, ids)[ids[1]].content_hash.startswith("0" * 8)

    def decided(content):
        wanted = Decision(ids[0], "relabel", "dog", "cat", uuid.uuid4().hex, seen_content=content)
        return decide(store, dataset, wanted)[0]

    fresh = "ab" * 32
    store.replace_file(dataset.id, ids[0], replace(new_samples("cat")[0], content_hash=fresh))
    outcome = decided(shown[:8])
    assert (outcome.saved, outcome.label, outcome.content) == (False, "cat", fresh)
    assert outcome.reason == "The picture in this file changed since it was shown: it has “cat” now. Decide again."
    assert store.journal(dataset.id) == []
    assert decided(fresh[:8]).saved


@pytest.mark.parametrize("kind", ["skip", "unsure"])
def test_skipping_and_doubting_change_nothing_but_the_journal(store, dataset, ids, kind):
    before = store.frame(dataset.id)
    (outcome,) = decide(store, dataset, ask(ids[0], None, "cat", kind=kind))
    assert outcome.saved
    assert store.frame(dataset.id).equals(before)
    assert [entry.kind for entry in store.journal(dataset.id)] == [kind]
    undoing.undo(store, dataset, who="ann", source="grid")
    assert store.journal(dataset.id)[-1].undone


def test_redo_brings_back_batches_in_order(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    decide(store, dataset, ask(ids[0], "bird", "dog"), ask(ids[1], "bird", "dog"))
    for _ in range(2):
        undoing.undo(store, dataset, who="ann", source="grid")
    assert labels(store, dataset)[:2] == ["cat", "dog"]
    undoing.redo(store, dataset, who="ann", source="grid")
    assert labels(store, dataset)[:2] == ["dog", "dog"]
    undoing.redo(store, dataset, who="ann", source="grid")
    assert labels(store, dataset)[:2] == ["bird", "bird"]
    assert undoing.redo(store, dataset, who="ann", source="grid") == []
    assert store.frame(dataset.id)["reviewed"].tolist() == [True, True, False, False]


def test_undo_of_one_person_leaves_the_others_decisions(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    reviewing.decide(store, dataset, [ask(ids[1], "bird", "dog")], who="bob", source="grid")
    undoing.undo(store, dataset, who="ann", source="grid", only="ann")
    assert labels(store, dataset)[:2] == ["cat", "bird"]


def test_undo_leaves_what_somebody_else_confirmed_since(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"), ask(ids[1], "bird", "dog"), batch="ann-1")
    bob = [ask(ids[0], "dog", "dog")]
    reviewing.decide(store, dataset, bob, who="bob", source="grid", batch="bob-1")
    outcomes = {o.sample_id: o for o in undoing.undo(store, dataset, who="ann", source="grid", batch="ann-1")}
    assert outcomes[ids[1]].saved
    assert (outcomes[ids[0]].saved, outcomes[ids[0]].label) == (False, "dog")
    assert outcomes[ids[0]].reason == "bob decided on this image since; it stays."
    assert labels(store, dataset)[:2] == ["dog", "dog"]
    assert store.frame(dataset.id)["reviewed"].tolist() == [True, False, False, False]
    # once bob has taken his back, ann's can be taken back
    undoing.undo(store, dataset, who="bob", source="grid", batch="bob-1")
    assert [o.saved for o in undoing.undo(store, dataset, who="ann", source="grid", batch="ann-1")] == [True]
    assert labels(store, dataset)[0] == "cat"


def test_redo_leaves_what_somebody_else_confirmed_since(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    undoing.undo(store, dataset, who="ann", source="grid")
    reviewing.decide(store, dataset, [ask(ids[0], "cat", "cat")], who="bob", source="grid")
    (outcome,) = undoing.redo(store, dataset, who="ann", source="grid")
    assert (outcome.saved, labels(store, dataset)[0]) == (False, "cat")


def test_ones_own_later_decision_and_others_skips_are_in_nobodys_way(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"), batch="ann-1")
    decide(store, dataset, ask(ids[0], "dog", "dog"))
    reviewing.decide(store, dataset, [ask(ids[0], None, "dog", kind="skip")], who="bob", source="grid")
    (outcome,) = undoing.undo(store, dataset, who="ann", source="grid", batch="ann-1")
    assert (outcome.saved, labels(store, dataset)[0]) == (True, "cat")


def test_everything_of_everybody_is_undone_at_once(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    reviewing.decide(store, dataset, [ask(ids[0], "dog", "dog")], who="bob", source="grid")
    outcomes = undoing.undo_entries(store, dataset, store.journal(dataset.id), who="eve", source="cli")
    assert all(outcome.saved for outcome in outcomes)
    assert labels(store, dataset)[0] == "cat"
    assert not store.frame(dataset.id)["reviewed"].any()


def test_everything_since_is_undone_newest_first(store, dataset, ids):
    decide(store, dataset, ask(ids[0], "dog", "cat"))
    mark = store.journal(dataset.id)[0].at
    decide(store, dataset, ask(ids[0], "bird", "dog"), ask(ids[1], None, "dog", kind="exclude"))
    decide(store, dataset, ask(ids[0], "cat", "bird"))
    since = [entry for entry in store.journal(dataset.id, limit=None, since=mark) if entry.at > mark]
    outcomes = undoing.undo_entries(store, dataset, since, who="ann", source="cli")
    assert all(outcome.saved for outcome in outcomes)
    assert labels(store, dataset)[0] == "dog"
    assert not store.frame(dataset.id)["excluded"].any()


def test_one_request_sent_twice_at_once_is_journalled_once(store, dataset, ids, monkeypatch):
    """Both copies look at token and label before either has written."""
    request = ask(ids[0], "dog", "cat", token="t-1")
    (first,) = decide(store, dataset, request)
    real, looked = store.journal_by_token, []

    def nothing_yet(tokens):
        looked.append(tokens)
        return {} if len(looked) == 1 else real(tokens)

    before = {ids[0]: LabelState(ids[0], "cat", "cat", reviewed=False, entry_id=None)}
    with monkeypatch.context() as patch:
        patch.setattr(store, "journal_by_token", nothing_yet)
        patch.setattr(store, "label_states", lambda *_: before)
        (second,) = decide(store, dataset, request)
    assert (first.saved, second.saved) == (True, True)
    assert len(store.journal(dataset.id)) == 1
    assert store.label_states(dataset.id, ids)[ids[0]].entry_id == store.journal(dataset.id)[0].id


def test_a_decision_that_was_built_upon_counts_as_applied_after_a_crash(store, dataset, ids):
    with pytest.raises(Crash), dying(store, "journal_settle", "before"):
        decide(store, dataset, ask(ids[0], "dog", "cat"))
    decide(store, dataset, ask(ids[0], "bird", "dog"))
    assert recovery.recover(store) == 1
    assert labels(store, dataset)[0] == "bird"
    assert [(e.old, e.new) for e in store.journal(dataset.id)] == [("dog", "bird"), ("cat", "dog")]
