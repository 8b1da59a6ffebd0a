"""``labelloop recipes``, and ``labelloop train`` with recipes from files, presets and flags."""

from dataclasses import asdict

import pytest

from core.domain.recipes import PRESETS, preset
from core.domain.runs import FIELDS
from core.workspace import Workspace


@pytest.fixture
def asked(monkeypatch, trained):
    """The options of each ``train``; no run is started: the answer is the run that is there."""
    asked = []
    monkeypatch.setattr(Workspace, "retrain", lambda self, dataset, options, **_: asked.append(options) or "run-1")
    return asked


def test_recipes_lists_presets_models_and_every_field(labelloop):
    code, document, _ = labelloop("recipes", "--json")
    assert code == 0
    hobby = next(one for one in document["presets"] if one["name"] == "hobby-cnn")
    assert (hobby["network"], hobby["parameters"]) == ("Hobby CNN", 1_634_114)
    assert hobby["options"] == asdict(preset("hobby-cnn").options)
    assert {one["name"]: one["parameters"] for one in document["models"]}["shared-cnn"] == 2_668_418
    assert [one["name"] for one in document["fields"]] == list(FIELDS)
    code, text, _ = labelloop("recipes")
    assert code == 0
    assert "1,634,114" in text


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.name)
def test_a_preset_as_text_is_a_recipe_file(labelloop, asked, tmp_path, one):
    _, text, _ = labelloop("recipes", one.name)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert labelloop("train", "-d", "shapes", "--recipe", path)[0] == 0
    assert asked == [one.options]


def test_flags_change_what_a_preset_says(labelloop, asked):
    flags = ("--epochs", 3, "--no-progressive", "--optimizer", "sgd", "--seed", 9)
    assert labelloop("train", "-d", "shapes", "--preset", "small-cnn", *flags)[0] == 0
    expected = {"epochs": 3, "progressive": False, "optimizer": "sgd", "seed": 9}
    assert asdict(asked[0]) == {**asdict(preset("small-cnn").options), **expected}


def test_a_model_alone_comes_with_its_own_size(labelloop, asked):
    for name, size in (("vit-b-16", 224), ("hobby-cnn", 256), ("resnet18", 128), ("timm:resnet10t", 224)):
        assert labelloop("train", "-d", "shapes", "--model", name)[0] == 0
        assert asked[-1].image_size == size
    _, text, _ = labelloop("recipes")
    assert [line.split()[1] for line in text.splitlines() if line.startswith(("timm:", "torchvision:"))] == ["224"] * 2


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--preset", "fastest"), "no preset 'fastest'"),
        (("--recipe", "/nowhere.toml"), "cannot be read"),
        (("--preset", "best", "--recipe", "x.toml"), "not both"),
        (("--optimizer", "adagrad"), "must be one of adamw, adam, sgd"),
        (("--model", "shared-cnn", "--image-size", 48), "from 64 px"),
        (("--model", "resnet18", "--weights", "bundled"), "no weights to take by 'bundled'"),
    ],
)
def test_mistakes_are_one_sentence(labelloop, trained, flags, sentence):
    code, _, err = labelloop("train", "-d", "shapes", *flags)
    assert code == 2
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_every_field_is_a_flag(labelloop):
    _, text, _ = labelloop("train", "--help")
    for name in FIELDS:
        assert f"--{name.replace('_', '-')}" in text
