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

pytestmark = pytest.mark.slow


def ended(workspace, job):
    view = workspace.wait(job, timeout=240)
    assert view.state == "succeeded", f"{view.error} {workspace.log_tail(job)}"
    return workspace.report(job)


def upload(workspace, files):
    """A batch of ``files`` (name -> path), as the browser's drop zone sends them."""
    batch = uuid.uuid4().hex
    for name, path in files.items():
        data = path.read_bytes()
        with workspace.uploads.receive(batch, name, len(data)) as taken:
            taken.file.write(data)
    return batch


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
    files = {f"pets/{path.relative_to(folder)}": path for path in sorted(folder.rglob("*.png"))}
    first = ended(workspace, workspace.imports.start_upload(upload(workspace, files), "uploaded"))
    again = ended(workspace, workspace.imports.start_upload(upload(workspace, files), "uploaded"))
    assert (first["added"], again["added"], again["present"]) == (9, 0, 9)
    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", tmp_path, "pets")
    zipped = ended(
        workspace,
        workspace.imports.start_upload(upload(workspace, {"pets.zip": Path(archive)}), "uploaded"),
    )
    assert (zipped["added"], zipped["present"]) == (0, 9)
    frame = workspace.samples("uploaded")
    assert len(frame) == 9
    assert frame["filepath"].str.startswith(str(workspace.paths.uploads)).all()
    assert frame["label"].value_counts().to_dict() == {"circle": 3, "square": 3, "stripes": 3}


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
