"""Two snapshots, and what differs by hand."""

import pandas as pd

from core.snapshots.differences import difference
from core.snapshots.manifest import COLUMNS, Snapshot


def _snapshot(*rows, classes=("cat", "dog")):
    frame = pd.DataFrame(
        [(sample, f"/{sample}.png", content, label, split) for sample, content, label, split in rows],
        columns=list(COLUMNS),
    ).astype(object)
    frame["label"] = frame["label"].where(frame["label"].notna(), None)
    return Snapshot("x", "pets", classes, frame)


def test_each_kind_of_change_is_told_apart():
    old = _snapshot(
        ("a", "1", "cat", "train"),
        ("b", "2", "dog", "test"),
        ("c", "3", None, "train"),
        ("d", "4", None, "train"),
        ("e", "5", "cat", "train"),
    )
    new = _snapshot(
        ("a", "1", "cat", "train"),
        ("b", "2", "cat", "val"),
        ("c", "3", "dog", "train"),
        ("d", "9", None, "train"),
        ("f", "6", "cat", "train"),
        classes=("cat", "bird"),
    )
    found = difference(old, new)
    assert found.relabelled.to_dict("records") == [
        {"sample_id": "b", "filepath": "/b.png", "split": "val", "old": "dog", "new": "cat"},
        {"sample_id": "c", "filepath": "/c.png", "split": "train", "old": None, "new": "dog"},
    ]
    assert found.moved[["sample_id", "old", "new"]].to_numpy().tolist() == [["b", "test", "val"]]
    assert (found.added, found.removed, found.changed_files) == (("f",), ("e",), ("d",))
    assert (found.classes_added, found.classes_removed) == (("bird",), ("dog",))
    assert not found.same


def test_a_snapshot_does_not_differ_from_itself():
    one = _snapshot(("a", "1", None, "train"), ("b", "2", "dog", "test"))
    assert difference(one, one).same
