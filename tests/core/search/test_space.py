"""What a search space may say, and the recipes that come out of it."""

import json

import pytest

from core.domain.errors import BadInput
from core.search.space import read_file, read_space


def test_ranges_lists_and_fixed_values():
    space = read_space(
        {
            "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "batch_size": {"low": 16, "high": 64, "step": 16},
            "optimizer": ["adamw", "sgd", "adamw"],
            "model": "cnn",
            "epochs": "3",
        }
    )
    rate, batch, optimizer = space.dimensions
    assert (rate.low, rate.high, rate.log, rate.whole) == (1e-4, 1e-2, True, False)
    assert batch.points() == [16, 32, 48, 64]
    assert optimizer.points() == ["adamw", "sgd"]
    options = space.options({"learning_rate": 0.001, "batch_size": 32, "optimizer": "sgd"})
    assert (options.model, options.epochs, options.batch_size, options.optimizer) == ("cnn", 3, 32, "sgd")


def test_the_size_of_a_grid():
    space = {"model": "cnn", "mixup": {"low": 0, "high": 0.4, "step": 0.1}, "optimizer": ["adam", "sgd"]}
    assert read_space(space).size() == 10
    with pytest.raises(BadInput, match="grid needs"):
        read_space({"model": "cnn", "mixup": {"low": 0, "high": 0.4}}).size()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "must name fields"),
        ([1], "must name fields"),
        ({"rate": [1, 2]}, "no field 'rate'"),
        ({"epochs": 3}, "Nothing varies"),
        ({"epochs": []}, "is empty"),
        ({"epochs": {"low": 5, "high": 2}}, "must rise"),
        ({"epochs": {"low": 0, "high": 2}}, "must lie between"),
        ({"epochs": {"low": 1, "max": 2}}, "needs low and high"),
        ({"optimizer": {"low": 1, "high": 2}}, "takes no range"),
        ({"optimizer": ["adamw", "best"]}, "must be one of"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "begin above 0"),
        ({"mixup": {"low": 0, "high": 1, "step": -1}}, "step of mixup"),
        ({"model": "none such", "epochs": [1, 2]}, "none such"),
    ],
)
def test_what_cannot_be_a_space_is_one_sentence(document, words):
    with pytest.raises(BadInput, match=words):
        read_space(document)


def test_files_in_both_languages(tmp_path):
    document = {"epochs": [1, 2], "model": "cnn"}
    (tmp_path / "space.json").write_text(json.dumps(document))
    (tmp_path / "space.yaml").write_text("epochs: [1, 2]\nmodel: cnn\n")
    assert read_file(tmp_path / "space.json") == read_file(tmp_path / "space.yaml") == document
    for name, text in (("bad.json", "{"), ("bad.yaml", "a: [1"), ("list.json", "[1]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInput):
            read_file(tmp_path / name)
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(tmp_path / "none.json")
