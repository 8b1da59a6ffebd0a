"""What a source is recognised as: archives, tables, FiftyOne datasets, nested folders; and what hostile ones get."""

import io
import json
import os
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
import zlib
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.domain.errors import BadInput
from core.generators import read_image
from core.ingest import archives
from core.ingest.archives import unpack
from core.ingest.readings import Reading, layout_named
from core.ingest.sources import recognise
from core.ingest.tables import NoPathColumn


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


UUIDS = [f"0a1b2c3d-0000-1111-2222-33334444555{n}" for n in range(3)]


@pytest.mark.parametrize(("tool", "root", "images", "others"), [
    ("InvokeAI", "images", [f"{one}.png" for one in UUIDS], [f"thumbnails/{one}.webp" for one in UUIDS]),
    ("SD.Next", "outputs", ["text/00001-sdxl-dog.jpg", "image/00002-sdxl-cat.jpg"], ["grids/00003-sdxl-grid.jpg"]),
    ("ComfyUI", "ComfyUI", ["output/ComfyUI_00001_.png"], ["input/example.png"]),
    ("SwarmUI", "raw", ["2026-11-22/1030001-dog-sdxl.png", "2026-11-23/1030001-cat-sdxl.png"], []),
])  # fmt: skip
def test_what_lies_beside_a_generators_images_is_skipped_and_told(look, tree, tool, root, images, others):
    found = look(tree(*images, *others, root=root))
    assert (found.tool, found.layout, found.classes) == (tool, "flat folder", ())
    assert sorted(said(found)) == sorted(images)
    assert sorted(why(found)) == sorted(os.path.basename(name) for name in others)


def test_what_lies_beside_an_image_and_says_something_of_it_is_not_told_as_skipped(look, tree):
    made = "2026-11-22_10-00-00_0001.png"
    found = look(tree(
        "1.png", "1.txt", "1.swarm.json", "2.swarm.json", "catalog.html", "log.html", f"day/{made}", "day/log.html",
    ))  # fmt: skip
    assert sorted(os.path.relpath(name, found.root) for name, _ in found.skipped) == [
        "2.swarm.json", "catalog.html", "log.html",
    ]  # fmt: skip


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
    "an unusual name of the column of files": (b"photo_file,label\n1.jpg,cat\nsub/2.jpg,dog\n", {}),
    "a usual name for something else": (b"id,picture,label\n7,1.jpg,cat\n8,sub/2.jpg,dog\n", {}),
    "columns that were chosen": (
        b"n,was,label\n1,1.jpg,cat\n2,sub/2.jpg,dog\n",
        {"path_column": "n", "label_column": "label"},
    ),
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


def test_spaces_around_a_path_are_the_files_or_the_tables(look, tree):
    root = tree(" 1.jpg", "2.jpg")
    (root / "labels.csv").write_text("file_name,label\n 1.jpg,cat\n 2.jpg ,dog\n")
    for source in (root, root / "labels.csv"):
        assert {name: label for name, (label, _) in said(look(source)).items()} == {" 1.jpg": "cat", "2.jpg": "dog"}


def test_a_table_whose_columns_say_nothing_names_them_for_a_choice(look, tree):
    root = tree("1.jpg", "2.jpg")
    (root / "x.csv").write_text("photo,kind\n1,cat\n2,dog\n")
    with pytest.raises(NoPathColumn, match="choose one of its: photo, kind") as raised:
        look(root / "x.csv")
    assert raised.value.columns == ("photo", "kind")
    assert look(root).layout == "flat folder"
    with pytest.raises(NoPathColumn):
        look(root, layout="table")
    for source in (root, root / "x.csv"):
        found = look(source, layout="table", path_column="photo", label_column="kind")
        assert {label for label, _ in said(found).values()} == {"cat", "dog"}
        assert (found.path_column, found.label_column, found.columns) == ("photo", "kind", ("photo", "kind"))


def test_one_of_several_tables_can_be_chosen(look, tree):
    root = tree("1.jpg", "2.jpg")
    (root / "a.csv").write_text("file_name,label\n1.jpg,cat\n2.jpg,dog\n")
    (root / "b.csv").write_text("file_name,label\n1.jpg,old\n2.jpg,young\n")
    found = look(root)
    assert (found.table, found.tables, found.classes) == ("a.csv", ("a.csv", "b.csv"), ("cat", "dog"))
    assert look(root, layout="table", table="b.csv").classes == ("old", "young")


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


def _repeated(values, times):
    """A small Parquet table that stands for ``times`` rows: its columns' one value comes again."""
    columns = {
        name: pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), times), pa.array([value]))
        for name, value in values.items()
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


@pytest.mark.parametrize(("values", "times", "sentence"), [
    ({"file_name": "1.jpg", "label": "cat"}, 5_000_001, "more than 5,000,000 rows"),
    ({"file_name": "1.jpg", "label": "c" * 2_000_000}, 20_000, "more than a gigabyte of text"),
])  # fmt: skip
def test_a_parquet_bomb_is_refused_before_its_rows_are_made(look, tree, values, times, sentence):
    root = tree("1.jpg")
    (root / "bomb.parquet").write_bytes(_repeated(values, times))
    assert (root / "bomb.parquet").stat().st_size < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=sentence):
            look(root / "bomb.parquet")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_table_that_is_too_large_is_not_read_to_find_out(look, tree):
    root = tree("1.jpg")
    with open(root / "labels.csv", "wb") as file:
        file.truncate(2**30 + 1)  # takes no room on the disk, and none in memory
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="larger than a gigabyte"):
            look(root / "labels.csv")
        assert look(root).layout == "flat folder"
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


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


def test_the_log_of_fooocus_comes_out_of_an_archive_and_no_other_page_does(look, tmp_path, picture):
    name = "2026-11-22_10-00-00_0001.png"
    meta = quote(json.dumps({"Prompt": "a fox", "Seed": "9", "Base Model": "jugger"}), safe="")
    log = f'<div class="image-container"><a href="{name}"><img></a><button onclick="to_clipboard(\'{meta}\')">'
    members = {f"out/2026-11-22/{name}": picture(tmp_path / name, seed=1).read_bytes(), "out/2026-11-22/log.html": log}
    archive = _zip(tmp_path / "a.zip", {**members, "out/log.html": "a page", "out/2026-11-22/page.html": "a page"})
    found = look(archive)
    unpack(archive, found.root, progress=lambda done, total: None)
    (file,) = found.files
    made = read_image(file.path.read_bytes(), file.path)
    assert (made.tool, made.prompt, made.seed) == ("Fooocus", "a fox", "9")
    assert [os.path.relpath(path, found.root) for path in found.root.rglob("*.html")] == ["out/2026-11-22/log.html"]
    assert sorted(why(found)) == ["log.html", "page.html"]


def test_folders_that_programs_keep_for_themselves_are_told_once_and_no_classes(look, tmp_path):
    names = ["cats/1.jpg", "dogs/1.jpg", "cats/Thumbs.db", "cats/.hidden.jpg"]
    names += [f"cats/{folder}/{n}.jpg" for folder in ("@eaDir", "__MACOSX", ".git") for n in range(3)]
    found = look(_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x")))
    assert sorted(said(found)) == ["cats/1.jpg", "dogs/1.jpg"]
    assert sorted(name.rpartition("/")[2] for name, _ in found.skipped) == [".git", "@eaDir", "__MACOSX"]


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


@pytest.mark.parametrize("checksum", ["of all", "of what it declares"])
def test_a_member_that_is_larger_than_it_says_never_comes_out_larger(look, tmp_path, checksum):
    whole, said_size = bytes(20 * 2**20), 100
    archive = _zip(tmp_path / "a.zip", {"1.jpg": whole, "2.jpg": b"good"})
    data = bytearray(archive.read_bytes())
    for mark, crc_at, size_at in ((b"PK\x03\x04", 14, 22), (b"PK\x01\x02", 16, 24)):
        place = data.find(mark)
        data[place + size_at : place + size_at + 4] = struct.pack("<I", said_size)
        if checksum == "of what it declares":
            data[place + crc_at : place + crc_at + 4] = struct.pack("<I", zlib.crc32(whole[:said_size]))
    archive.write_bytes(data)
    found = look(archive)
    problems = unpack(archive, found.root, progress=lambda done, total: None)
    out = {path.name: path.stat().st_size for path in found.root.rglob("*.jpg")}
    if checksum == "of all":
        assert ([name.rpartition(" ")[2] for name, _ in problems], out) == (["1.jpg"], {"2.jpg": 4})
    else:
        assert (problems, out) == ([], {"1.jpg": said_size, "2.jpg": 4})
    assert not [path for path in found.root.rglob(".*") if path.name.endswith(".part")]


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
