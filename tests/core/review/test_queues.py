"""Queues over findings and picked sets; what is excluded is in none of the others."""

import pandas as pd
import pytest

from core.domain.errors import BadInput
from core.domain.findings import Finding
from core.review import queues
from core.review.queues import QueueSpec
from core.runs import findings as finding_files
from core.runs import picked
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


def ids(items):
    return [item.sample_id for item in items]


def test_findings_come_strongest_first_and_groups_stay_together(frame, tmp_path):
    near = found(
        tmp_path,
        Finding(A, "near-duplicate", 0.5, "one", group="g1"),
        Finding(B, "near-duplicate", 0.7, "two", group="g2"),
        Finding(C, "near-duplicate", 0.9, "three", group="g1"),
    )
    items = queues.build(QueueSpec(kind="finding", finding="near-duplicate"), frame, findings=near)
    assert ids(items) == [C, A, B]
    assert [item.reason for item in items] == ["three", "one", "two"]


def test_a_suggestion_that_was_taken_is_settled(frame, tmp_path):
    doubts = found(
        tmp_path,
        Finding(A, "suspicious", 0.9, "81 % dog", suggestion="dog"),
        Finding(B, "suspicious", 0.8, "77 % dog", suggestion="dog"),
        Finding("f" * 24, "suspicious", 0.8, "gone", suggestion="dog"),
    )
    items = queues.build(QueueSpec(kind="finding", finding="suspicious"), frame, findings=doubts)
    assert [(item.sample_id, item.suggestion) for item in items] == [(A, "dog")]


def test_excluded_samples_are_in_their_own_queue_alone(frame):
    frame = frame.assign(excluded=[True, False, False, False])
    assert ids(queues.build(QueueSpec(), frame)) == [B, C, D]
    assert ids(queues.build(QueueSpec(kind="class", label="cat"), frame)) == [C]
    assert ids(queues.build(QueueSpec(kind="excluded"), frame)) == [A]


def test_a_picked_set_keeps_its_order_and_has_one_name(frame, tmp_path):
    paths = WorkspacePaths(tmp_path)
    name = picked.write(paths, [C, A])
    assert picked.write(paths, [C, A]) == name
    spec = QueueSpec(kind="picked", picked=name, called="Around a cat")
    assert ids(queues.build(spec, frame, picked=picked.read(paths, name))) == [C, A]
    assert spec.title() == "Around a cat"
    assert QueueSpec.from_params(spec.to_params()) == spec
    assert picked.read(paths, "../../etc/passwd") == []


@pytest.mark.parametrize("kind", ["finding", "picked"])
def test_a_queue_without_its_name_is_refused(kind):
    with pytest.raises(BadInput):
        QueueSpec(kind=kind)


def test_no_findings_no_queue(frame):
    assert queues.build(QueueSpec(kind="finding", finding="dark"), frame, findings=pd.DataFrame()) == []
