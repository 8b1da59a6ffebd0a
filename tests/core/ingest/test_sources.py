"""What a source is recognised as: archives, tables, FiftyOne datasets, nested folders; and what hostile ones get."""

import io
import json
import os
import struct
import subprocess
import tarfile
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.domain.errors import BadInput
from core.ingest import archives
from core.ingest.archives import unpack
from core.ingest.readings import Reading, layout_named
from core.ingest.sources import recognise


@pytest.fixture
def look(tmp_path):
    def run(source, **reading):
        return recognise(source, Reading(**reading), uploads=tmp_path / "uploads")

    return run


@pytest.fixture
def tree(tmp_path):
    def make(*names, root="images"):
        for name in names:
            path = tmp_path / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / root

    return make


def said(preview):
    return {os.path.relpath(f.filepath, preview.root): (f.label, f.split) for f in preview.files}


def why(preview):
    return {os.path.basename(name): reason for name, reason in preview.skipped}


# folders


def test_any_level_can_be_the_class(look, tree):
    root = tree("2024/may/cats/1.jpg", "2024/may/dogs/2.jpg", "2025/june/cats/3.jpg", "stray.jpg")
    assert look(root).classes == ("2024", "2025")
    third = look(root, class_level=3)
    assert third.classes == ("cats", "dogs")
    assert said(third)["stray.jpg"] == (None, None)
    assert third.sentence == "Nested folders, the class at level 3, 2 classes, 4 images"
    assert look(root, class_level=-1).classes == ("cats", "dogs")
    assert [(level.number, level.count) for level in look(root).levels] == [(1, 2), (2, 2), (3, 2)]
    with pytest.raises(BadInput, match="deepest level here is 3"):
        look(root, class_level=4)


def test_splits_inside_class_folders(look, tree):
    found = look(tree("cats/train/1.jpg", "cats/test/2.jpg", "dogs/train/3.jpg"))
    assert said(found) == {
        "cats/train/1.jpg": ("cats", "train"),
        "cats/test/2.jpg": ("cats", "test"),
        "dogs/train/3.jpg": ("dogs", "train"),
    }


def test_classes_in_file_names(look, tree):
    found = look(tree("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "17.jpg"), layout="file names")
    assert said(found) == {
        "cat.0.jpg": ("cat", None), "cat.1.jpg": ("cat", None), "dog.0.jpg": ("dog", None), "17.jpg": (None, None),
    }  # fmt: skip
    assert "file names" in look(tree()).layouts


def test_an_empty_class_folder_is_a_class_and_told(look, tree, tmp_path):
    root = tree("cats/1.jpg", "dogs/2.jpg")
    (root / "birds").mkdir()
    found = look(root)
    assert found.classes == ("birds", "cats", "dogs")
    assert found.counts["birds"] == 0
    assert found.notes == ("1 class folder is empty: 'birds'.",)


def test_a_generators_output_folder_is_no_set_of_classes(look, tree):
    found = look(tree("txt2img-images/2026-11-22/00000-1.png", "txt2img-grids/2026-11-22/grid-0000-1.png"))
    assert (found.layout, found.classes, found.tool) == ("flat folder", (), "AUTOMATIC1111")
    assert "grid" in why(found)["grid-0000-1.png"]


def test_deep_folders_do_not_end_the_walk(look, tmp_path):
    root = deep = tmp_path / "deep"
    for _ in range(1200):
        deep = deep / "d"
    here = os.getcwd()
    root.mkdir()
    try:
        os.chdir(root)
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    (root / "1.jpg").touch()
    try:
        assert len(look(root).files) == 1
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)  # shutil's own way down is not as deep


@pytest.mark.parametrize(
    ("text", "layout"),
    [("auto", None), ("class-folders", "class folders"), ("flat", "flat folder"), ("TABLE", "table")],
)
def test_layouts_by_name(text, layout):
    assert layout_named(text) == layout
    with pytest.raises(BadInput, match="choose one of: auto, class-folders"):
        layout_named("diagonal")


# tables


CSV = {
    "commas": (b"file_name,label\n1.jpg,cat\nsub/2.jpg,dog\n", {}),
    "semicolons and another order": (b"breed;path\ncat;1.jpg\ndog;sub/2.jpg\n", {"label_column": "breed"}),
    "no header": (b"1.jpg,cat\nsub/2.jpg,dog\n", {}),
    "names without ending or folder": (b"id,label\n1,cat\n2,dog\n", {}),
    "UTF-16": ("filename,label\n1.jpg,cat\nsub/2.jpg,dog\n".encode("utf-16"), {}),
    "a mark and Windows lines": (b"\xef\xbb\xbffile,class\r\n1.jpg,cat\r\nsub\\2.jpg,dog\r\n", {}),
}


@pytest.mark.parametrize("kind", CSV)
def test_csv(look, tree, kind):
    data, reading = CSV[kind]
    root = tree("1.jpg", "sub/2.jpg")
    (root / "labels.csv").write_bytes(data)
    for source in (root, root / "labels.csv"):
        found = look(source, **reading)
        assert found.layout == "table"
        assert {label for label, _ in said(found).values()} == {"cat", "dog"}
        assert said(found)["1.jpg"][0] == "cat"


def test_json_lines_with_bad_lines(look, tree):
    root = tree("train/1.jpg", "train/2.jpg", "test/3.jpg", "test/4.jpg")
    (root / "train" / "metadata.jsonl").write_text(
        '{"file_name": "1.jpg", "label": "cat"}\nnot json\n{"file_name": "2.jpg", "label": 7}\n[1]\n'
    )
    (root / "test" / "metadata.jsonl").write_text(
        '{"file_name": "3.jpg", "label": "cat"}\n{"file_name": "3.jpg", "label": "dog"}\n{"file_name": "no.jpg"}\n'
    )
    found = look(root)
    assert said(found) == {
        "train/1.jpg": ("cat", "train"), "train/2.jpg": ("7", "train"),
        "test/3.jpg": ("cat", "test"), "test/4.jpg": (None, "test"),
    }  # fmt: skip
    assert sorted(reason.split(";")[0] for _, reason in found.skipped) == [
        "it is not a JSON object", "it is not a JSON object", "named a second time in the table, then as 'dog'",
        "named in the table, but there is no such image",
    ]  # fmt: skip
    assert "1 images are not named" in found.notes[0]
    assert look(root, folders=True).layout == "split folders"


def test_parquet_with_the_class_names_of_hugging_face(look, tree):
    root = tree("1.jpg", "2.jpg")
    table = pa.Table.from_pandas(pd.DataFrame({"file_name": ["1.jpg", "2.jpg"], "label": [1, 0]}), preserve_index=False)
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), root / "metadata.parquet")
    assert said(look(root)) == {"1.jpg": ("dog", None), "2.jpg": ("cat", None)}
    (root / "metadata.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(BadInput, match="cannot be read"):
        look(root / "metadata.parquet")


def test_captions_are_no_labels(look, tree):
    root = tree("cats/1.jpg", "dogs/2.jpg")
    (root / "metadata.csv").write_text("file_name,text\ncats/1.jpg,a cat\ndogs/2.jpg,a dog\n")
    assert look(root).layout == "class folders"
    assert look(root, layout="table", label_column="text").classes == ("a cat", "a dog")
    with pytest.raises(BadInput, match="no column 'colour'"):
        look(root, layout="table", label_column="colour")


def test_a_tables_paths_do_not_lead_out_of_an_archive(look, tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as file:
        for name in ("1.jpg", "2.jpg", "3.jpg"):
            file.writestr(name, b"x")
        file.writestr(
            "labels.csv", "path,label\n1.jpg,cat\n2.jpg,cat\n3.jpg,cat\n../../etc/x.jpg,dog\n/etc/y.jpg,dog\n"
        )
    found = look(tmp_path / "t.zip")
    assert [label for label, _ in said(found).values()] == ["cat"] * 3
    assert len(found.skipped) == 2


# FiftyOne


def test_datasets_that_fiftyone_exported(look, tree):
    root = tree("data/1.jpg", "data/2.jpg", root="whole")
    samples = [
        {"filepath": "data/1.jpg", "tags": ["train"], "ground_truth": {"_cls": "Classification", "label": "cat"}},
        {"filepath": "data/2.jpg", "tags": [], "ground_truth": None},
    ]
    (root / "samples.json").write_text(json.dumps({"samples": samples}))
    (root / "metadata.json").write_text("{}")
    found = look(root)
    assert (found.layout, said(found)) == (
        "FiftyOne dataset", {"data/1.jpg": ("cat", "train"), "data/2.jpg": (None, None)},
    )  # fmt: skip
    root = tree("data/1.jpg", "data/2.jpg", root="labels")
    (root / "labels.json").write_text(json.dumps({"classes": ["cat", "dog"], "labels": {"1": 1, "2": "bird"}}))
    assert {label for label, _ in said(look(root)).values()} == {"dog", "bird"}


# archives


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_a_zip_and_a_tar_are_read_as_the_folders_in_them(look, tmp_path, picture):
    for number, label in enumerate(("cats", "dogs")):
        picture(tmp_path / "pets" / "data" / label / "1.png", seed=number)
    _zip(
        tmp_path / "a.zip",
        {f"pets/{n}/1.png": (tmp_path / f"pets/data/{n}/1.png").read_bytes() for n in ("cats", "dogs")},
    )
    for ending in ("tar", "tar.gz", "tar.bz2", "tar.xz"):
        mode = "w:" + ending.partition(".")[2]
        with tarfile.open(tmp_path / f"a.{ending}", mode) as file:
            file.add(tmp_path / "pets", "pets")
    for ending in ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz"):
        found = look(tmp_path / f"a.{ending}")
        assert (found.layout, found.classes) == ("class folders", ("cats", "dogs")), ending
        assert not found.root.exists()
        assert unpack(tmp_path / f"a.{ending}", found.root, progress=lambda done, total: None) == []
        assert all(
            file.path.read_bytes() == (tmp_path / "pets" / "data" / file.label / "1.png").read_bytes()
            for file in found.files
        )


def test_unpacking_again_writes_only_what_changed(look, tmp_path):
    archive = _zip(tmp_path / "a.zip", {"1.jpg": b"one", "2.jpg": b"two"})
    root = look(archive).root
    unpack(archive, root, progress=lambda done, total: None)
    before = {path.name: path.stat().st_mtime_ns for path in root.glob("*.jpg")}
    _zip(tmp_path / "a.zip", {"1.jpg": b"one", "2.jpg": b"TWO", "3.jpg": b"three"})
    written = []
    unpack(archive, root, progress=lambda done, total: written.append((done, total)))
    assert written == [(1, 2), (2, 2)]
    assert (root / "1.jpg").stat().st_mtime_ns == before["1.jpg"]
    assert (root / "2.jpg").read_bytes() == b"TWO"


def test_unpacking_that_was_stopped_goes_on(look, tmp_path):
    class Stop(Exception):
        pass

    archive = _zip(tmp_path / "a.zip", {f"{n}.jpg": b"x" * n for n in range(1, 9)})
    root = look(archive).root

    def stop(done, total):
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        unpack(archive, root, progress=stop)
    left = []
    unpack(archive, root, progress=lambda done, total: left.append(total))
    assert left == [5] * 5
    assert sorted(path.stat().st_size for path in root.glob("*.jpg")) == list(range(1, 9))
    assert not list(root.glob(".*.part"))


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/abs.jpg", "a/../../out.jpg", "C:\\out.jpg", "..\\out.jpg", "\\\\host\\out.jpg"]
)
def test_names_that_lead_out_are_skipped(look, tmp_path, name):
    archive = _zip(tmp_path / "a.zip", {"in.jpg": b"x"})
    with zipfile.ZipFile(archive, "a") as file:
        info = zipfile.ZipInfo("x")
        info.filename = name
        file.writestr(info, b"x")
    found = look(archive)
    assert list(said(found)) == ["in.jpg"]
    assert [reason for _, reason in found.skipped] == ["its name leads out of the archive"]
    unpack(archive, found.root, progress=lambda done, total: None)
    assert sorted(path.name for path in tmp_path.rglob("*.jpg")) == ["in.jpg"]


def test_links_and_devices_in_archives_are_skipped(look, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, kind, target in (
            ("link.jpg", tarfile.SYMTYPE, "/etc/passwd"), ("hard.jpg", tarfile.LNKTYPE, "link.jpg"),
            ("pipe.jpg", tarfile.FIFOTYPE, ""), ("disk.jpg", tarfile.BLKTYPE, ""),
        ):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            file.addfile(info)
        info = tarfile.TarInfo("good.jpg")
        info.size = 3
        file.addfile(info, io.BytesIO(b"abc"))
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo("link.jpg")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
        file.writestr("good.jpg", b"abc")
    for source in (tmp_path / "a.tar", archive):
        found = look(source)
        assert list(said(found)) == ["good.jpg"]
        assert set(why(found).values()) <= {"a link", "not a regular file"}
        unpack(source, found.root, progress=lambda done, total: None)
        assert [path.name for path in found.root.iterdir() if path.suffix == ".jpg"] == ["good.jpg"]


def test_bombs_are_refused_before_anything_is_written(look, tmp_path, monkeypatch):
    _zip(tmp_path / "one.zip", {"bomb.jpg": bytes(60 * 2**20), "good.jpg": os.urandom(1000)})
    assert list(said(look(tmp_path / "one.zip"))) == ["good.jpg"]
    monkeypatch.setattr(archives, "FREE_RATIO", 2**20)
    _zip(tmp_path / "many.zip", {f"{n}.jpg": bytes(900_000) for n in range(20)})
    with tarfile.open(tmp_path / "many.tar.gz", "w:gz") as file:
        for n in range(20):
            info = tarfile.TarInfo(f"{n}.jpg")
            info.size = 900_000
            file.addfile(info, io.BytesIO(bytes(900_000)))
    for name in ("many.zip", "many.tar.gz"):
        with pytest.raises(BadInput, match="bomb"):
            look(tmp_path / name)
    assert not (tmp_path / "uploads").exists()


def test_a_million_entries_are_refused_by_the_directory_alone(look, tmp_path, monkeypatch):
    archive = _zip(tmp_path / "a.zip", {"1.jpg": b"x"})
    data = bytearray(archive.read_bytes())
    place = data.rfind(b"PK\x05\x06")
    data[place + 10 : place + 16] = struct.pack("<HI", 0xFFFF - 1, 2**31)
    (tmp_path / "claims.zip").write_bytes(data)
    with pytest.raises(BadInput, match="more than 500,000 files"):
        look(tmp_path / "claims.zip")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    with pytest.raises(BadInput, match="more than 5 files"):
        look(_zip(tmp_path / "six.zip", {f"{n}.jpg": b"" for n in range(6)}))


def test_a_member_that_is_damaged_or_locked_is_one_line(look, tmp_path):
    archive = _zip(tmp_path / "a.zip", {"1.jpg": os.urandom(5000), "2.jpg": os.urandom(5000)})
    data = bytearray(archive.read_bytes())
    data[200:220] = bytes(20)
    archive.write_bytes(data)
    found = look(archive)
    problems = unpack(archive, found.root, progress=lambda done, total: None)
    assert [name.rpartition(" ")[2] for name, _ in problems] == ["1.jpg"]
    assert [path.name for path in found.root.glob("*.jpg")] == ["2.jpg"]
    data = bytearray(_zip(tmp_path / "b.zip", {"1.jpg": b"x", "2.jpg": b"y"}).read_bytes())
    place = data.find(b"PK\x01\x02")
    data[place + 8] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    assert why(look(tmp_path / "b.zip")) == {"b.zip: 1.jpg": "it is locked with a password"}


@pytest.mark.parametrize("name", ["no.zip", "no.tar", "no.tar.gz", "no.tar.xz"])
def test_what_is_no_archive_is_one_sentence(look, tmp_path, name):
    (tmp_path / name).write_bytes(b"this is no archive" * 100)
    with pytest.raises(BadInput, match="no archive|cannot be read|no images"):
        look(tmp_path / name)


class _Plain(zipfile.ZipInfo):
    """A member whose name is bytes without the UTF-8 flag, as older tools write them."""

    def __init__(self, raw):
        super().__init__(raw.decode("cp437"))
        self._raw = raw

    def _encodeFilenameFlags(self):
        return self._raw, 0


def test_names_in_other_encodings(look, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for raw in ("кошка/1.jpg".encode(), b"caf\xe9/2.jpg"):
            file.writestr(_Plain(raw), b"x")
        file.writestr("n" * 250 + ".jpg", b"x")
    found = look(tmp_path / "a.zip")
    assert "кошка" in found.classes
    assert unpack(tmp_path / "a.zip", found.root, progress=lambda done, total: None) == []
    assert all(file.path.is_file() for file in found.files)
    assert len(found.files) == 3
