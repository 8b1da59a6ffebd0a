"""What a run said before a class was renamed or merged is understood in the words of now. All parts real."""

import uuid

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.findings import Finding
from core.review.queues import QueueSpec
from core.runs import findings, judgements
from core.runs.atomic import write_json

CLASSES = ["circle", "square", "stripes"]
GAIN = {"expected": 0.03, "low": 0.01, "high": 0.05}


@pytest.fixture(scope="module")
def judged(trained):
    """Every label is judged: circles are likely wrong, and most of them were confirmed since."""
    run = trained.run_paths(trained.runs("shapes")[0].name)
    frame = trained.samples("shapes")
    table = frame.loc[:, ["sample_id", "split", "label"]].copy()
    circles = (table["label"] == "circle").to_numpy()
    table = table.assign(chance=np.where(circles, 0.6, 0.1), suggestion="square", share=0.05, trusted=False)
    judgements.write(run, table)
    said = {"classes": CLASSES, "images": [10, 20, 30], "more_images": [GAIN] * 3, "corrections": GAIN}
    write_json(run.outlook, {**said, "next": 20, "more": 30, "shares": [1.0], "accuracy": [0.9]})
    ids = table["sample_id"][circles].tolist()
    found = [Finding(one, "suspicious", 0.6, "", suggestion="square") for one in ids[:2]]
    findings.write(trained.paths, trained.dataset("shapes").id, "suspicious", found)
    right = [Decision(one, "confirm", None, "circle", uuid.uuid4().hex) for one in ids[4:]]
    assert all(one.saved for one in trained.decide("shapes", right, source="grid"))
    return trained, run


def figures(workspace):
    found = workspace.suspicion.outlook("shapes")
    classes = {one.name: (one.images, one.errors.expected) for one in found.classes}
    return workspace.suspicion.shift("shapes"), found.errors.expected, classes


def test_a_rename_spoils_no_figure_and_no_queue(judged):
    workspace, run = judged
    before = figures(workspace)
    accuracy = workspace.evaluation(run.name, "test", labels="now").accuracy
    wrong = workspace.queue("shapes", QueueSpec("misclassified", run=run.name, labels="run")).ids
    done = workspace.review.change_class("shapes", "circle", "disc")
    after = figures(workspace)
    assert after[:2] == pytest.approx(before[:2])
    assert after[2] == {("disc" if name == "circle" else name): one for name, one in before[2].items()}
    assert workspace.evaluation(run.name, "test", labels="now").accuracy == accuracy
    assert workspace.queue("shapes", QueueSpec("misclassified", run=run.name, labels="run")).ids == wrong
    assert workspace.compare(run.name, run.name, labels="now").old_accuracy == accuracy
    workspace.review.undo("shapes", batch=done.batch)
    assert figures(workspace) == before


def test_a_cell_of_then_has_the_names_of_then(judged):
    workspace, run = judged
    matrix = workspace.evaluation(run.name, "test", labels="run").matrix
    place = CLASSES.index("circle")
    then = QueueSpec("cell", run=run.name, split="test", labels="run", true="circle", pred="circle")
    assert len(workspace.queue("shapes", then)) == matrix[place][place] > 0
    done = workspace.review.change_class("shapes", "circle", "disc")
    assert len(workspace.queue("shapes", then)) == matrix[place][place]
    now = QueueSpec("cell", run=run.name, split="test", true="disc", pred="disc")
    assert len(workspace.queue("shapes", now)) == matrix[place][place]
    workspace.review.undo("shapes", batch=done.batch)


def test_what_findings_suggest_has_the_new_name(judged):
    workspace, _ = judged
    assert set(workspace.review.findings("shapes", "suspicious")["suggestion"]) == {"square"}
    done = workspace.review.change_class("shapes", "square", "box")
    assert set(workspace.review.findings("shapes", "suspicious")["suggestion"]) == {"box"}
    assert set(workspace.queue("shapes", QueueSpec("finding", finding="suspicious")).suggestions) == {"box"}
    workspace.review.undo("shapes", batch=done.batch)


def test_classes_that_were_merged_are_no_errors_of_one_another(judged):
    workspace, _ = judged
    done = workspace.review.change_class("shapes", "circle", "square")
    found = {one.name: one for one in workspace.suspicion.outlook("shapes").classes}
    assert (found["square"].images, found["square"].more) == (30, None)
    table = workspace.suspicion.judged("shapes")
    assert table["chance"][(table["label"] == "square")].max() == pytest.approx(0.55)
    workspace.review.undo("shapes", batch=done.batch)
