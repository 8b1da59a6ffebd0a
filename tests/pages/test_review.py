import json
import uuid

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.decisions import Decision
from core.review.queues import QueueSpec
from core.workspace import Workspace
from dashboard.wording import escaped


def grid(app: AppTest) -> dict:
    """What the page gave to the keyboard grid."""
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.bytes)


def picker(app: AppTest):
    return next(box for box in app.selectbox if box.label == "Queue")


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "review")
    assert not app.exception
    assert "Nothing to review yet" in words(app)


def test_without_a_queue_it_shows_all_images(open_page, trained_workspace):
    app = open_page(trained_workspace, "review", dataset="zoo")
    assert not app.exception
    shown = grid(app)
    assert len(shown["ids"]) == 60 * 24
    assert shown["queue"] == "All images"
    assert shown["dataset"] == trained_workspace.dataset("zoo").id
    assert picker(app).options[picker(app).index] == "All images  ·  60"


def test_the_address_names_the_queue(open_page, trained_workspace):
    app = open_page(trained_workspace, "review", dataset="zoo", queue="misclassified", run="run-1", split="test")
    assert not app.exception
    assert len(grid(app)["ids"]) == 3 * 24
    assert picker(app).options[0] == "Wrong in run-1, test  ·  3"


def test_every_queue_is_offered_with_its_count(open_page, trained_workspace):
    app = open_page(trained_workspace, "review", dataset="zoo")
    options = picker(app).options
    assert options[:2] == ["Worth a look  ·  8", "Labels that may be wrong  ·  8"]
    assert "Wrong in run-3  ·  1" in options
    assert not any(name.startswith("Exact duplicates") for name in options)  # there is none
    assert options[-4:] == [
        "All images  ·  60",
        "Labelled <b>dog  ·  20",
        "Labelled =bird  ·  20",
        "Labelled cat  ·  20",
    ]


def test_choosing_a_queue_changes_the_address(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "review", dataset="zoo")
    picker(app).select_index(len(picker(app).options) - 3).run()
    assert not app.exception
    assert address(app) == {"dataset": "zoo", "queue": "class", "label": "<b>dog"}
    assert len(grid(app)["ids"]) == 20 * 24


def test_the_queues_of_any_two_runs_are_chosen_on_the_page(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "review", dataset="zoo")

    def pick(label, value):
        next(box for box in app.selectbox if box.label == label).select(value).run()

    def press(label):
        next(button for button in app.button if button.label == escaped(label)).click().run()
        assert not app.exception

    pick("Run", "run-1")
    pick("Compared with", "run-3")
    press("Seen differently by run-1 and run-3")
    assert address(app) == {"dataset": "zoo", "queue": "disagreement", "run": "run-1", "other": "run-3"}
    differ = trained_workspace.queue("zoo", QueueSpec("disagreement", run="run-1", other="run-3"))
    assert (len(grid(app)["ids"]), grid(app)["run"]) == (24 * len(differ), "run-1")
    press("Wrong in run-1")
    assert len(grid(app)["ids"]) == 8 * 24
    pick("Run", "run-3")
    press("Fixed from run-1 to run-3")
    assert address(app) == {"dataset": "zoo", "queue": "fixed", "run": "run-3", "other": "run-1"}


def test_classes_are_renamed_and_merged_after_what_would_happen_was_said(open_page, corrected_workspace, words):
    workspace = corrected_workspace
    app = open_page(workspace, "review", dataset="zoo")

    def change(old, into, name=None):
        next(box for box in app.selectbox if box.label == "Class").select(old).run()
        next(box for box in app.selectbox if box.label == "Becomes").select(into).run()
        if name:
            next(box for box in app.text_input if box.label == "New name").set_value(name).run()
        said = words(app)
        next(button for button in app.button if button.label in ("Rename", "Merge")).click().run()
        assert not app.exception
        return said

    count = workspace.dataset("zoo").labels["cat"]
    said = change("cat", "A new name …", "lynx")
    assert f"{count} images will be labelled **lynx** instead of **cat**" in said
    assert workspace.dataset("zoo").labels["lynx"] == count
    both = count + workspace.dataset("zoo").labels["<b>dog"]
    said = change("lynx", "<b>dog")
    assert f"{count} images labelled **lynx** will be labelled" in said
    assert workspace.dataset("zoo").labels["<b>dog"] == both
    assert "lynx" not in workspace.dataset("zoo").classes
    for _ in range(2):
        workspace.undo("zoo")
    assert workspace.dataset("zoo").labels["cat"] == count


def test_a_queue_says_how_often_it_was_right(open_page, corrected_workspace):
    workspace = corrected_workspace
    items = workspace.queue("zoo", QueueSpec("misclassified", run="run-1", split="test"))
    for item, kind in zip(items, ("confirm", "relabel"), strict=False):
        wanted = Decision(
            item.sample_id, kind, item.suggestion, item.label, uuid.uuid4().hex, item.suggestion, item.evidence
        )
        workspace.decide("zoo", [wanted], source="grid")
    app = open_page(workspace, "review", dataset="zoo", queue="misclassified", run="run-1")
    assert any(option.endswith("·  1 of 2 were wrong") for option in picker(app).options)


def test_a_queue_that_holds_nothing_says_so(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "review", dataset="zoo", queue="duplicates")
    assert not app.exception
    assert "No exact duplicates" in words(app)


@pytest.mark.parametrize(
    "params", [{"queue": "everything"}, {"queue": "misclassified", "run": "run-99"}, {"queue": "cell"}]
)
def test_a_queue_that_cannot_be_is_one_sentence(open_page, trained_workspace, params):
    app = open_page(trained_workspace, "review", dataset="zoo", **params)
    assert not app.exception
    assert len(app.error) == 1


def test_a_new_class_is_added(open_page, trained_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(Workspace, "add_class", lambda self, dataset, name, **_: asked.append((dataset, name)))
    app = open_page(trained_workspace, "review", dataset="zoo")
    next(box for box in app.text_input if box.label == "Name").set_value("wasps")
    next(button for button in app.button if button.label == "Add the class").click().run()
    assert not app.exception
    assert asked == [("zoo", "wasps")]
