"""Imports through the workspace: a person's labels are kept, the same upload comes in once, FiftyOne's own datasets."""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput, NotFound
from core.ingest.readings import Reading
from core.services import mongod
from core.workspace import imports
from tests.core.workspace.dropping import drop

pytestmark = pytest.mark.slow


def ended(workspace, job):
    view = workspace.wait(job, timeout=240)
    assert view.state == "succeeded", f"{view.error} {workspace.log_tail(job)}"
    return workspace.report(job)


def test_labels_that_a_person_gave_outlive_the_import_of_a_grown_folder(workspace, tmp_path, write_shapes):
    folder = write_shapes(tmp_path / "grown", each=4)
    ended(workspace, workspace.start_import(folder, "grown"))
    frame = workspace.samples("grown")
    mine = frame[frame["label"] == "circle"].iloc[0]
    workspace.decide(
        "grown", [Decision(mine["sample_id"], "relabel", "square", "circle", uuid.uuid4().hex)], source="grid"
    )
    write_shapes(folder, each=6, seed=500_000)  # the same names with other contents, and more
    report = ended(workspace, workspace.start_import(folder, "grown"))
    assert (report["changed"], report["added"]) == (12, 6)
    after = workspace.samples("grown").set_index("sample_id")
    assert after.loc[mine["sample_id"], "label"] == "square"
    assert after.loc[frame["sample_id"], "split"].tolist() == frame["split"].tolist()
    (entry,) = workspace.journal("grown")
    assert (entry.old, entry.new) == ("circle", "square")
    report = ended(workspace, workspace.start_import(folder, "grown"))
    assert (report["present"], report["kept"]) == (18, 1)


def test_the_same_pictures_uploaded_twice_come_in_once(workspace, tmp_path, write_shapes):
    folder = write_shapes(tmp_path / "pets", each=3)
    files = {f"pets/{path.relative_to(folder)}": path.read_bytes() for path in sorted(folder.rglob("*.png"))}
    first = ended(workspace, workspace.imports.start_upload(drop(workspace.uploads, files), "uploaded"))
    again = ended(workspace, workspace.imports.start_upload(drop(workspace.uploads, files), "uploaded"))
    assert (first["added"], again["added"], again["present"]) == (9, 0, 9)
    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", tmp_path, "pets")
    batch = drop(workspace.uploads, {"pets.zip": Path(archive).read_bytes()})
    zipped = ended(workspace, workspace.imports.start_upload(batch, "uploaded"))
    assert (zipped["added"], zipped["present"]) == (0, 9)
    frame = workspace.samples("uploaded")
    assert len(frame) == 9
    assert frame["filepath"].str.startswith(str(workspace.paths.uploads)).all()
    assert frame["label"].value_counts().to_dict() == {"circle": 3, "square": 3, "stripes": 3}


def test_archives_that_are_dropped_together_are_previewed_unpacked_and_imported(workspace, tmp_path, write_shapes):
    folder = write_shapes(tmp_path / "pets", each=2)
    files = {"loose.png": min((folder / "circle").iterdir()).read_bytes()}
    for name, form in (("circle", "zip"), ("square", "gztar")):
        made = Path(shutil.make_archive(str(tmp_path / name), form, folder / name))
        files[made.name] = made.read_bytes()
    files["broken.zip"] = b"this is no archive"
    batch = drop(workspace.uploads, files)
    source = workspace.uploads.source(batch)
    found = workspace.imports.preview(source)
    assert found.counts == {"circle": 2, "square": 2, None: 1}
    paths = [file.filepath for file in found.files]
    assert all(one.thumbnail for one in workspace.imports.examples(str(source), paths))
    assert not (source / "circle").exists()
    report = ended(workspace, workspace.imports.start_upload(batch, "together"))
    assert (report["added"], report["present"], report["quarantined"]) == (4, 1, 0)  # the loose one is a copy
    frame = workspace.samples("together")
    assert frame["label"].value_counts().to_dict() == {"circle": 2, "square": 2}
    assert [one["reason"] for one in report["skipped_files"] if one["path"].endswith("broken.zip")]
    kept = Path(frame["source"].iloc[0])
    assert sorted(path.name for path in kept.iterdir() if path.is_file() and path.name[0] != ".") == [
        "broken.zip", "loose.png",
    ]  # fmt: skip


def test_a_large_compressed_tar_is_not_read_for_its_examples(workspace, tmp_path, write_shapes, monkeypatch):
    folder = write_shapes(tmp_path / "large", each=1)
    archive = shutil.make_archive(str(tmp_path / "large"), "gztar", folder)
    first = workspace.imports.preview(archive).files[0].filepath
    (known,) = workspace.imports.examples(archive, [first])
    monkeypatch.setattr(imports, "LARGE", 0)
    monkeypatch.setattr(imports, "listing_of", lambda *_: pytest.fail("the archive was read from its beginning"))
    (left_out,) = workspace.imports.examples(archive, [first])
    assert known.thumbnail
    assert not left_out.thumbnail


def test_archives_of_the_users_own_stay_as_they_are(workspace, tmp_path, write_shapes):
    folder = write_shapes(tmp_path / "mine.zip", each=1)  # a folder that is named as an archive is
    archive = Path(shutil.make_archive(str(tmp_path / "more"), "zip", folder))
    shutil.move(archive, folder / "more.zip")
    report = ended(workspace, workspace.imports.start(folder, "mine"))
    assert (report["added"], report["skipped"]) == (3, 1)
    assert (folder / "more.zip").is_file()
    assert sorted(path.name for path in folder.iterdir()) == ["circle", "more.zip", "square", "stripes"]


@pytest.mark.parametrize("name", ["../out.png", "/etc/passwd.png", "a/../../b.png", "", "evil.exe", "page.html"])
def test_an_upload_is_never_written_outside_or_of_another_kind(workspace, name):
    with pytest.raises(BadInput), workspace.uploads.receive(uuid.uuid4().hex, name, 3):
        pass


def break_off(workspace, batch):
    with workspace.uploads.receive(batch, "1.png", 3) as taken:
        taken.file.write(b"abc")
        raise RuntimeError("the browser went away")


def test_an_upload_that_broke_off_leaves_nothing(workspace):
    batch = uuid.uuid4().hex
    with pytest.raises(RuntimeError):
        break_off(workspace, batch)
    with pytest.raises(NotFound, match="drop the files again"):
        workspace.uploads.source(batch)


FIFTYONE = """
import sys
import fiftyone as fo
dataset = fo.Dataset("theirs", persistent=True)
for number, path in enumerate(sys.argv[1:]):
    sample = fo.Sample(filepath=path, tags=["train" if number % 3 else "test"])
    sample["species"] = fo.Classification(label=path.split("/")[-2])
    sample["guess"] = fo.Classification(label="circle", confidence=0.5)
    dataset.add_sample(sample)
"""


def test_a_dataset_that_fiftyone_made_comes_in_by_its_name(workspace, tmp_path, write_shapes):
    files = sorted(map(str, write_shapes(tmp_path / "theirs", each=3).rglob("*.png")))
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_URI": mongod.running_uri(workspace.paths) or "",
        "FIFTYONE_DATABASE_NAME": mongod.DATABASE,
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DO_NOT_TRACK": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", FIFTYONE, *files], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    preview = workspace.imports.preview("fiftyone:theirs")
    assert (preview.layout, len(preview.files)) == ("FiftyOne dataset", 9)
    assert set(preview.columns) == {"species", "guess"}  # of which a person chooses
    chosen = Reading(label_column="species")
    assert workspace.imports.preview("fiftyone:theirs", chosen).counts == {"circle": 3, "square": 3, "stripes": 3}
    with pytest.raises(NotFound, match="theirs"):
        workspace.imports.preview("fiftyone:nobodys")
    report = ended(workspace, workspace.imports.start("fiftyone:theirs", "ours", reading=chosen))
    assert report["added"] == 9
    frame = workspace.samples("ours")
    assert sorted(frame["filepath"]) == files
    assert (frame["label"] == frame["filepath"].map(lambda path: path.split("/")[-2])).all()
    assert set(frame.loc[frame["split"] == "test", "filepath"]) == set(files[::3])
    assert "theirs" in workspace.names()  # as FiftyOne made it
