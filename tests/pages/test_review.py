import json

import pytest
from streamlit.testing.v1 import AppTest

from core.workspace import Workspace


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
    monkeypatch.setattr(Workspace, "add_class", lambda self, dataset, name: asked.append((dataset, name)))
    app = open_page(trained_workspace, "review", dataset="zoo")
    next(box for box in app.text_input if box.label == "Name").set_value("wasps")
    next(button for button in app.button if button.label == "Add the class").click().run()
    assert not app.exception
    assert asked == [("zoo", "wasps")]
