"""Snapshots: the id follows contents, labels, splits and classes; what is frozen stays."""

import pandas as pd
import pytest

from core.domain.errors import NotFound
from core.domain.samples import DatasetInfo
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest
from core.snapshots.freeze import freeze


def _frame(**changes):
    frame = pd.DataFrame(
        {
            "sample_id": ["b" * 24, "a" * 24],
            "filepath": ["/x/2.png", "/x/1 é.png"],
            "content_hash": ["22", "11"],
            "label": pd.Series(["dog", None], dtype=object),
            "split": ["train", "test"],
        }
    )
    for column, values in changes.items():
        frame[column] = pd.Series(values, dtype=object)
    return frame


def _info(classes=("cat", "dog")):
    return DatasetInfo("d" * 24, "pets", classes, 2, {}, {}, ())


def test_round_trip(tmp_path):
    paths = WorkspacePaths(tmp_path)
    frozen = freeze(paths, _info(), _frame())
    read = manifest.read(paths.snapshot(frozen.id))
    assert read.classes == ("cat", "dog")
    assert read.samples["sample_id"].tolist() == ["a" * 24, "b" * 24]
    assert read.samples["label"].tolist() == [None, "dog"]
    assert read.samples["filepath"].tolist() == ["/x/1 é.png", "/x/2.png"]


def test_the_same_data_has_the_same_id_and_any_change_another(tmp_path):
    paths = WorkspacePaths(tmp_path)
    same = freeze(paths, _info(), _frame()).id
    assert freeze(paths, _info(), _frame().iloc[::-1]).id == same
    assert freeze(paths, _info(), _frame(filepath=["/elsewhere/2.png", "/elsewhere/1.png"])).id == same
    others = {
        freeze(paths, _info(), _frame(label=["cat", None])).id,
        freeze(paths, _info(), _frame(split=["train", "val"])).id,
        freeze(paths, _info(), _frame(content_hash=["23", "11"])).id,
        freeze(paths, _info(("dog", "cat")), _frame()).id,
    }
    assert len(others | {same}) == 5


def test_a_label_that_is_no_class_any_more_is_frozen_as_none(tmp_path):
    frozen = freeze(WorkspacePaths(tmp_path), _info(("cat", "bird")), _frame())
    assert frozen.samples["label"].tolist() == [None, None]


def test_a_half_written_snapshot_is_none(tmp_path):
    paths = WorkspacePaths(tmp_path)
    frozen = freeze(paths, _info(), _frame())
    (paths.snapshot(frozen.id) / "manifest.json").unlink()
    with pytest.raises(NotFound):
        manifest.read(paths.snapshot(frozen.id))
    freeze(paths, _info(), _frame())
    assert len(manifest.read(paths.snapshot(frozen.id)).samples) == 2
