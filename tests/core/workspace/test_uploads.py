"""What an upload takes, by names, and what of it is imported."""

import io
import os
import tarfile
import zipfile

import pytest

from core.domain.errors import BadInput
from core.ingest.sources import recognise
from core.ingest.uploaded import unpack_upload
from core.runs.layout import WorkspacePaths
from core.workspace.uploads import Uploads, limit_of, named, taken
from tests.core.workspace.dropping import drop


@pytest.fixture
def uploads(tmp_path):
    return Uploads(WorkspacePaths(tmp_path / "workspace"))


def test_the_log_of_fooocus_is_taken_and_no_other_page(uploads):
    day = "outputs/2026-11-22"
    batch = drop(uploads, {f"{day}/2026-11-22_10-00-00_0001.png": b"x", f"{day}/log.html": b"y"})
    assert (uploads.source(batch) / day / "log.html").read_bytes() == b"y"
    assert named() == ["log.html"]
    assert ".html" not in taken()
    assert (limit_of("catalog.html"), limit_of("log.html")) == (0, 64 * 2**20)
    with pytest.raises(BadInput, match="not an image"):
        drop(uploads, {f"{day}/page.html": b"y"})


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def tarred(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(uploads, source):
    found = recognise(source, uploads=uploads._folder)
    return found, {os.path.relpath(file.filepath, source): file.label for file in found.files}


MIXED = {
    "cats.zip": zipped({"1.png": b"a", "2.png": b"b", "../out.png": b"x", "inner.zip": zipped({"3.png": b"c"})}),
    "dogs.tar.gz": tarred({"1.png": b"d"}),
    "dogs/own.png": b"e",
    "loose.png": b"f",
    "broken.zip": b"this is no archive",
}


def test_archives_that_are_dropped_together_come_in_each_as_a_folder(uploads):
    source = uploads.source(drop(uploads, MIXED))
    found, before = read(uploads, source)
    expected = {
        "cats/1.png": "cats",
        "cats/2.png": "cats",
        "dogs (tar.gz)/1.png": "dogs (tar.gz)",
        "dogs/own.png": "dogs",
    }
    assert before == {**expected, "loose.png": None}
    told = {os.path.basename(name.split(": ")[-1]).strip("'"): why for name, why in found.skipped}
    assert set(told) == {"out.png", "inner.zip", "broken.zip"}
    assert "leads out" in told["out.png"]
    assert told["inner.zip"] == "an archive; import it by itself, or unpack it first"
    assert "no archive that can be read" in told["broken.zip"]
    problems = unpack_upload(source, progress=lambda done, total: None)
    assert {why for _, why in problems} == {told["out.png"], told["inner.zip"]}
    after, files = read(uploads, source)
    assert files == before
    assert [os.path.basename(name) for name, _ in after.skipped] == ["broken.zip"]
    assert (source / "dogs (tar.gz)" / "1.png").read_bytes() == b"d"
    assert (source / "dogs" / "own.png").read_bytes() == b"e"
    assert sorted(path.name for path in source.rglob("*.zip")) == ["broken.zip"]


@pytest.mark.parametrize("steps", range(4))
def test_unpacking_that_was_stopped_goes_on_into_the_same_folders(uploads, steps):
    class Stop(Exception):
        pass

    left = [steps]

    def stop(_done, _total):
        left[0] -= 1
        if left[0] < 0:
            raise Stop

    batch = {"a.tar.gz": tarred({"1.png": b"a", "2.png": b"b"}), "a.zip": zipped({"1.png": b"c", "2.png": b"d"})}
    source = uploads.source(drop(uploads, batch))
    _, before = read(uploads, source)
    with pytest.raises(Stop):
        unpack_upload(source, progress=stop)
    assert read(uploads, source)[1] == before
    unpack_upload(source, progress=lambda done, total: None)
    assert read(uploads, source)[1] == before
    assert [(source / name).read_bytes() for name in sorted(before)] == [b"c", b"d", b"a", b"b"]


def test_a_lone_archive_or_table_is_the_source_itself(uploads, tmp_path):
    batch = drop(uploads, {"pets.zip": MIXED["cats.zip"]})
    assert uploads.source(batch).name == "pets.zip"
    (tmp_path / "1.png").touch()
    for text, expected in ((f"file_name,label\n{tmp_path}/1.png,cat\n", "cat"), ("file_name,label\n1.png,cat\n", None)):
        source = uploads.source(drop(uploads, {"labels.csv": text.encode()}))
        assert source.name == "labels.csv"
        if expected:
            assert [file.label for file in recognise(source, uploads=uploads._folder).files] == [expected]
        else:
            with pytest.raises(BadInput, match="No image that the table 'labels.csv' names is there"):
                recognise(source, uploads=uploads._folder)


def test_archives_in_a_folder_on_this_computer_are_told(uploads, tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "1.png").touch()
    (tmp_path / "pets" / "more.zip").write_bytes(MIXED["cats.zip"])
    found, files = read(uploads, tmp_path / "pets")
    assert files == {"1.png": None}
    assert [why for _, why in found.skipped] == ["an archive; import it by itself, or unpack it first"]
