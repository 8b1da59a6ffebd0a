"""A snapshot as files again: contents byte for byte, any class name, nothing of the user's touched."""

import csv
import hashlib
import zipfile

import pandas as pd
import pytest

from core.domain.errors import BadInput
from core.snapshots.export import export, safe_name
from core.snapshots.manifest import COLUMNS, Snapshot


@pytest.fixture
def frozen(tmp_path, picture):
    """Five pictures: two of the same file name, one unlabelled, one in a class that no folder can be named after."""
    rows = []
    for number, (name, label, split) in enumerate(
        [("a/1.png", "cat", "train"), ("b/1.png", "cat", "train"), ("2.png", "../x", "val"), ("3.png", None, "test")]
    ):
        path = picture(tmp_path / "source" / name, number)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append((f"{number:024x}", str(path), digest, label, split))
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(object)
    frame["label"] = frame["label"].where(frame["label"].notna(), None)
    return Snapshot("x", "pets", ("cat", "../x"), frame)


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _state(folder):
    return {p: (p.stat().st_mtime_ns, _digest(p.read_bytes())) for p in folder.rglob("*") if p.is_file()}


def test_class_folders_hold_the_very_bytes(frozen, tmp_path):
    before = _state(tmp_path / "source")
    done = export(frozen, tmp_path / "out", "folders")
    assert (done.files, done.left_out) == (4, ())
    table = list(csv.DictReader((tmp_path / "out" / "labels.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in table] == ["cat", "cat", "../x", ""]
    for row in table:
        assert _digest((tmp_path / "out" / row["file"]).read_bytes()) == row["content_hash"]
    assert sorted(p.name for p in (tmp_path / "out" / "train").iterdir()) == ["cat"]
    assert len(list((tmp_path / "out" / "train" / "cat").iterdir())) == 2
    assert [p.name for p in (tmp_path / "out" / "val").iterdir()] == ["..%2Fx"]
    assert (tmp_path / "out" / "unlabelled" / "3.png").exists()
    assert _state(tmp_path / "source") == before


def test_a_zip_holds_the_same(frozen, tmp_path):
    export(frozen, tmp_path / "out.zip", "zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        rows = list(csv.DictReader(archive.read("labels.csv").decode().splitlines()))
        assert names == {row["file"] for row in rows} | {"labels.csv"}
        assert all(_digest(archive.read(row["file"])) == row["content_hash"] for row in rows)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.zip", "source"]  # no rests


def test_files_that_changed_or_went_are_left_out_and_named(frozen, tmp_path, picture):
    changed, gone = frozen.samples["filepath"][0], frozen.samples["filepath"][1]
    picture(tmp_path / "source" / "a" / "1.png", 99)
    (tmp_path / "source" / "b" / "1.png").unlink()
    done = export(frozen, tmp_path / "out", "folders")
    assert done.files == 2
    assert dict(done.left_out) == {
        changed: "its contents have changed since",
        gone: "the file is not there any more",
    }


def test_nothing_that_is_there_is_overwritten(frozen, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    for form, target in (("folders", taken), ("zip", taken / "mine.txt"), ("csv", taken / "mine.txt")):
        with pytest.raises(BadInput, match="is there already"):
            export(frozen, target, form)
    with pytest.raises(BadInput, match="no folder"):
        export(frozen, tmp_path / "no" / "out", "folders")
    assert (taken / "mine.txt").read_text() == "mine"


def test_a_failure_leaves_nothing_behind(frozen, tmp_path):
    def full(done, total):
        raise OSError(28, "No space left on device")

    for form in ("folders", "zip"):
        with pytest.raises(BadInput, match="No space left"):
            export(frozen, tmp_path / "out", form, progress=full)
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_any_class_name_becomes_one_folder_and_no_two_the_same(hostile_names, tmp_path):
    odd = ["a.", "a", ".", "..", "CON", "con.txt", "a ", "%2F", "/", "x" * 300, "x" * 301]
    made = [safe_name(name) for name in [*hostile_names, *odd]]
    assert len(set(made)) == len(made)
    for name in made:
        (tmp_path / name).mkdir()
        assert (tmp_path / name).parent == tmp_path
