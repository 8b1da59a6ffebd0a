"""The loop through the workspace: import, train, find what is wrong, relabel, retrain, compare. All parts real."""

import json
import uuid

import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput, NotFound
from core.domain.runs import TrainOptions
from core.review.queues import QueueSpec
from core.workspace import Workspace


def _relabel(workspace, sample_id, to):
    frame = workspace.samples("shapes").set_index("sample_id")
    request = Decision(sample_id, "relabel", to, frame.loc[sample_id, "label"], uuid.uuid4().hex)
    (outcome,) = workspace.decide("shapes", [request], source="grid")
    assert outcome.saved
    return outcome


def test_a_planted_error_is_found_relabelled_and_the_next_run_knows(trained):
    workspace = trained
    first = workspace.runs("shapes")[0]
    assert workspace.evaluation(first.name, "test").accuracy > 0.6
    assert not workspace.stale("shapes").stale

    victim = workspace.samples("shapes").query("split == 'train' and label == 'circle'")["sample_id"].iloc[0]
    _relabel(workspace, victim, "stripes")
    meter = workspace.stale("shapes")
    assert (meter.run, meter.labels_changed, meter.in_test) == (first.name, 1, 0)

    second = workspace.wait(workspace.retrain("shapes", TrainOptions()), timeout=120)
    assert second.state == "succeeded"
    rows = workspace.predictions(second.name)
    mine = rows.sample_id.tolist().index(victim)
    assert rows.label[mine] == "stripes"
    assert rows.out_of_fold[mine]  # so that a wrong label in train can be seen at all
    wrong = workspace.queue("shapes", QueueSpec("misclassified", run=second.name, split="train"))
    assert victim in [item.sample_id for item in wrong]
    cell = QueueSpec("cell", run=second.name, split="train", true="stripes", pred=str(rows.predicted[mine]))
    assert victim in [item.sample_id for item in workspace.queue("shapes", cell)]

    _relabel(workspace, victim, "circle")
    third = workspace.wait(workspace.retrain("shapes", TrainOptions()), timeout=120)
    assert third.spec["snapshot"] == first.spec["snapshot"]  # the labels are what they were
    assert workspace.evaluation(third.name, "test").matrix.tolist() == (
        workspace.evaluation(first.name, "test").matrix.tolist()
    )
    found = workspace.compare(second.name, third.name)
    assert found.samples == int((workspace.samples("shapes")["split"] == "test").sum())
    assert found.labels_changed == 0


def test_a_comparison_is_made_once_and_anew_when_a_label_moved(trained):
    workspace = trained
    old, new = (workspace.runs("shapes")[at].name for at in (1, 0))
    found = workspace.compare(old, new, labels="now")
    assert workspace.compare(old, new, labels="now") is found
    assert workspace.compare(old, new) is found  # the labels of now judge unless others are asked for
    assert workspace.compare(old, new, labels="run") is not found
    test = workspace.samples("shapes").query("split == 'test'")
    victim, label = test["sample_id"].iloc[0], test["label"].iloc[0]
    _relabel(workspace, victim, "square" if label != "square" else "circle")
    try:
        moved = workspace.compare(old, new, labels="now")
        assert (moved.old_evaluation.matrix != found.old_evaluation.matrix).any()
    finally:
        workspace.undo("shapes")


def test_labels_of_now_and_of_the_run(trained):
    workspace = trained
    run = workspace.runs("shapes")[0].name
    test = workspace.samples("shapes").query("split == 'test'")
    before = workspace.evaluation(run, "test", labels="now")
    victim, label = test["sample_id"].iloc[0], test["label"].iloc[0]
    other = "square" if label != "square" else "circle"
    _relabel(workspace, victim, other)
    try:
        assert (workspace.evaluation(run, "test", labels="run").matrix == before.matrix).all()
        assert (workspace.evaluation(run, "test", labels="now").matrix != before.matrix).any()
        assert workspace.stale("shapes").in_test == 1
    finally:
        workspace.undo("shapes")


def test_every_cell_opens_exactly_its_images(trained):
    workspace = trained
    run = workspace.runs("shapes")[0].name
    for split in ("train", "val", "test"):
        figures = workspace.evaluation(run, split)
        for row, true in enumerate(figures.classes):
            for column, pred in enumerate(figures.classes):
                spec = QueueSpec("cell", run=run, split=split, true=true, pred=pred, labels="run")
                assert len(workspace.queue("shapes", spec)) == figures.matrix[row, column]
        wrong = workspace.queue("shapes", QueueSpec("misclassified", run=run, split=split, labels="run"))
        assert len(wrong) == figures.samples - figures.correct
        confidence = [item.confidence for item in wrong]
        assert confidence == sorted(confidence, reverse=True)


def test_a_double_click_starts_one_run(trained):
    options = TrainOptions(seed=77)
    names = {trained.retrain("shapes", options) for _ in range(3)}
    assert len(names) == 1
    trained.wait(names.pop(), timeout=120)


def test_prediction_of_new_pictures(trained, tmp_path):
    run = trained.runs("shapes")[0].name
    frame = trained.samples("shapes")
    known = frame.iloc[0]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no")
    first, second = trained.predict(run, [tmp_path / known["filepath"], broken])
    rows = trained.predictions(run)
    if known["split"] != "train":  # predictions of train are out of fold
        assert first.predicted == rows.predicted[rows.sample_id.tolist().index(known["sample_id"])]
    assert abs(float(first.probabilities.sum()) - 1) < 1e-4
    assert second.error


def test_what_cannot_be_trained_is_said(workspace, tmp_path):
    with pytest.raises(NotFound):
        workspace.retrain("nope", TrainOptions())
    info = workspace.store.create("lonely", ["cat"])
    with pytest.raises(BadInput, match="at least two classes"):
        workspace.retrain(info.name, TrainOptions())
    workspace.keeping.put_away("lonely")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "---"])
def test_names_that_no_dataset_can_have(workspace, tmp_path, name):
    with pytest.raises(BadInput):
        workspace.start_import(tmp_path, name)


def test_a_second_process_sees_the_same(trained):
    with Workspace.open(trained.paths.root, user="bob") as other:
        assert other.names() == trained.names()
        assert [view.name for view in other.runs()] == [view.name for view in trained.runs()]
        assert json.dumps(other.run("1").spec) == json.dumps(trained.run("run-1").spec)


def test_unknown_runs(workspace):
    for name in ("run-999", "999", "../../etc", "run-../x", "", "spec.json"):
        with pytest.raises(NotFound):
            workspace.run(name)
