"""Recipes: what they accept, what they refuse in one sentence, and how they are read from files."""

import json
from dataclasses import asdict

import pytest

from core.domain.errors import BadInput
from core.domain.layers import Layer, parse_layers
from core.domain.recipes import PRESETS, as_toml, preset, read_recipe, usual
from core.domain.runs import FIELDS, TrainOptions


def test_the_spec_of_an_older_version_is_read():
    old = {
        "model": "resnet18",
        "epochs": 3,
        "image_size": 64,
        "batch_size": 8,
        "learning_rate": 0.0,
        "weights": "none",
        "seed": 5,
    }
    options = TrainOptions.read(old)
    assert (options.model, options.epochs, options.start, options.schedule) == ("resnet18", 3, "none", "cosine")
    assert TrainOptions.read(asdict(options)) == options


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("epochs", 0, "Epochs must lie between 1 and 10000"),
        ("epochs", 2.5, "whole number"),
        ("epochs", True, "must be a number"),
        ("learning_rate", float("nan"), "must lie between"),
        ("learning_rate", "fast", "must be a number"),
        ("optimizer", "adagrad", "must be one of adamw, adam, sgd"),
        ("progressive", "maybe", "yes or no"),
        ("model", "vgg", "There is no model 'vgg'"),
        ("model", "timm:a/b", "There is no model"),
        ("device", "gpu", "Device must be"),
        ("epochz", 3, "no field 'epochz'"),
        ("layers", "conv 32, warp", "does not know 'warp'"),
        ("layers", "pool", "at least one convolution"),
        ("layers", "conv 8, average, pool", "may follow average"),
        ("layers", "conv 8 4x4", "does not know"),
    ],
)
def test_what_may_not_be_is_one_sentence(field, value, sentence):
    with pytest.raises(BadInput, match=sentence):
        TrainOptions.read({"model": "layer-cnn", field: value})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "hobby-cnn", "image_size": 16}, "from 32 px"),
        ({"model": "shared-cnn", "image_size": 48}, "from 64 px"),
        ({"model": "vit-b-16", "image_size": 100}, "in steps of 16"),
        ({"model": "cnn", "weights": "download"}, "no weights to take by 'download'"),
        ({"model": "resnet18", "weights": "bundled"}, "choose none or download, or a file"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(options, sentence):
    with pytest.raises(BadInput, match=sentence):
        TrainOptions(**options)


def test_weights_by_themselves_are_those_that_are_shipped():
    assert TrainOptions(model="efficientnet-lite0").start == "bundled"
    assert TrainOptions(model="resnet18").start == "none"
    assert not TrainOptions(model="resnet18").pretrained
    assert TrainOptions(model="resnet18", weights="/w.pth").peak_rate == pytest.approx(3e-4)
    assert TrainOptions(model="resnet18", learning_rate=0.5).peak_rate == 0.5


def test_every_field_has_words_and_takes_its_default():
    for name, field in FIELDS.items():
        assert field.checked(field.default) == field.default, name
        assert field.meaning.endswith((".", '"')), name
        assert field.label
        assert field.group


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.name)
def test_presets_survive_a_file(one, tmp_path):
    for name, words in (("r.json", json.dumps(asdict(one.options))), ("r.toml", as_toml(one.options))):
        (tmp_path / name).write_text(words, encoding="utf-8")
        assert read_recipe(tmp_path / name) == one.options


def test_a_file_may_change_a_preset(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "hobby-cnn"\nepochs = 3\n', encoding="utf-8")
    assert (read_recipe(path).epochs, read_recipe(path).batch_size) == (3, 8)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("epochs = ", "neither JSON nor TOML"),
        ('preset = "fastest"', "no preset 'fastest'"),
        ("epochs = 'many'", "must be a number"),
        ("x = " + "'y'" * 60_000, "too large"),
    ],
)
def test_bad_files_are_one_sentence(words, sentence, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(words, encoding="utf-8")
    with pytest.raises(BadInput, match=sentence):
        read_recipe(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_recipe(tmp_path / "gone.toml")


def test_published_presets_are_as_published():
    hobby = preset("hobby-cnn").options
    assert (hobby.image_size, hobby.batch_size, hobby.optimizer, hobby.learning_rate) == (256, 8, "adam", 1e-4)
    assert (hobby.epochs, hobby.schedule, hobby.augmentation, hobby.normalise) == (20, "constant", "none", "none")
    shared = preset("shared-cnn").options
    assert (shared.image_size, shared.batch_size, shared.optimizer, shared.learning_rate) == (224, 32, "adam", 1e-4)
    assert (shared.epochs, shared.augmentation, shared.seed) == (20, "trivial", 42)


def test_a_layer_table():
    assert parse_layers("Conv 8 5x5 /2 plain; pool\ndropout .5, average, dense 16") == (
        Layer("conv", 8, 5, 2, plain=True),
        Layer("pool"),
        Layer("dropout", share=0.5),
        Layer("average"),
        Layer("dense", 16),
    )


def test_a_model_is_usually_trained_by_its_first_preset_or_at_its_own_size():
    assert usual("efficientnet-lite0") == preset("balanced").options
    assert usual("cnn") == preset("small-cnn").options
    assert usual("vit-b-16") == TrainOptions(model="vit-b-16", image_size=224)
    assert usual("timm:resnet10t").image_size == 224
