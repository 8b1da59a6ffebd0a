"""An instant run from spec to predictions, on real images."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from core.embedding.blocks import EmbeddingStore
from core.runs import predictions
from core.runs.atomic import read_json, read_json_lines
from core.runs.worker import CANCELLED, REFUSED, SUCCEEDED
from core.training.__main__ import main


def test_a_run_learns_and_says_what_it_knows_of_every_sample(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 20)
    samples.loc[[0, 59], "label"] = None
    run = make_run(samples)

    assert main(run.folder) == SUCCEEDED

    table = predictions.read(run.predictions)
    assert table.sample_id.tolist() == samples["sample_id"].tolist()
    assert table.label.tolist() == samples["label"].tolist()
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1, atol=1e-5)
    train = (samples["split"] == "train").to_numpy() & samples["label"].notna().to_numpy()
    assert (table.out_of_fold == train).all()
    for split in ("train", "val", "test"):
        part = table.where(split)
        known = part.label != None  # noqa: E711 - elementwise
        assert (part.predicted[known] == part.label[known]).mean() > 0.8
    (line,) = read_json_lines(run.metrics)
    assert line["train_accuracy"] == pytest.approx((table.predicted[train] == table.label[train]).mean())
    status = read_json(run.status)
    assert (status["phase"], status["done"], status["total"]) == ("done", 60, 60)


def test_the_model_file_computes_the_predictions(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 10)
    run = make_run(samples)
    assert main(run.folder) == SUCCEEDED
    card = read_json(run.model_card)
    assert card["input"] == "embedding"
    assert card["classes"] == ["bars", "disc", "square"]
    embeddings, _ = EmbeddingStore(run.workspace.embeddings, card["backbone"]).load(samples["content_hash"].tolist())
    session = onnxruntime.InferenceSession(str(run.model), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"embedding": embeddings})
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    table = predictions.read(run.predictions)
    full = ~table.out_of_fold
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table.probabilities[full], expected[full], atol=1e-5)


def test_a_wrong_label_stands_out(make_run, shapes, tmp_path):
    """Out-of-fold probabilities see through the label: the planted error is the least likely label in train."""
    samples = shapes(tmp_path / "images", 25)
    wrong = samples.index[(samples["split"] == "train") & (samples["label"] == "square")][3]
    samples.loc[wrong, "label"] = "bars"
    run = make_run(samples)
    assert main(run.folder) == SUCCEEDED
    train = predictions.read(run.predictions).where("train")
    places = [train.classes.index(label) for label in train.label]
    likely = train.probabilities[np.arange(len(places)), places]
    assert train.sample_id[likely.argmin()] == samples.loc[wrong, "sample_id"]


def test_the_same_seed_gives_the_same_run(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    one, two = make_run(samples, seed=3), make_run(samples, seed=3)
    assert main(one.folder) == main(two.folder) == SUCCEEDED
    first, second = predictions.read(one.predictions), predictions.read(two.predictions)
    assert (first.probabilities == second.probabilities).all()


def test_files_that_vanished_are_left_out_and_counted(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    for path in samples["filepath"][:2]:
        Path(path).unlink()
    run = make_run(samples)
    assert main(run.folder) == SUCCEEDED
    assert predictions.read(run.predictions).sample_id.tolist() == samples["sample_id"].tolist()[2:]
    assert "2 images" in read_json(run.status)["message"]


def test_a_file_that_vanished_after_it_was_embedded_is_still_predicted(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    assert main(make_run(samples).folder) == SUCCEEDED
    Path(samples["filepath"][0]).unlink()
    run = make_run(samples)
    assert main(run.folder) == SUCCEEDED
    assert len(predictions.read(run.predictions)) == len(samples)


def test_all_files_gone_is_told_in_a_sentence(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 4)
    for path in samples["filepath"]:
        Path(path).unlink()
    run = make_run(samples)
    assert main(run.folder) == REFUSED
    assert "can be read" in read_json(run.error)["sentence"]


@pytest.mark.parametrize("model", ["instant", "cnn"])
@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("one class", "12 of 'disc'"),
        ("two images", "1 of 'bars', 1 of 'disc'"),
        ("empty train", "none with a label"),
        ("no labels", "none with a label"),
    ],
)
def test_too_little_to_learn_from_is_told_in_a_sentence(make_run, shapes, tmp_path, model, case, says):
    samples = shapes(tmp_path / "images", 4 if case != "one class" else 20)
    if case == "one class":
        samples = samples[samples["label"] == "disc"].reset_index(drop=True)
    elif case == "two images":
        samples = samples.iloc[[0, 2]].reset_index(drop=True)
    elif case == "empty train":
        samples["split"] = "test"
    else:
        samples["label"] = None
    run = make_run(samples, classes=("bars", "disc"), model=model)
    assert main(run.folder) == REFUSED
    sentence = read_json(run.error)["sentence"]
    assert "at least two classes" in sentence
    assert says in sentence


def test_classes_absent_from_train_or_val_do_no_harm(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 10)
    samples = samples[(samples["split"] == "train") | (samples["label"] == "disc")].reset_index(drop=True)
    run = make_run(samples, classes=("never", "bars", "disc", "square"))
    assert main(run.folder) == SUCCEEDED
    table = predictions.read(run.predictions)
    assert table.classes == ("never", "bars", "disc", "square")
    assert table.probabilities[:, 0].max() < 1e-6


def test_no_val_split_gives_no_val_figures(make_run, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 8)
    samples = samples[samples["split"] != "val"].reset_index(drop=True)
    run = make_run(samples)
    assert main(run.folder) == SUCCEEDED
    (line,) = read_json_lines(run.metrics)
    assert line["val_loss"] is None
    assert line["val_accuracy"] is None


def test_a_cancelled_run_stops(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 4))
    run.cancel.touch()
    assert main(run.folder) == CANCELLED
    assert not run.predictions.exists()


def test_a_missing_snapshot_and_a_broken_spec_are_told(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 4))
    spec = json.loads(run.spec.read_text())
    run.spec.write_text(json.dumps({**spec, "snapshot": "0" * 12}))
    assert main(run.folder) == REFUSED
    assert "snapshot" in read_json(run.error)["sentence"]
    run.spec.write_text(json.dumps({**spec, "options": {"model": "instant", "colour": "red"}}))
    assert main(run.folder) == REFUSED
    assert "options" in read_json(run.error)["sentence"]


def test_instant_never_imports_torch(make_run, shapes, tmp_path):
    run = make_run(shapes(tmp_path / "images", 6))
    code = (
        "import sys\nfrom pathlib import Path\nfrom core.training.warm import preload\npreload('light')\n"
        "from core.training.__main__ import main\n"
        "before = set(sys.modules)\n"
        f"assert main(Path({str(run.folder)!r})) == 0\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'torchvision')]\n"
        "late = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "assert not late & {'scipy', 'onnx', 'pandas', 'pyarrow', 'core'}, late\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert run.predictions.exists()
