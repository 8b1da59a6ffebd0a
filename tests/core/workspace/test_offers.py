"""The queues on offer: each with the number of images that it holds when it is opened."""

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.errors import LabelloopError
from core.domain.findings import Finding
from core.domain.runs import TrainOptions
from core.review.queues import QueueSpec
from core.runs import findings
from tests.runs import finished_run


@pytest.fixture
def workspace(in_memory, new_samples):
    store = in_memory.store
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples(*["cat"] * 6, *["dog"] * 6, None, None))
    ids = in_memory.samples("zoo")["sample_id"]
    blurred = [Finding(one, "blurred", 0.9, "blurred", None, None, None) for one in ids[:3]]
    findings.write(in_memory.paths, info.id, "blurred", blurred)
    rows = np.tile([0.9, 0.1], (len(ids), 1))
    finished_run(in_memory, "zoo", rows, options=TrainOptions(model="instant"))
    return in_memory


@pytest.mark.parametrize("split", [None, "train"])
def test_each_offer_counts_what_its_queue_holds(workspace, split):
    ids = workspace.samples("zoo")["sample_id"]
    workspace.decide("zoo", [Decision(ids[0], "exclude", None, "cat", "t" * 12)], source="cli")
    found = workspace.review.offers("zoo", split=split)
    assert {offer.spec.kind for offer in found} >= {"merged", "misclassified", "finding", "unlabelled", "class"}
    assert [(offer.spec, offer.count) for offer in found] == [
        (offer.spec, len(workspace.queue("zoo", offer.spec))) for offer in found
    ]
    if split is None:
        assert {offer.spec.kind: offer.count for offer in found}["finding"] == 2  # one of three is excluded


def test_a_queue_that_needs_what_is_not_there_is_empty(workspace):
    broken = QueueSpec(kind="fixed", run="run-9", other="run-8")
    assert workspace.review.sizes("zoo", [broken, QueueSpec(kind="all")]) == [0, 14]
    with pytest.raises(LabelloopError):
        workspace.queue("zoo", broken)


def test_the_store_is_asked_once_for_all_queues(workspace, monkeypatch):
    specs = [offer.spec for offer in workspace.review.offers("zoo")]
    assert len(specs) > 6
    asked, journal = [], workspace.store.journal
    monkeypatch.setattr(workspace.store, "journal", lambda *a, **k: asked.append(a) or journal(*a, **k))
    workspace.review.sizes("zoo", specs)
    assert len(asked) == 1
