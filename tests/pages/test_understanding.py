"""A generated dataset with a planted shortcut and a weak model, under class names that could be code, on every page."""

import json
import re
import zipfile

import pytest

from core.runs import calibration
from core.workspace.fields import MADE_BY

PAGES = ("confusion_matrix", "calibration", "thresholds", "gallery", "slices", "compare", "overview", "predict")


@pytest.fixture
def made(generated_workspace):
    return generated_workspace.understanding.slices("run-1", "test")


def test_the_planted_shortcut_warns(made):
    shortcut = {one.field: one for one in made.shortcuts}["model"]
    value, name, share, count = shortcut.example
    assert (value, share, count) == ("turbo", 1.0, 40)
    assert name.startswith("<script>")


def test_the_gap_between_domains_is_told_by_class_and_generator(made, generated_workspace):
    first, second = generated_workspace.dataset("made").classes
    if not first.startswith("<script>"):
        first, second = second, first
    found = {one.name: one for one in made.domains}
    photographs = next(one for name, one in found.items() if "no generator" in name)
    assert {name: (right, of) for name, right, of in photographs.by_class} == {first: (40, 40), second: (40, 40)}
    base = next(one for name, one in found.items() if name.startswith("base"))
    assert {name: (right, of) for name, right, of in base.by_class} == {first: (10, 40), second: (40, 40)}
    assert base.confusion == (first, second, 30, 40)
    assert base.accuracy.value == pytest.approx(50 / 80)


def test_weak_slices_are_found_by_generator_and_by_what_the_check_measured(made):
    worse = [one for one in made.worst if one.worse]
    assert MADE_BY in {field for field, _ in worse[0].terms} | {field for one in worse for field, _ in one.terms}
    assert any(field == "brightness" for one in worse for field, _ in one.terms)
    assert all(one.adjusted >= one.p_value for one in made.worst)  # corrected for all that were looked at


@pytest.mark.parametrize("page", PAGES)
def test_names_are_never_markup(open_page, generated_workspace, page):
    first = generated_workspace.errors.of("run-1", "test")[0]
    app = open_page(
        generated_workspace, page, dataset="made", run="run-1", old="run-1", new="run-2", split="test",
        sample=first.sample_id, true=first.label, pred=first.predicted,
    )  # fmt: skip
    assert not app.exception
    for kind in ("markdown", "caption", "info", "warning", "error", "success"):
        for element in getattr(app, kind):
            text = str(element.value)
            assert not re.search(r"(?<!\\)\$x(?<!\\)\$|(?<!\\):red\[", text), text
    for element in app.get("html"):
        assert "<script>alert" not in element.proto.body
    for element in app.get("plotly_chart"):
        shown = json.loads(element.proto.spec)
        texts = [str(trace.get(key)) for trace in shown["data"] for key in ("text", "hovertext", "name")]
        assert "<script>" not in "".join([*texts, json.dumps(shown["layout"])])


def test_the_model_card_goes_along_with_exports(generated_workspace, tmp_path):
    done = generated_workspace.history.export("run-1", tmp_path / "made.zip", "zip")
    with zipfile.ZipFile(done.target) as archive:
        card = archive.read("MODEL_CARD.md").decode()
    assert "95 % interval" in card
    assert "<script>" not in card
    paths = generated_workspace.run_paths("run-1")
    paths.model.write_bytes(b"onnx")
    paths.model_card.write_text('{"input": "image", "classes": ["a", "b"]}')
    calibration.write(paths, calibration.Calibration(abstain_below=0.7))
    try:
        written = generated_workspace.reporting.export_model("run-1", tmp_path / "model.zip")
    finally:
        for file in (paths.model, paths.model_card, paths.calibration):
            file.unlink()
    with zipfile.ZipFile(written) as archive:
        assert set(archive.namelist()) == {"model.onnx", "model.json", "calibration.json", "MODEL_CARD.md"}
        assert "below a confidence of 0\\.700" in archive.read("MODEL_CARD.md").decode()
