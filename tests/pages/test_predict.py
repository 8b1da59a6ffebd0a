import io

import numpy as np
import pytest
from PIL import Image

from core.domain.errors import BadInput
from core.runs.layout import RunPaths
from core.serving.predictor import Prediction
from core.workspace import Workspace
from dashboard.widgets import prediction_cards

CLASSES = ("<b>dog", "=bird", "cat")


def png(seed=0):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def with_model(trained_workspace, monkeypatch):
    """run-3 has a model; what it says is known: cat at 70%, and the bytes b"broken" cannot be read."""
    model = RunPaths(trained_workspace.paths.runs / "run-3").model
    model.write_bytes(b"")
    asked = []

    def predict(self, run, images):
        asked.append((run, len(images)))
        said = np.array([0.1, 0.2, 0.7], dtype=np.float32)
        return [
            Prediction("", CLASSES, said * 0, "", 0.0, "This image cannot be used: the file is empty.")
            if image == b"broken"
            else Prediction("", CLASSES, said, "cat", 0.7)
            for image in images
        ]

    monkeypatch.setattr(Workspace, "predict", predict)
    yield asked
    model.unlink()


def drop(app, *files):
    app.file_uploader(key="predict.files").set_value([(name, data, "image/png") for name, data in files]).run()
    assert not app.exception
    return app


def cards(app):
    return next(element.proto.body for element in app.get("html") if "ll-cards" in element.proto.body)


@pytest.mark.parametrize("name", ["empty_workspace", "trained_workspace"])
def test_without_a_model_it_names_the_next_step(open_page, words, request, name):
    app = open_page(request.getfixturevalue(name), "predict")
    assert not app.exception
    assert "No trained model yet" in words(app)


def test_dropped_images_become_cards(open_page, trained_workspace, with_model, words):
    app = drop(open_page(trained_workspace, "predict", dataset="zoo"), ("a.png", png()), ("b.png", b"broken"))
    assert "**1 image** classified by run-3, 1 could not be read" in words(app)
    body = cards(app)
    assert body.count("class='ll-card'") == 2
    assert "70.0%" in body
    assert "This image cannot be used: the file is empty." in body


def test_names_are_escaped(open_page, trained_workspace, with_model):
    hostile = "<img src=x onerror='alert(1)'>.png"
    body = cards(drop(open_page(trained_workspace, "predict", dataset="zoo"), (hostile, png())))
    assert "<img src=x" not in body
    assert "<b>dog" not in body
    assert "&lt;b&gt;dog" in body


def test_more_images_are_classified_once(open_page, trained_workspace, with_model):
    app = open_page(trained_workspace, "predict", dataset="zoo")
    drop(app, *[(f"{seed}.png", png(seed)) for seed in range(20)])
    assert with_model == [("run-3", 16), ("run-3", 4)]
    app.run()
    assert len(with_model) == 2


def test_a_broken_model_is_one_sentence(open_page, trained_workspace, with_model, monkeypatch):
    def refuse(self, run, images):
        raise BadInput("The model of run-3 is damaged; retrain it.")

    monkeypatch.setattr(Workspace, "predict", refuse)
    app = drop(open_page(trained_workspace, "predict", dataset="zoo"), ("a.png", png()))
    assert [error.value.replace("\\", "") for error in app.error] == ["The model of run-3 is damaged; retrain it."]


def test_a_file_that_is_no_image_has_no_picture():
    assert prediction_cards.picture(b"<svg/>") == b""
    assert prediction_cards.picture(png()).startswith(b"\xff\xd8")


def test_a_run_that_abstains_says_not_sure_on_the_card(open_page, trained_workspace, with_model, words, monkeypatch):
    said = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    unsure = Prediction("", CLASSES, said, "cat", 0.7, unsure=True)
    monkeypatch.setattr(Workspace, "predict", lambda self, run, images: [unsure] * len(images))
    app = drop(open_page(trained_workspace, "predict", dataset="zoo"), ("a.png", png()))
    assert "<b>Not sure</b>" in cards(app)
    assert "perhaps cat" in cards(app)
    assert "1 not sure" in words(app)


def test_the_model_can_be_downloaded(open_page, trained_workspace, with_model):
    app = open_page(trained_workspace, "predict", dataset="zoo")
    assert not app.exception
    assert "Download the model" in [element.proto.label for element in app.get("download_button")]


def test_answers_by_cost_where_costs_are_kept(open_page, trained_workspace, with_model, monkeypatch):
    app = open_page(trained_workspace, "predict", dataset="zoo")
    assert not [one for one in app.toggle if one.label == "Answers by cost"]
    said = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    asked = []

    def predict(self, run, images, by_cost=False):
        asked.append(by_cost)
        return [Prediction("", CLASSES, said, CLASSES[1] if by_cost else "cat", 0.2 if by_cost else 0.7)] * len(images)

    monkeypatch.setattr(Workspace, "predict", predict)
    trained_workspace.costs.keep("zoo", CLASSES, 1.0 - np.eye(3))
    try:
        app = drop(open_page(trained_workspace, "predict", dataset="zoo"), ("a.png", png()))
        assert "title='cat'" in cards(app)
        next(one for one in app.toggle if one.label == "Answers by cost").set_value(True).run()
        assert not app.exception
        assert "title='=bird'" in cards(app)
        assert asked == [False, True]
    finally:
        trained_workspace.costs.forget("zoo")
