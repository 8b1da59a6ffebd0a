"""What the single view says of one image, and what the App is given to show beside the labels."""

import pytest
from bson import ObjectId

from core.domain.errors import NotFound
from core.review.queues import QueueSpec
from dashboard import evidence


def test_the_run_of_the_queue_is_heard_and_without_one_the_newest_instant_run(trained_workspace):
    workspace = trained_workspace
    dataset_id = workspace.dataset("zoo").id
    (item,) = workspace.queue("zoo", QueueSpec("misclassified", run="run-3", split="test"))
    run = workspace.review.run_of("zoo", QueueSpec("misclassified", run="run-3", split="test"))
    found = evidence.of(workspace, dataset_id, item.sample_id, run)
    assert (found["run"], found["probabilities"][0][0]) == ("run-3", item.suggestion)
    right = workspace.queue("zoo", QueueSpec("cell", run="run-3", split="test", true=item.label, pred=item.label))[-1]
    assert evidence.of(workspace, dataset_id, right.sample_id, "run-3")["probabilities"][0][0] == right.label
    assert evidence.of(workspace, dataset_id, item.sample_id)["run"] == "run-1"
    with pytest.raises(NotFound):
        evidence.of(workspace, workspace.dataset("fresh").id, item.sample_id, "run-3")


def test_a_run_speaks_of_renamed_classes_by_their_names_of_now(corrected_workspace):
    workspace = corrected_workspace
    info, sample = workspace.dataset("zoo"), workspace.samples("zoo")["sample_id"][0]
    before = dict(evidence.of(workspace, info.id, sample)["probabilities"])
    workspace.review.change_class("zoo", "cat", "lynx")
    after = dict(evidence.of(workspace, info.id, sample)["probabilities"])
    assert after == {"lynx" if name == "cat" else name: chance for name, chance in before.items()}


def test_the_app_shows_what_the_queues_run_says_although_the_address_names_none(corrected_workspace):
    workspace = corrected_workspace
    info = workspace.dataset("zoo")
    sample = workspace.queue("zoo", QueueSpec("misclassified", run="run-1", split="test"))[0].sample_id  # run-2: right

    def shown():
        return workspace.store._samples(info.id).find_one({"_id": ObjectId(sample)})["prediction"]["label"]

    for run in ("run-1", None):  # without a run in the address it goes by run-2
        spec = QueueSpec("merged") if run is None else QueueSpec("misclassified", run=run)
        workspace.show_in_app("zoo", spec)
        rows = workspace.predictions(run or "run-2")
        assert shown() == rows.predicted[rows.sample_id.tolist().index(sample)]
    workspace.review.change_class("zoo", shown(), "lynx")
    workspace.show_in_app("zoo", QueueSpec("merged"))
    assert shown() == "lynx"
