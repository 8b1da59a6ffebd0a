"""Atomic files and predictions.parquet."""

import json
import os

import numpy as np
import pytest

from core.runs import predictions as files
from core.runs.atomic import append_json_line, read_json, read_json_lines, write_json, written_aside


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "status.json"
    write_json(path, {"epoch": 1})

    def fail():
        with written_aside(path) as aside:
            aside.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert read_json(path) == {"epoch": 1}
    assert os.listdir(tmp_path) == ["status.json"]


def test_absent_and_half_files_read_as_none(tmp_path):
    assert read_json(tmp_path / "none.json") is None
    (tmp_path / "half.json").write_text('{"a": ')
    assert read_json(tmp_path / "half.json") is None


def test_a_last_line_without_its_end_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    append_json_line(path, {"epoch": 1})
    append_json_line(path, {"epoch": 2})
    with path.open("a") as file:
        file.write(json.dumps({"epoch": 3})[:5])
    assert read_json_lines(path) == [{"epoch": 1}, {"epoch": 2}]


def test_predictions_round_trip(tmp_path):
    made = files.make(
        classes=["cat", 'd"og,\n', "птица"],
        sample_id=["a", "b"],
        split=["train", "test"],
        label=["cat", None],
        probabilities=np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]], dtype=np.float32),
        out_of_fold=np.array([True, False]),
    )
    files.write(tmp_path / "predictions.parquet", made)
    read = files.read(tmp_path / "predictions.parquet")
    assert read.classes == made.classes
    assert read.sample_id.tolist() == ["a", "b"]
    assert read.label.tolist() == ["cat", None]
    assert read.predicted.tolist() == ["птица", "cat"]
    assert read.out_of_fold.tolist() == [True, False]
    assert np.array_equal(read.probabilities, made.probabilities)
    assert read.where("test").sample_id.tolist() == ["b"]
