from dataclasses import replace

import pytest

from core.cluster.place import Place
from core.domain.errors import BadInput
from core.domain.recipes import as_toml, preset
from core.domain.runs import TrainOptions
from core.runs.atomic import read_json, write_json
from core.workspace import Workspace
from core.workspace.training import Training


@pytest.fixture
def asked(monkeypatch):
    """What was asked of Workspace.retrain, in order."""
    asked = []
    monkeypatch.setattr(
        Workspace, "retrain", lambda self, dataset, options: asked.append((dataset, options)) or "run-3"
    )
    return asked


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "train")
    assert not app.exception
    assert "No images yet" in words(app)


def test_presets_come_first_with_what_they_gave_and_what_they_take(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    text = words(app)
    assert not app.exception
    assert "60 of 60 images have a label" in text
    assert "chooses nothing" in text
    assert [one.value for one in app.subheader] == ["Quick", "Balanced", "Best"]
    assert text.count("Last time:") == 1
    assert "in 3.0 s · run-1, " in text
    assert text.count("Not trained on this dataset yet.") == 2
    assert text.count("about ") >= 3
    assert text.count("GB of memory") == 3 + 1  # the cards, and the recipe of one's own


def test_labels_that_are_no_class_are_told(open_page, untrained_workspace, words):
    info = untrained_workspace.dataset("zoo")
    untrained_workspace.store.set_classes(info.id, info.classes[:-1])
    app = open_page(untrained_workspace, "train", dataset="zoo")
    assert not app.exception
    assert "20 images are labelled 'cat', which is no class: a run counts them as unlabelled." in words(app)


def test_one_click_starts_a_preset(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "train", dataset="zoo")
    for name in ("quick", "balanced", "best"):
        app.button(key=f"train.start-{name}").click().run()
    assert not app.exception
    assert asked == [("zoo", preset(name).options) for name in ("quick", "balanced", "best")]


def test_a_recipe_of_ones_own_starts_as_it_stands_in_the_form(open_page, trained_workspace, asked, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.number_input(key="train.epochs").set_value(3).run()
    app.selectbox(key="train.optimizer").set_value("sgd").run()
    app.number_input(key="train.momentum").set_value(0.5).run()
    app.toggle(key="train.progressive").set_value(False).run()
    assert "GB of memory" in words(app)
    app.button(key="train.start-own").click().run()
    assert not app.exception
    changed = {"epochs": 3, "optimizer": "sgd", "momentum": 0.5, "progressive": False}
    assert asked == [("zoo", replace(preset("small-cnn").options, **changed))]


def test_every_preset_fills_the_form(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "train", dataset="zoo")
    names = ("hobby-cnn", "shared-cnn", "block-resnet", "best", "small-cnn")
    for name in names:
        app.selectbox(key="train.base").set_value(name).run()
        app.button(key="train.start-own").click().run()
        assert not app.exception
    assert asked == [("zoo", preset(name).options) for name in names]


def test_fields_that_do_nothing_are_not_shown(open_page, trained_workspace):
    app = open_page(trained_workspace, "train", dataset="zoo")
    shown = {one.key for kind in ("number_input", "selectbox", "toggle", "text_input") for one in getattr(app, kind)}
    assert not {"train.layers", "train.blocks", "train.momentum", "train.rotation", "train.head_epochs"} & shown
    app.selectbox(key="train.augmentation").set_value("custom").run()
    app.selectbox(key="train.model").set_value("layer-cnn").run()
    assert app.number_input(key="train.rotation").value == 0
    assert app.text_input(key="train.layers").value.startswith("conv 32")
    app.selectbox(key="train.model").set_value("efficientnet-lite0").run()
    app.selectbox(key="train.fine_tuning").set_value("two-phase").run()
    assert app.number_input(key="train.head_epochs").value == 2
    assert app.number_input(key="train.image_size").value == 224  # the network's own


def test_a_file_of_weights_must_be_named(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.selectbox(key="train.weights").set_value("file").run()
    assert app.button(key="train.start-own").disabled
    assert "Name the file of weights" in app.error[0].value
    app.text_input(key="train.weights_file").set_value(' "/tmp/w.safetensors" ').run()
    app.button(key="train.start-own").click().run()
    assert asked[0][1].weights == "/tmp/w.safetensors"


def test_a_recipe_that_cannot_be_is_one_sentence_and_no_button(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.selectbox(key="train.base").set_value("shared-cnn").run()
    app.number_input(key="train.image_size").set_value(48).run()
    assert not app.exception
    assert "takes images from 64 px" in app.error[0].value.replace("\\", "")
    assert app.button(key="train.start-own").disabled


def test_a_recipe_file_is_opened(open_page, trained_workspace, asked):
    app = open_page(trained_workspace, "train", dataset="zoo")
    mine = TrainOptions(model="layer-cnn", layers="conv 8, average", epochs=7, balance="weights")
    app.file_uploader(key="train.file").set_value([("mine.toml", as_toml(mine).encode(), "text/plain")]).run()
    assert not app.exception
    app.button(key="train.start-own").click().run()
    assert asked == [("zoo", mine)]


def test_the_preview_is_drawn_on_the_datasets_own_images(open_page, trained_workspace, monkeypatch):
    asked = []

    def augmented(self, dataset, options, *, images, versions, seed):
        asked.append((dataset, options.augmentation, images, versions, seed))
        path = self._examples(dataset, 1)[0]
        with open(path, "rb") as file:
            return [[file.read()] * (versions + 1)]

    monkeypatch.setattr(Training, "augmented", augmented)
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert asked == []
    app.toggle(key="train.preview").set_value(True).run()
    app.button(key="train.again").click().run()
    assert not app.exception
    assert asked == [("zoo", "standard", 3, 5, 0), ("zoo", "standard", 3, 5, 1)]
    assert {"As it is", "As training sees it"} <= {caption.value for caption in app.caption}


def test_what_cannot_be_trained_is_one_sentence(open_page, trained_workspace, monkeypatch):
    def refuse(self, dataset, options):
        raise BadInput("Training needs <b>two</b> classes.")

    monkeypatch.setattr(Workspace, "retrain", refuse)
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.button(key="train.start-quick").click().run()
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == ["Training needs <b>two</b> classes."]


def test_a_finished_run_says_how_it_went(open_page, trained_workspace, asked, words, monkeypatch):
    real = Workspace.runs
    monkeypatch.setattr(
        Workspace,
        "runs",
        lambda self, *names, **more: [
            replace(run, spec={**run.spec, "expected": 240.0}) for run in real(self, *names, **more)
        ],
    )
    app = open_page(trained_workspace, "train", dataset="zoo")
    app.button(key="train.start-own").click().run()
    total = trained_workspace.evaluation("run-3", "test").samples
    assert f"**{total - 1} of {total}** test images right" in words(app)
    assert "(about 4 min were expected)" in words(app)
    assert "Did it help?" in [element.proto.label for element in app.get("page_link")]


def test_a_run_that_goes_is_found_again(open_page, trained_workspace, running_run, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert not app.exception
    assert not app.button(key="train.start-quick").disabled
    assert len(app.get("plotly_chart")) == 2
    assert "The star marks epoch 1, the best so far on val" in words(app)
    assert "in all" in words(app)
    assert "epoch 1\n<script>alert(1)</script>" in [code.value for code in app.code]


def test_what_was_expected_outlives_a_reload(open_page, trained_workspace, running_run, words):
    paths = trained_workspace.run_paths(running_run)
    write_json(paths.spec, {**read_json(paths.spec), "expected": 75.0})
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert ", 1 min 15 s were expected" in words(app)


def test_labels_given_while_it_trains_are_told_where_it_is_watched(
    open_page, trained_workspace, running_run, relabelled_since, words
):
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert "Not in this run" not in words(app)
    relabelled_since(running_run)
    app.run()
    assert "Not in this run: 1 label changed" in words(app)


def test_a_preset_that_goes_is_not_started_twice(open_page, trained_workspace, running_run):
    options = trained_workspace.run(running_run).options
    assert options["model"] == "cnn"
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert app.button(key="train.start-balanced").label == "Train"


def test_where_it_runs_is_folded_away_and_kept_for_later(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "train", dataset="zoo")
    assert "Where it runs: this machine" in [one.label for one in app.expander]
    try:
        app.number_input(key="train.where-workers").set_value(2)
        app.button(key="train.where-keep").click().run()
        assert not app.exception
        assert trained_workspace.cluster.place == Place(workers=2)
        assert "Where it runs: 2 workers on this machine" in [one.label for one in app.expander]
        app.radio(key="train.where-machine").set_value("A Ray cluster").run()
        app.text_input(key="train.where-ray").set_value("127.0.0.1:1")
        app.button(key="train.where-keep").click().run()
        assert not app.exception
        assert any("does not answer" in one.value for one in app.error)
        assert trained_workspace.cluster.place == Place(workers=2)  # what cannot be had is not kept
    finally:
        trained_workspace.cluster.keep(Place())
