import json
import shutil
from functools import partial

from filelock import FileLock

from core.domain.runs import TrainOptions
from core.jobs import folders
from core.workspace import Workspace
from dashboard.widgets import export
from tests.imports import bring_in
from tests.pages.conftest import add_run

FIRST = {"kind": "train", "dataset": "fresh", "options": {"model": "instant"}, "created_at": 0.0}


def test_an_empty_workspace_shows_its_doors(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "home")
    assert not app.exception
    assert "Import a folder" in words(app)
    assert app.button(key="start-demo").label == "Start"


def test_the_demonstration_is_imported_like_any_folder(open_page, empty_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr("dashboard.widgets.doors.unpack", lambda folder: folder)
    monkeypatch.setattr(Workspace, "start_import", lambda self, folder, name: asked.append((folder, name)) or "job-1")
    app = open_page(empty_workspace, "home")
    app.button(key="start-demo").click().run()
    assert not app.exception
    assert asked == [(empty_workspace.paths.root / "demo-images", "demo")]


def test_it_says_what_next_and_opens_it(open_page, trained_workspace, words, address):
    app = open_page(trained_workspace, "home", dataset="zoo")
    text = words(app)
    assert not app.exception
    assert "What next with zoo" in text
    assert "labels may be wrong" in text
    app.button(key="next-go").click().run()
    assert not app.exception
    assert address(app) == {"dataset": "zoo", "queue": "suspicious"}


def test_a_dataset_that_was_never_trained_is_trained_by_one_click(open_page, trained_workspace, words, monkeypatch):
    asked = []
    monkeypatch.setattr(Workspace, "retrain", lambda self, name, options: asked.append((name, options)) or "run-9")
    app = open_page(trained_workspace, "home", dataset="fresh")
    assert "Train a first model" in words(app)
    app.button(key="next-retrain").click().run()
    assert not app.exception
    assert asked == [("fresh", TrainOptions(model="instant"))]


def test_while_the_first_model_trains_it_offers_no_second(open_page, trained_workspace):
    with FileLock((run := folders.make(trained_workspace.paths.runs, "run", FIRST)).lock):
        app = open_page(trained_workspace, "home", dataset="fresh")
        button = app.button(key="next-retrain")
        assert (button.label, button.disabled) == ("Training …", True)
    shutil.rmtree(run.folder)


def test_where_a_source_brings_no_test_split_the_rounds_are_those_on_val(open_page, untrained_workspace, words):
    frame = untrained_workspace.samples("zoo")
    moved = frame.loc[frame["split"] == "test", "sample_id"].tolist()
    untrained_workspace.store.set_splits(untrained_workspace.dataset("zoo").id, dict.fromkeys(moved, "val"))
    add_run(untrained_workspace, "zoo", wrong={"val": 4}, ago=60)
    add_run(untrained_workspace, "zoo", wrong={"val": 2}, ago=5)
    app = open_page(untrained_workspace, "home", dataset="zoo")
    assert not app.exception
    assert "The rounds of zoo so far, on val" in words(app)
    (chart,) = app.get("plotly_chart")
    values = json.loads(chart.proto.spec)["data"][1]["y"]
    assert len(values) == 2
    assert values[0] < values[1] < 1


def test_every_dataset_has_its_line(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "home", dataset="zoo")
    text = words(app)
    assert [caption.value for caption in app.caption].count("reviewed") == 2
    assert "never trained" in text
    assert "run-3, likely" in text
    strips = [html.proto.body for html in app.get("html") if 'class="ll-strip"' in html.proto.body]
    assert len(strips) == 2
    assert "&lt;b&gt;dog" in strips[0]
    assert "<b>dog" not in strips[0]


def test_a_dataset_that_was_put_away_is_brought_back_by_one_click(open_page, untrained_workspace, words, images):
    workspace = untrained_workspace
    first = workspace.dataset("zoo").id
    workspace.keeping.put_away("zoo")
    app = open_page(workspace, "home")  # its doors are open: there is no other
    assert not app.exception
    assert "Import a folder" in words(app)
    assert "60 images, 0 decisions" in words(app)
    app.button(key=f"back-{first}").click().run()
    assert not app.exception
    assert "What next with zoo" in words(app)

    workspace.keeping.put_away("zoo")
    bring_in(workspace, "zoo", images)
    app.run()
    app.button(key=f"back-{first}").click().run()
    assert not app.exception
    assert "There is a dataset 'zoo' already" in words(app)
    assert app.text_input[0].value == "zoo (older)"
    assert [one.id for one in workspace.keeping.away()] == [first]


def test_a_dataset_is_deleted_for_good_after_a_question_only(open_page, untrained_workspace, words):
    workspace = untrained_workspace
    add_run(workspace, "zoo")
    gone = workspace.dataset("zoo").id
    workspace.keeping.put_away("zoo")
    app = open_page(workspace, "home")
    app.button(key=f"delete-{gone}").click().run()
    assert "Nothing brings that back" in words(app)
    app.button(key="delete-not").click().run()
    assert [one.runs for one in workspace.keeping.away()] == [1]
    app.button(key=f"delete-{gone}").click().run()
    app.button(key="delete-go").click().run()
    assert not app.exception
    assert workspace.keeping.away() == []
    assert workspace.runs() == []
    assert "Put away" not in words(app)


def test_the_table_of_a_dataset_is_downloaded_too(untrained_workspace):
    rows = export.table(partial(untrained_workspace.keeping.export, "zoo")).decode().splitlines()
    assert rows[0] == "file,label,split,sample_id,content_hash,original"
    assert len(rows) == 61
