"""The demonstration dataset: it holds what it says it holds, and unpacking it is safe to repeat."""

import csv
import io
import os
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from core.demo import dataset
from core.domain.errors import BadInput
from core.ingest.sources import recognise

FOLDER = Path(dataset.__file__).parent


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def members():
    with zipfile.ZipFile(dataset.ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_size_and_classes(members):
    assert dataset.ARCHIVE.stat().st_size <= 8_000_000
    assert len(members) >= 500
    classes = Counter(name.split("/")[0] for name in members)
    assert len(classes) >= 5
    assert min(classes.values()) >= 20


def test_every_picture_decodes(members):
    for name, content in members.items():
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (256, 256)), name


def test_the_planted_faults_are_all_there_are(members):
    planted = {row["path"]: row for row in rows("planted.csv")}
    contents = {row["path"]: row for row in rows("contents.csv")}
    assert contents.keys() == members.keys()
    misfiled = {path for path, row in contents.items() if path.split("/")[0] != row["class"]}
    copies = Counter(sha256(content).digest() for content in members.values())
    extra = sum(count - 1 for count in copies.values())
    kinds = Counter(row["fault"] for row in planted.values())
    assert misfiled == {path for path, row in planted.items() if row["fault"] != "exact duplicate"}
    assert extra == kinds["exact duplicate"] + kinds["duplicate under another label"]
    for path, row in planted.items():
        if row["same_as"]:
            assert members[path] == members[row["same_as"]], path
    things = {row["code_point"] for row in contents.values()}
    assert len(things) == len(copies)  # one rendering a thing: no near copies by accident
    assert 0.04 <= kinds["wrong label"] / len(things) <= 0.05


def test_the_text_states_the_planted_numbers(members):
    text = (FOLDER / "DEMO.md").read_text(encoding="utf-8")
    kinds = Counter(row["fault"] for row in rows("planted.csv"))
    assert f"{len(members)} JPEG pictures" in text
    for count in kinds.values():
        assert f"| {count} " in text
    assert "MIT License" in (FOLDER / "LICENSE-fluent-emoji.txt").read_text(encoding="utf-8")


def test_unpacks_to_a_folder_that_import_recognises(tmp_path, members):
    folder = dataset.unpack(tmp_path / "deep" / "demo")
    preview = recognise(folder)
    assert preview.layout == "class folders"
    assert len(preview.files) == len(members)
    assert preview.splits == ()
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]  # nothing left beside it


def test_a_second_call_changes_nothing(tmp_path):
    folder = dataset.unpack(tmp_path / "demo")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    (folder / "mine.txt").write_text("mine")
    dataset.unpack(folder)
    assert (folder / "mine.txt").read_text() == "mine"
    assert {path: path.stat().st_mtime_ns for path in before if path.is_file()} == {
        path: stamp for path, stamp in before.items() if path.is_file()
    }


def test_missing_and_cut_files_come_back(tmp_path, members):
    folder = dataset.unpack(tmp_path / "demo")
    first, second = sorted(members)[:2]
    (folder / first).unlink()
    (folder / second).write_bytes(b"cut")
    dataset.unpack(folder)
    assert (folder / first).read_bytes() == members[first]
    assert (folder / second).read_bytes() == members[second]


def test_a_crash_leaves_no_half_folder(tmp_path, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        dataset.unpack(tmp_path / "demo")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="cannot be written"):
        dataset.unpack(tmp_path / "file" / "demo")


def test_a_damaged_archive(tmp_path, monkeypatch):
    damaged = bytearray(dataset.ARCHIVE.read_bytes())
    damaged[1000] ^= 0xFF
    (tmp_path / "images.zip").write_bytes(damaged)
    monkeypatch.setattr(dataset, "ARCHIVE", tmp_path / "images.zip")
    with pytest.raises(BadInput, match="install labelloop again"):
        dataset.unpack(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
