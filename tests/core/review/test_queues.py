"""Queues over findings, runs and picked sets, and what they remember."""

import uuid
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from core.domain.decisions import JournalEntry, new_id
from core.domain.errors import BadInput
from core.domain.findings import Finding
from core.review import queues
from core.review.memory import Memory, question
from core.review.queues import Inputs, QueueSpec
from core.review.table import Table
from core.runs import findings as finding_files
from core.runs import picked
from core.runs import predictions as prediction_files
from core.runs.layout import WorkspacePaths
from core.store.memory import MemoryStore

A, B, C, D = (f"{number:024x}" for number in range(1, 5))


@pytest.fixture
def frame(new_samples):
    store = MemoryStore()
    info = store.create("pets", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog", "cat", None))
    return store.frame(info.id)


def found(tmp_path, *findings):
    paths = WorkspacePaths(tmp_path)
    finding_files.write(paths, "d", findings[0].kind, findings)
    return finding_files.read(paths, "d", findings[0].kind)


def build(spec, frame, *, predictions=None, **inputs):
    return queues.build(spec, Inputs(table=Table.of(frame, predictions), has_run=predictions is not None, **inputs))


def ids(items):
    return [item.sample_id for item in items]


def test_findings_come_strongest_first_and_groups_stay_together(frame, tmp_path):
    near = found(
        tmp_path,
        Finding(A, "near-duplicate", 0.5, "one", group="g1"),
        Finding(B, "near-duplicate", 0.7, "two", group="g2"),
        Finding(C, "near-duplicate", 0.9, "three", group="g1"),
    )
    items = build(QueueSpec(kind="finding", finding="near-duplicate"), frame, findings={"near-duplicate": near})
    assert ids(items) == [C, A, B]
    assert [item.reason for item in items] == ["three", "one", "two"]


def test_a_suggestion_that_was_taken_is_settled(frame, tmp_path):
    doubts = found(
        tmp_path,
        Finding(A, "suspicious", 0.9, "81 % dog", suggestion="dog"),
        Finding(B, "suspicious", 0.8, "77 % dog", suggestion="dog"),
        Finding("f" * 24, "suspicious", 0.8, "gone", suggestion="dog"),
    )
    items = build(QueueSpec(kind="finding", finding="suspicious"), frame, findings={"suspicious": doubts})
    assert [(item.sample_id, item.suggestion) for item in items] == [(A, "dog")]


def test_a_picked_set_keeps_its_order_and_has_one_name(frame, tmp_path):
    paths = WorkspacePaths(tmp_path)
    name = picked.write(paths, [C, A])
    assert picked.write(paths, [C, A]) == name
    spec = QueueSpec(kind="picked", picked=name, called="Around a cat")
    assert ids(build(spec, frame, picked=picked.read(paths, name))) == [C, A]
    assert spec.title() == "Around a cat"
    assert QueueSpec.from_params(spec.to_params()) == spec
    assert picked.read(paths, "../../etc/passwd") == []


@pytest.mark.parametrize("kind", ["finding", "picked"])
def test_a_queue_without_its_name_is_refused(kind):
    with pytest.raises(BadInput):
        QueueSpec(kind=kind)


def test_no_findings_no_queue(frame):
    empty = pd.DataFrame(columns=list(finding_files.COLUMNS))
    assert build(QueueSpec(kind="finding", finding="dark"), frame, findings={"dark": empty})[:] == []


def says(*rows, classes=("cat", "dog")):
    """A run's predictions: (sample id, label then, probability of the second class)."""
    return prediction_files.make(
        classes=classes,
        sample_id=[row[0] for row in rows],
        split=["val"] * len(rows),
        label=[row[1] for row in rows],
        probabilities=np.array([[1 - row[2], row[2]] for row in rows], dtype=np.float32),
    )


def entry(sample_id, kind, *, old="cat", new=None, evidence="", suggestion=None, content_hash=None, **more):
    return JournalEntry(
        id=new_id(),
        dataset_id="d",
        sample_id=sample_id,
        kind=kind,
        old=old,
        new=old if new is None else new,
        who="ann",
        at=datetime.now(UTC),
        source="grid",
        queue="",
        batch=uuid.uuid4().hex,
        state="applied",
        token=uuid.uuid4().hex,
        evidence=evidence,
        suggestion=suggestion,
        content_hash=content_hash or f"{int(sample_id, 16) - 1:064x}",
        **more,
    )


def remembering(*entries):
    memory = Memory()
    memory.learn(entries)
    return memory


RUN = says((A, "cat", 0.9), (B, "dog", 0.2), (C, "cat", 0.7), (D, None, 0.6))
SUSPICIOUS = QueueSpec(kind="suspicious")


def test_a_label_that_was_called_right_does_not_come_back_for_the_same_suggestion(frame):
    assert ids(build(SUSPICIOUS, frame, predictions=RUN)) == [A, B, C]
    memory = remembering(entry(A, "confirm", evidence=question("suspicious", "dog"), suggestion="dog"))
    assert ids(build(SUSPICIOUS, frame, predictions=RUN, memory=memory)) == [B, C]
    # nor from another source that says the same
    wrong = QueueSpec(kind="misclassified", run="run-1")
    assert ids(build(wrong, frame, predictions=RUN, memory=memory)) == [B, C]


def test_new_evidence_brings_a_sample_back(frame):
    memory = remembering(entry(A, "confirm", evidence=question("suspicious", "bird"), suggestion="bird"))
    assert A in ids(build(SUSPICIOUS, frame, predictions=RUN, memory=memory))
    changed = remembering(entry(A, "confirm", evidence=question("suspicious", "dog"), content_hash="e" * 64))
    assert A in ids(build(SUSPICIOUS, frame, predictions=RUN, memory=changed))  # the picture is another one by now


def test_an_answer_that_was_taken_back_is_none(frame):
    answer = entry(A, "confirm", evidence=question("suspicious", "dog"), suggestion="dog")
    memory = remembering(answer, entry(A, "confirm", undoes=answer.id))
    assert A in ids(build(SUSPICIOUS, frame, predictions=RUN, memory=memory))


def test_what_was_skipped_comes_last_and_what_nobody_is_sure_of_waits_apart(frame):
    memory = remembering(
        entry(A, "skip", evidence=question("suspicious", "dog")),
        entry(B, "unsure", old="dog", evidence=question("suspicious", "cat")),
    )
    assert ids(build(SUSPICIOUS, frame, predictions=RUN, memory=memory)) == [C, A]
    assert ids(build(QueueSpec(kind="unsure"), frame, memory=memory)) == [B]
    assert ids(build(QueueSpec(kind="merged"), frame, predictions=RUN, memory=memory, findings={})) == [C, A]


def test_hit_rates_count_what_was_decided_per_source(frame):
    doubt = question("suspicious", "dog")
    taken = entry(C, "relabel", new="dog", evidence=doubt)
    memory = remembering(
        entry(A, "relabel", new="dog", evidence=doubt + "\n" + question("outlier", "")),
        entry(B, "confirm", old="dog", evidence=doubt),
        taken,
        entry(C, "relabel", undoes=taken.id),
    )
    rates = {source: (rate.wrong, rate.decided) for source, rate in memory.hit_rates().items()}
    assert rates == {"suspicious": (1, 2), "outlier": (1, 1)}


def test_the_merged_queue_says_why_each_image_is_there(frame, tmp_path):
    dark = found(tmp_path, Finding(C, "dark", 0.9, "mean brightness 4"), Finding(B, "dark", 0.2, "mean brightness 9"))
    items = build(QueueSpec(kind="merged"), frame, predictions=RUN, findings={"dark": dark})
    assert ids(items) == [A, C, B]
    third = items[1]
    assert third.reason == "dog 70% · mean brightness 4"
    assert third.evidence.split("\n") == [question("suspicious", "dog"), question("dark", "")]
    assert third.suggestion == "dog"


def test_a_part_of_a_queue_holds_the_same_items(frame, tmp_path):
    findings = {
        "outlier": found(tmp_path, Finding(A, "outlier", 0.9, "far")),
        "blurred": found(tmp_path, Finding(A, "blurred", 0.3, "soft"), Finding(C, "blurred", 0.8, "very soft")),
    }
    for spec in (QueueSpec(kind="merged"), QueueSpec(kind="all")):
        whole = build(spec, frame, findings=findings)
        assert len(whole) >= 2
        assert list(whole.part(0, 1)) + list(whole.part(1, 99)) == list(whole)
        assert list(whole.part(99, 199)) == []


def test_a_source_that_was_often_wrong_sinks(frame, tmp_path):
    dark = found(tmp_path, Finding(A, "dark", 0.9, "black"))
    flat = found(tmp_path, Finding(B, "flat", 0.9, "grey"))
    spec, findings = QueueSpec(kind="merged"), {"dark": dark, "flat": flat}
    assert ids(build(spec, frame, findings=findings)) == [B, A]
    memory = remembering(*(entry(C, "confirm", evidence=question("flat", str(n))) for n in range(1)))
    for number in range(60):
        memory.learn([entry(f"{100 + number:024x}", "confirm", evidence=question("flat", ""))])
    assert ids(build(spec, frame, findings=findings, memory=memory)) == [A, B]


def test_unlabelled_images_come_by_how_much_their_label_teaches(frame):
    frame = frame.assign(label=[None] * 4)
    run = says((A, None, 0.99), (B, None, 0.55), (C, None, 0.6), (D, None, 0.48))
    assert ids(build(QueueSpec(kind="unlabelled"), frame, predictions=run)) == [D, B, C, A]


def test_two_runs_that_disagree(frame):
    other = says((A, "cat", 0.1), (B, "dog", 0.3), (C, "cat", 0.2), (D, None, 0.6))
    items = build(QueueSpec(kind="disagreement"), frame, predictions=RUN, other=other, names=("run-2", "run-1"))
    assert ids(items) == [A, C]
    assert items[0].reason == "run-2: dog 90%, run-1: cat 90%"
    assert items[0].suggestion == "dog"


def test_a_label_called_right_settles_a_disagreement_that_suggests_the_same(frame):
    other = says((A, "cat", 0.1), (B, "dog", 0.3), (C, "cat", 0.2), (D, None, 0.6))
    spec, runs = QueueSpec(kind="disagreement"), {"predictions": RUN, "other": other, "names": ("run-2", "run-1")}
    right = entry(A, "confirm", evidence=question("suspicious", "dog"), suggestion="dog")
    assert ids(build(spec, frame, memory=remembering(right), **runs)) == [C]
    (item, *_) = build(spec, frame, **runs)
    right = entry(A, "confirm", evidence=item.evidence, suggestion=item.suggestion)
    assert ids(build(SUSPICIOUS, frame, predictions=RUN, memory=remembering(right))) == [B, C]
    assert ids(build(spec, frame, memory=remembering(right), **runs)) == [C]


def test_a_cell_holds_what_the_matrix_counts_and_shows_last_what_was_decided(frame):
    cell = QueueSpec(kind="cell", run="run-1", true="cat", pred="dog")
    (first, second) = build(cell, frame, predictions=RUN)
    assert [first.sample_id, second.sample_id] == [A, C]
    memory = remembering(entry(A, "confirm", evidence=first.evidence, suggestion=first.suggestion))
    found = build(cell, frame, predictions=RUN, memory=memory)
    assert [(one.sample_id, one.reason) for one in found] == [(C, "dog 70%"), (A, "dog 90% · decided")]
    memory.learn([entry(C, "skip", evidence=second.evidence)])
    assert ids(build(cell, frame, predictions=RUN, memory=memory)) == [C, A]


def test_a_first_label_is_no_hit(frame):
    memory = remembering(
        entry(D, "relabel", old=None, new="dog", evidence=question("unlabelled", "")),
        entry(C, "exclude", old=None, evidence=question("unlabelled", "")),
        entry(B, "relabel", old=None, new="dog", evidence=question("prompt-mismatch", "dog")),
    )
    assert memory.hit_rates() == {}


def test_a_random_audit_is_the_same_for_everybody_and_passes_over_the_reviewed(frame):
    order = ids(build(QueueSpec(kind="audit"), frame))
    assert sorted(order) == [A, B, C]
    assert order == ids(build(QueueSpec(kind="audit"), frame))
    left = frame.assign(reviewed=[True, False, False, False])
    assert ids(build(QueueSpec(kind="audit"), left)) == [i for i in order if i != A]


def test_a_queue_that_needs_a_run_says_so(frame):
    with pytest.raises(BadInput, match="finished run"):
        build(SUSPICIOUS, frame)
