"""The confusion matrix page; the fixtures decide which images each run gets wrong."""

import pytest

from core.domain.decisions import Decision
from core.review.queues import QueueSpec
from tests.pages.conftest import add_run


def box(app, label):
    return next(one for one in app.selectbox if one.label == label)


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "confusion_matrix")
    assert not app.exception
    assert "No images yet" in words(app)


def test_without_a_run_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "confusion_matrix", dataset="fresh")
    assert not app.exception
    assert "No finished run yet" in words(app)


def test_newest_run_on_test(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "confusion_matrix", dataset="zoo")
    total = trained_workspace.evaluation("run-3", "test").samples
    assert not app.exception
    assert box(app, "Run").value == "run-3"
    assert f"**{total - 1} of {total}** test images right, 1 wrong." in words(app)
    assert f"Only {total} images: the accuracy is uncertain by" in words(app)


def test_address_chooses_run_split_and_cell(open_page, trained_workspace, words):
    params = {"dataset": "zoo", "run": "run-1", "split": "train", "true": "<b>dog", "pred": "=bird"}
    app = open_page(trained_workspace, "confusion_matrix", **params)
    total = trained_workspace.evaluation("run-1", "train").samples
    assert not app.exception
    assert f"**{total - 4} of {total}** train images right, 4 wrong." in words(app)
    assert "Out-of-fold" in words(app)
    assert box(app, "Images of").value == (0, 1)


def test_figures_on_what_the_network_was_trained_on_are_said_to_flatter(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "confusion_matrix", dataset="zoo", run="run-3", split="train")
    assert "these figures flatter" in words(app)


def test_list_chooses_a_cell_and_the_address_keeps_it(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "confusion_matrix", dataset="zoo", run="run-1")
    cells = box(app, "Images of")
    assert cells.options[0] == "All errors (3)"
    wrong = cells.options[1]
    assert " → " in wrong
    cells.select_index(1).run()
    assert not app.exception
    assert wrong.startswith("{true} → {pred} (".format(**address(app)))
    box(app, "Images of").select_index(0).run()
    assert "true" not in address(app)


def kept(item):
    """Its label is right, whatever the run says."""
    token = f"kept-{item.sample_id}"
    return Decision(item.sample_id, "confirm", item.label, item.label, token, evidence=item.evidence)


def test_errors_that_somebody_decided_on_are_missing_from_the_list_and_told(open_page, untrained_workspace, words):
    run = add_run(untrained_workspace, "zoo", wrong={"test": 3}, ago=60)
    wrong = untrained_workspace.queue("zoo", QueueSpec("misclassified", run=run, split="test"))
    page = open_page(untrained_workspace, "confusion_matrix", dataset="zoo")
    assert "decided on" not in words(page)
    for number in range(2):
        assert untrained_workspace.decide("zoo", [kept(wrong[number])], source="grid")[0].saved
    page = open_page(untrained_workspace, "confusion_matrix", dataset="zoo")
    assert "There are 2 more that somebody has decided on by now" in words(page)
    assert untrained_workspace.decide("zoo", [kept(wrong[2])], source="grid")[0].saved
    page = open_page(untrained_workspace, "confusion_matrix", dataset="zoo")
    assert "There are 3 more" in words(page)
    assert "No errors on test" not in words(page)


def test_open_in_review_takes_exactly_the_cell(open_page, trained_workspace, address):
    params = {"dataset": "zoo", "run": "run-1", "split": "test", "true": "<b>dog", "pred": "=bird"}
    app = open_page(trained_workspace, "confusion_matrix", **params)
    app.button(key="matrix.review").click().run()
    assert not app.exception
    assert address(app) == {**params, "queue": "cell"}


def test_another_run_forgets_the_cell(open_page, trained_workspace, address):
    params = {"dataset": "zoo", "run": "run-1", "true": "<b>dog", "pred": "=bird"}
    app = open_page(trained_workspace, "confusion_matrix", **params)
    box(app, "Run").select("run-3").run()
    assert address(app)["run"] == "run-3"
    assert "true" not in address(app)


@pytest.mark.parametrize("value", ["run-99", "<script>", "run-2"])
def test_a_run_that_cannot_be_shown_is_said(open_page, trained_workspace, words, value):
    app = open_page(trained_workspace, "confusion_matrix", dataset="zoo", run=value)
    assert not app.exception
    assert f"There is no finished {value} in this dataset" in words(app)


def test_since_the_previous_run(open_page, trained_workspace):
    app = open_page(trained_workspace, "confusion_matrix", dataset="zoo", run="run-3")
    found = trained_workspace.compare("run-1", "run-3")
    assert (len(found.fixed), len(found.broken)) == (2, 0)
    links = [element.proto.label for element in app.get("page_link")]
    assert "Since run-1: 2 fixed, 0 broken" in links
