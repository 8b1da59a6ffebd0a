"""Predicting new images by a finished run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import BadInput, NotFound
from core.runs import calibration, predictions
from core.runs.atomic import read_json, write_json
from core.runs.worker import SUCCEEDED
from core.serving.predictor import Predictor
from core.training.__main__ import main


@pytest.fixture
def trained(make_run, shapes, tmp_path):
    def train(model):
        samples = shapes(tmp_path / "images", 10)
        run = make_run(samples, model=model, epochs=1, image_size=32)
        assert main(run.folder) == SUCCEEDED
        return run, samples

    return train


@pytest.mark.parametrize("model", ["instant", "cnn"])
def test_predicting_a_file_equals_what_the_run_predicted_of_it(trained, model):
    run, samples = trained(model)
    table = predictions.read(run.predictions)
    rows = np.flatnonzero((samples["split"] == "test").to_numpy())
    paths = [Path(samples["filepath"][row]) for row in rows]
    found = Predictor(run).predict([paths[0], paths[1].read_bytes(), *paths[2:]])
    assert len(found) == len(rows)
    for one, row in zip(found, rows, strict=True):
        np.testing.assert_allclose(one.probabilities, table.probabilities[row], atol=1e-3)
        assert one.predicted == table.predicted[row]
        assert one.confidence == pytest.approx(one.probabilities.max())
        assert one.classes == table.classes
        assert one.error == ""
    assert found[0].name == paths[0].name
    assert found[1].name == "image 2"


def test_an_unreadable_image_gets_a_sentence_and_harms_no_other(trained, tmp_path):
    run, samples = trained("instant")
    good = Path(samples["filepath"][0])
    found = Predictor(run).predict([good, tmp_path / "gone.png", b"", b"<svg onload=alert(1)>", good])
    assert [bool(one.error) for one in found] == [False, True, True, True, False]
    assert "gone" in found[1].error
    assert found[1].predicted == ""
    assert found[1].confidence == 0
    assert found[0].predicted == found[4].predicted != ""


def test_no_images_give_no_predictions(trained):
    run, _ = trained("instant")
    assert Predictor(run).predict([]) == []


def test_more_images_than_a_batch_come_back_in_order(trained):
    run, samples = trained("instant")
    paths = [Path(path) for path in samples["filepath"]] + [Path(samples["filepath"][0])]
    assert [one.name for one in Predictor(run).predict(paths)] == [path.name for path in paths]


def test_a_run_without_a_model_is_told(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 2))
    with pytest.raises(NotFound, match=f"{run.name} has no trained model"):
        Predictor(run)


def test_a_damaged_model_and_another_backbone_are_told(trained):
    run, _ = trained("instant")
    card = read_json(run.model_card)
    write_json(run.model_card, {**card, "backbone": "something-else"})
    with pytest.raises(BadInput, match="another backbone"):
        Predictor(run)
    write_json(run.model_card, card)
    run.model.write_bytes(run.model.read_bytes()[:100])
    with pytest.raises(BadInput, match="damaged"):
        Predictor(run)


def test_predicting_needs_no_torch():
    code = "import sys, core.serving.predictor\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_temperature_and_threshold_that_are_kept_with_the_run_are_minded(trained):
    run, samples = trained("instant")
    paths = [Path(path) for path in samples["filepath"][:6]]
    plain = Predictor(run).predict(paths)
    assert not any(one.unsure for one in plain)
    confidence = sorted(one.confidence for one in plain)
    calibration.write(run, calibration.Calibration(temperature=2.0))
    softer = Predictor(run).predict(paths)
    for before, after in zip(plain, softer, strict=True):
        roots = np.sqrt(before.probabilities)  # a temperature of 2, worked by hand
        np.testing.assert_allclose(after.probabilities, roots / roots.sum(), atol=1e-5)
        assert after.predicted == before.predicted
    middle = (confidence[2] + confidence[3]) / 2
    calibration.write(run, calibration.Calibration(abstain_below=middle))
    assert [one.unsure for one in Predictor(run).predict(paths)] == [one.confidence < middle for one in plain]


def test_answers_by_cost_are_of_least_expected_cost(trained):
    run, samples = trained("instant")
    paths = [Path(path) for path in samples["filepath"][:9]]
    plain = Predictor(run).predict(paths)
    costs = 1.0 - np.eye(3)
    assert [one.predicted for one in Predictor(run).predict(paths, costs=costs)] == [one.predicted for one in plain]
    costs[:, 1] = 0  # to answer the second class never costs anything
    dear = Predictor(run).predict(paths, costs=costs)
    assert {one.predicted for one in dear} == {plain[0].classes[1]}
    for one in dear:
        assert one.confidence == pytest.approx(float(one.probabilities[1]))
