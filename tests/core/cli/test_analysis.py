"""calibrate, slices, report and export-model through the entry point, on a real run."""

import json
import zipfile

import pytest

from core.runs import calibration


def test_calibrating_keeps_temperature_and_threshold_and_predicting_minds_them(labelloop, trained):
    code, fitted, _ = labelloop("calibrate", "run-1", "--abstain-below", "0.75", "--json")
    assert (code, fitted["run"], fitted["split"], fitted["abstain_below"]) == (0, "run-1", "val", 0.75)
    assert fitted["loss_after"] <= fitted["loss_before"]
    assert set(fitted["splits"]) == {"val", "test"}
    low, high = fitted["splits"]["test"]["ece"]["interval"]
    assert low <= fitted["splits"]["test"]["ece"]["value"] <= high
    kept = trained.understanding.calibration("run-1")
    assert (kept.temperature, kept.abstain_below) == (fitted["temperature"], 0.75)
    paths = trained.samples("shapes")["filepath"].head(8).tolist()
    calibration.write(trained.run_paths("run-1"), calibration.Calibration())
    _, found, _ = labelloop("predict", "run-1", *paths, "--json")
    assert not any(one["unsure"] for one in found["predictions"])
    sure = sorted(one["confidence"] for one in found["predictions"])
    assert sure[0] < sure[-1]
    trained.understanding.abstain("run-1", (sure[0] + sure[-1]) / 2)
    _, found, _ = labelloop("predict", "run-1", *paths, "--json")
    unsure = [one["unsure"] for one in found["predictions"]]
    assert unsure == [one["confidence"] < (sure[0] + sure[-1]) / 2 for one in found["predictions"]]
    assert any(unsure)
    _, text, _ = labelloop("predict", "run-1", *paths)
    assert text.count("not sure (") == sum(unsure)
    code, text, _ = labelloop("calibrate", "run-1", "--accuracy", "0.3")
    assert (code, "temperature" in text) == (0, True)
    code, _, err = labelloop("calibrate", "run-1", "--accuracy", "0.9999")
    assert code == 2
    assert "No threshold" in err
    labelloop("calibrate", "run-1", "--abstain-below", "0")
    code, _, err = labelloop("calibrate", "run-1", "--accuracy", "0.9", "--abstain-below", "0.5")
    assert (code, "either" in err) == (2, True)


def test_slices_give_accuracy_by_field_and_the_weakest(labelloop, trained):
    code, found, _ = labelloop("slices", "run-1", "--split", "train", "--json")
    sliced = trained.understanding.slices("run-1", "train")
    assert (code, found["labels"], found["samples"]) == (0, "now", len(sliced.ids))
    assert set(found["by_field"]) == set(found["fields"])
    assert found["by_field"]
    for values in found["by_field"].values():
        for one in values:
            assert one["accuracy"]["value"] == pytest.approx(one["right"] / one["samples"])
            assert one["accuracy"]["interval"][0] <= one["accuracy"]["value"] <= one["accuracy"]["interval"][1]
    assert found["weaker"] == len(sliced.worst)
    assert found["looked_at"] >= found["weaker"]
    assert [one["sentence"] for one in found["slices"]] == [one.sentence() for one in sliced.worst[:200]]
    field = found["fields"][0]
    code, text, _ = labelloop("slices", "run-1", "--split", "train", "--by", field)
    assert code == 0
    assert all(one["value"] in text for one in found["by_field"][field])
    code, _, err = labelloop("slices", "run-1", "--by", "colour")
    assert code == 2
    assert "There is no field 'colour' here; choose one of:" in err


def test_reports_are_written_as_html_and_markdown(labelloop, trained, tmp_path):
    run = trained.runs("shapes")[0].name
    code, written, _ = labelloop("report", run, "-o", tmp_path / "r.html", "--json")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (code, written["bytes"], written["labels"]) == (0, len(html.encode()), "now")
    assert html.startswith("<!doctype html>")
    assert "Judged under the labels of now." in html
    code, _, _ = labelloop("report", run, "-o", tmp_path / "r.md", "--split", "val", "--labels", "run")
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert code == 0
    assert "Judged under the labels it was trained with" in text
    assert "Area under ROC" in text
    code, _, err = labelloop("report", run, "-o", tmp_path / "no" / "r.md")
    assert (code, "cannot be written" in err) == (2, True)


def test_a_model_goes_out_with_its_card_and_calibration(labelloop, trained, tmp_path):
    labelloop("calibrate", "run-1")
    code, written, _ = labelloop("export-model", "run-1", "--to", tmp_path / "model.zip", "--json")
    assert (code, written["run"]) == (0, "run-1")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert {"model.onnx", "model.json", "calibration.json", "MODEL_CARD.md"} <= set(archive.namelist())
        assert json.loads(archive.read("calibration.json"))["split"] == "val"
