import os
import shutil
import sys

import pytest

from core.runs.atomic import write_json
from core.runs.layout import RunPaths
from core.workspace import RunView, Workspace
from core.workspace.imports import Imports
from core.workspace.watches import Watches

REPORT = {
    "files": 12,
    "added": 7,
    "present": 2,
    "changed": 0,
    "duplicate": 2,
    "quarantined": 1,
    "skipped": 0,
    "seconds": 1.5,
    "layout": "class folders",
    "splits": {"train": 5, "test": 2},
    "labels": {"<b>dog": 7},
    "leaks": 0,
    "conflicts": 1,
    "duplicates": [{"path": "/a/1.png", "copy_of": "/a/0.png", "label": "=x", "other_label": "y"}],
    "quarantine": [{"path": "/a/<script>.png", "reason": "the file is empty"}],
    "skipped_files": [],
    "notes": ["One *note*."],
}


def type_folder(app, text):
    app.text_input(key="import.folder").set_value(str(text)).run()
    assert not app.exception
    return app


def errors(app):
    return [error.value.replace("\\", "") for error in app.error]


def a_file(root):
    path = root / "a <b>file.txt"
    path.write_text("x")
    return path


def an_empty_folder(root):
    path = root / "empty"
    path.mkdir()
    return path


def test_it_says_that_files_are_left_alone(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "import_data")
    assert not app.exception
    assert "never moved or changed" in words(app)
    assert "What it can look like" in words(app)


def test_a_folder_is_previewed_and_named(open_page, empty_workspace, images, words):
    app = type_folder(open_page(empty_workspace, "import_data"), f' "{images}" ')
    assert "One folder a class, 3 classes, 60 images" in words(app)
    assert app.text_input(key="import.name").value == "zoo"
    assert len(app.get("plotly_chart")) == 1
    assert [button.label for button in app.button if button.label.startswith("Import ")] == ["Import 60 images"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: root / "missing", "There is no folder"),
        (a_file, "is a file"),
        (an_empty_folder, "There are no images in"),
    ],
    ids=["missing", "a file", "empty"],
)
def test_a_wrong_path_is_one_sentence(open_page, empty_workspace, tmp_path, make, said):
    app = type_folder(open_page(empty_workspace, "import_data"), make(tmp_path))
    assert len(app.error) == 1
    assert said in errors(app)[0]
    assert not [button for button in app.button if button.label.startswith("Import ")]


def test_one_class_is_said_before_importing(open_page, empty_workspace, images, tmp_path, words):
    shutil.copytree(images / "cat", tmp_path / "cat")
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path)
    assert "There is only one class." in words(app)


def test_a_flat_folder_says_that_labels_come_later(open_page, empty_workspace, images, words):
    app = type_folder(open_page(empty_workspace, "import_data"), images / "cat")
    assert "A flat folder without labels, 20 images" in words(app)
    assert "without labels; give them in Review" in words(app)


def test_import_starts_and_clears_the_field(open_page, empty_workspace, images, monkeypatch):
    asked = []
    monkeypatch.setattr(
        Imports, "start", lambda self, source, name, **wishes: asked.append((source, name, wishes["hidden"])) or "job-1"
    )
    app = type_folder(open_page(empty_workspace, "import_data"), images)
    app.text_input(key="import.name").set_value("my zoo").run()
    next(button for button in app.button if button.label == "Import 60 images").click().run()
    assert not app.exception
    assert asked == [(str(images), "my zoo", False)]
    assert app.text_input(key="import.folder").value == ""


@pytest.mark.parametrize("way", ["a folder", "an upload"])
def test_prompts_hidden_in_the_pixels_are_looked_for_where_asked(open_page, empty_workspace, images, monkeypatch, way):
    asked = []
    for name in ("start", "start_upload"):
        monkeypatch.setattr(Imports, name, lambda self, source, name, **wishes: asked.append(wishes) or "job-1")
    app = open_page(empty_workspace, "import_data")
    if way == "a folder":
        type_folder(app, images)
    else:
        batch = "0" * 32
        source = next(images.rglob("*.png"))
        with empty_workspace.uploads.receive(batch, "pets/1.png", source.stat().st_size) as upload:
            upload.file.write(source.read_bytes())
        app.session_state["import.batch"] = batch
        app.run()
        app.text_input(key="import.name").set_value("pets").run()
    app.toggle(key="import.hidden").set_value(True).run()
    next(button for button in app.button if button.label.startswith("Import ")).click().run()
    assert not app.exception
    assert [wishes["hidden"] for wishes in asked] == [True]


def test_more_can_go_into_a_dataset_that_is_there(open_page, trained_workspace, images, monkeypatch, words):
    asked = []
    monkeypatch.setattr(Imports, "start", lambda self, source, name, **wishes: asked.append(name) or "job-1")
    app = type_folder(open_page(trained_workspace, "import_data"), images)  # its name is that of a dataset
    assert app.selectbox(key="import.dataset").value == "zoo"
    app.selectbox(key="import.dataset").select("fresh").run()
    next(button for button in app.button if button.label == "Import 60 images").click().run()
    assert asked == ["fresh"]


def test_the_last_report_is_found_again(open_page, trained_workspace, monkeypatch, words):
    write_json(RunPaths(trained_workspace.paths.jobs / "job-1").report, REPORT)
    write_json(RunPaths(trained_workspace.paths.jobs / "job-1").spec, {"kind": "import", "dataset": "zoo"})
    job = RunView("job-1", "import", "zoo", "succeeded", {}, {}, [], "", 0.0, 2.0)
    monkeypatch.setattr(Workspace, "jobs", lambda self, dataset=None: [job])
    monkeypatch.setattr(Workspace, "run", lambda self, name: job)
    app = open_page(trained_workspace, "import_data")
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric} == {
        "Added": "7",
        "There already": "2",
        "Duplicates": "2",
        "Quarantined": "1",
    }
    assert "12 image files read in 1.5 s · 5 in train; 2 in test" in words(app)
    assert "One *note*." in words(app)
    assert app.dataframe[2].value["File"].tolist() == ["/a/<script>.png"]


def test_a_failed_import_says_why(open_page, trained_workspace, monkeypatch):
    job = RunView("job-2", "import", "zoo", "failed", {}, {}, [], "None of the 3 files could be read.", 0.0, 2.0)
    write_json(RunPaths(trained_workspace.paths.jobs / "job-2").spec, {"kind": "import", "dataset": "zoo"})
    monkeypatch.setattr(Workspace, "jobs", lambda self, dataset=None: [job])
    monkeypatch.setattr(Workspace, "run", lambda self, name: job)
    app = open_page(trained_workspace, "import_data")
    assert not app.exception
    assert errors(app) == ["None of the 3 files could be read."]


def test_a_folder_can_be_read_otherwise(open_page, empty_workspace, images, tmp_path, words):
    for month in ("may", "june"):
        shutil.copytree(images, tmp_path / "trip" / month)
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path / "trip")
    assert "One folder a class, 2 classes, 120 images" in words(app)
    layout = next(box for box in app.selectbox if box.label == "Read it as")
    layout.select("nested folders").run()
    level = next(box for box in app.selectbox if box.label.startswith("The class is"))
    assert level.options == ["Level 1: june, may", "Level 2: <b>dog, =bird, cat"]
    level.select(2).run()
    assert not app.exception
    assert "Nested folders, the class at level 2, 3 classes, 120 images" in words(app)
    asked = next(box for box in app.selectbox if box.label == "Read it as")
    asked.select("flat folder").run()
    assert "A flat folder without labels, 120 images" in words(app)


def test_a_tables_column_can_be_chosen(open_page, empty_workspace, images, tmp_path, words):
    shutil.copytree(images / "cat", tmp_path / "cats")
    lines = ["file_name,mood,colour", *(f"{path.name},good,red" for path in sorted((tmp_path / "cats").iterdir()))]
    (tmp_path / "cats" / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path / "cats")
    assert "A flat folder without labels" in words(app)
    next(box for box in app.selectbox if box.label == "Read it as").select("table").run()
    next(box for box in app.selectbox if box.label == "Column of labels").select("mood").run()
    assert not app.exception
    assert "A table of paths and labels, 1 class, 20 images" in words(app)
    assert "Labels come from the column mood." in words(app)


def test_the_column_of_file_names_and_the_table_can_be_chosen(open_page, empty_workspace, images, tmp_path, words):
    shutil.copytree(images / "cat", tmp_path / "cats")
    stems = [path.stem for path in sorted((tmp_path / "cats").iterdir())]
    for name, mood in (("one", "good"), ("two", "bad")):
        lines = ["photo,mood", *(f"{stem},{mood}" for stem in stems)]
        (tmp_path / "cats" / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path / "cats" / "one.csv")
    assert "choose one of its: photo, mood." in errors(app)[0]
    next(box for box in app.selectbox if box.label == "Column of file names").select("photo").run()
    next(box for box in app.selectbox if box.label == "Column of labels").select("mood").run()
    assert not app.exception
    assert "A table of paths and labels, 1 class, 20 images" in words(app)
    (tmp_path / "cats" / "two.csv").write_text(
        "\n".join(["file_name,label", *(f"{stem}.png,{stem[-1]}" for stem in stems)]), encoding="utf-8"
    )
    (tmp_path / "cats" / "three.csv").write_text("file_name,label\n" + f"{stems[0]}.png,x\n" * 2, encoding="utf-8")
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path / "cats")
    next(box for box in app.selectbox if box.label == "Table").select("two.csv").run()
    assert not app.exception
    assert "A table of paths and labels" in words(app)


def test_an_archive_is_previewed_without_being_unpacked(open_page, empty_workspace, images, tmp_path, words):
    shutil.make_archive(str(tmp_path / "pets"), "zip", images)
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path / "pets.zip")
    assert "One folder a class, 3 classes, 60 images" in words(app)
    assert app.text_input(key="import.name").value == "pets"
    strip = next(element.proto.body for element in app.get("html") if "<div class='ll-thumbs'" in element.proto.body)
    assert strip.count("<figure") == 12
    assert not list(empty_workspace.paths.uploads.glob("pets*"))


def test_a_folder_can_be_watched(open_page, trained_workspace, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(Watches, "start", lambda self, folder, name, run: asked.append((folder, name, run)))
    app = open_page(trained_workspace, "import_data")
    app.text_input(key="import.watch-folder").set_value(str(tmp_path)).run()
    app.selectbox(key="import.watch-dataset").select("zoo").run()
    app.selectbox(key="import.watch-run").select("run-1").run()
    next(button for button in app.button if button.label == "Watch").click().run()
    assert not app.exception
    assert asked == [(str(tmp_path), "zoo", "run-1")]
    assert app.text_input(key="import.watch-folder").value == ""


def test_a_folder_that_cannot_be_watched_is_one_sentence(open_page, trained_workspace):
    app = open_page(trained_workspace, "import_data")
    app.text_input(key="import.watch-folder").set_value("/no/such/folder").run()
    app.selectbox(key="import.watch-dataset").select("zoo").run()
    next(button for button in app.button if button.label == "Watch").click().run()
    assert errors(app) == ["There is no folder '/no/such/folder'; check the spelling, or paste its full path."]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux file systems take such names")
def test_names_that_are_no_text_and_names_that_are_markup(open_page, empty_workspace, images, tmp_path, words):
    for name in (b"caf\xe9", b"<script>alert(1)</script>".replace(b"/", b"|"), "кот 猫\n[x](http:⁄⁄y)".encode()):
        shutil.copytree(os.fsencode(images / "cat"), os.fsencode(tmp_path) + b"/" + name)
    app = type_folder(open_page(empty_workspace, "import_data"), tmp_path)
    assert "One folder a class, 2 classes, 40 images" in words(app)
    assert [box.label for box in app.expander] == ["20 files will be skipped", "More", "Watch a folder"]
    strip = next(element.proto.body for element in app.get("html") if "<div class='ll-thumbs'" in element.proto.body)
    assert "<script" not in strip
    assert strip.count("<figure") == 12
