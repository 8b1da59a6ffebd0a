import csv
import io

from core.domain.runs import FIELDS
from core.runs.atomic import append_json_line
from core.tracking.settings import Settings
from core.workspace import Workspace
from core.workspace.control import Control
from dashboard import predictions_csv
from tests.pages.conftest import add_run


def test_without_images_it_names_the_next_step(open_page, empty_workspace, words):
    app = open_page(empty_workspace, "runs")
    assert not app.exception
    assert "No images yet" in words(app)


def test_without_runs_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "runs", dataset="fresh")
    assert not app.exception
    assert "No runs yet" in words(app)


def test_table_has_all_runs_newest_first(open_page, trained_workspace):
    app = open_page(trained_workspace, "runs", dataset="zoo")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Run"].tolist() == ["run-3", "run-2", "run-1"]
    assert table["Model"].tolist() == ["Small CNN", "ResNet-18", "Instant"]
    expected = trained_workspace.evaluation("run-3", "test").accuracy * 100
    assert table["Test"].iloc[0] == expected
    assert table["Note"].iloc[1] == "The graphics card ran out of memory."


def test_address_opens_a_runs_details(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-3")
    text = words(app)
    assert not app.exception
    assert "run-3 · Small CNN" in text
    assert "The star marks epoch 2, the best on val" in text
    assert len(app.get("plotly_chart")) == 2
    assert app.code[0].value == "epoch 1\n<script>alert(1)</script>"


def test_a_failed_run_says_why(open_page, trained_workspace):
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-2")
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == ["The graphics card ran out of memory."]
    assert not app.get("plotly_chart")


def test_details_lead_to_the_matrix_and_the_comparison(open_page, trained_workspace, address):
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-3")
    by_label = {button.label: button for button in app.button}
    by_label["Confusion matrix"].click().run()
    assert address(app) == {"dataset": "zoo", "run": "run-3"}
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-3")
    {button.label: button for button in app.button}["Compare with run-1"].click().run()
    assert address(app) == {"dataset": "zoo", "old": "run-1", "new": "run-3"}


def test_unknown_run_is_said(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-99")
    assert not app.exception
    assert "There is no run-99 in this dataset." in words(app)


def test_csv_holds_every_sample_and_no_formula(trained_workspace):
    text = predictions_csv.of_run(trained_workspace, "run-3").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    frame = trained_workspace.samples("zoo")
    assert [row["sample_id"] for row in rows] == frame["sample_id"].tolist()
    assert [row["filepath"] for row in rows] == frame["filepath"].tolist()
    assert {row["label"] for row in rows} == {"<b>dog", "'=bird", "cat"}
    assert list(rows[0])[-3:] == ["<b>dog", "'=bird", "cat"]
    assert sum(float(rows[0][name]) for name in ("<b>dog", "'=bird", "cat")) > 0.99


def test_a_run_that_goes_can_be_cancelled(open_page, trained_workspace, running_run, words):
    app = open_page(trained_workspace, "runs", dataset="zoo", run=running_run)
    assert not app.exception
    assert app.dataframe[0].value["State"].iloc[0] == "▶ running"
    cancels = [button for button in app.button if "Cancel" in button.label]
    assert len(cancels) == 1  # the panel's; a second one beside it would only puzzle
    cancels[0].click().run()
    assert trained_workspace.run_paths(running_run).cancel.exists()


def test_filters_notes_and_put_away(open_page, trained_workspace):
    workspace = trained_workspace
    app = open_page(workspace, "runs", dataset="zoo", run="run-3")
    app.button(key="runs.star-run-3").click().run()
    app.text_area(key="runs.text-run-3").set_value("best <b>so far</b>").run()
    app.multiselect(key="runs.tags-run-3").set_value([]).run()
    assert not app.exception
    try:
        notes = workspace.history.notes("run-3")
        assert (notes.star, notes.text) == (True, "best <b>so far</b>")
        workspace.history.annotate("run-1", archived=True, tags=["old"])
        app = open_page(workspace, "runs", dataset="zoo")
        assert app.dataframe[0].value["Run"].tolist() == ["run-3", "run-2"]
        assert app.dataframe[0].value["★"].tolist() == ["★", ""]
        app.get("button_group")[0].set_value(["Put away"]).run()
        assert app.dataframe[0].value["Run"].tolist() == ["run-3", "run-2", "run-1"]
        app.text_input(key="runs.filter-text").set_value("SO FAR").run()
        assert app.dataframe[0].value["Run"].tolist() == ["run-3"]
        app.text_input(key="runs.filter-text").set_value("nowhere").run()
        assert "No run fits these filters." in [caption.value for caption in app.caption]
    finally:
        workspace.history.annotate("run-3", star=False, text="")
        workspace.history.annotate("run-1", archived=False, tags=[])


def test_every_field_of_the_recipe_can_be_shown(open_page, trained_workspace):
    app = open_page(trained_workspace, "runs", dataset="zoo")
    app.get("button_group")[0].set_value(["Every field"]).run()
    assert not app.exception
    table = app.dataframe[0].value
    labels = {described.label for name, described in FIELDS.items() if name != "model"}
    assert labels - set(table.columns) == set()
    assert table["Epochs"].tolist()[0] == 3


def test_several_runs_are_laid_over_one_another_with_what_differs(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-3,run-1")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2
    assert "run-1 · run-3" in words(app)
    assert "The same images, labels and splits." in words(app)
    recipe = app.dataframe[1].value
    assert recipe.loc["Model"].tolist() == ["instant", "cnn"]


def test_labels_of_a_run_are_restored_after_asking(open_page, corrected_workspace, words):
    workspace = corrected_workspace
    before = workspace.samples("zoo")["label"].tolist()
    app = open_page(workspace, "runs", dataset="zoo", run="run-1")
    assert "Not in this run: 1 label changed (1 in test)" in [expander.label for expander in app.expander]
    {button.label: button for button in app.button}["Restore its labels"].click().run()
    assert workspace.samples("zoo")["label"].tolist() == before  # only asked so far
    {button.label: button for button in app.button}["Restore 1 label"].click().run()
    assert not app.exception
    assert workspace.history.edits_since("run-1").same
    assert "1 label of run-1 restored." in words(app)


def test_a_run_starts_again_exactly(open_page, trained_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(Workspace, "start_run", lambda self, spec: asked.append(spec) or "run-3")
    app = open_page(trained_workspace, "runs", dataset="zoo", run="run-3")
    {button.label: button for button in app.button}["Run again exactly"].click().run()
    assert not app.exception
    old = trained_workspace.run("run-3").spec
    assert [(spec["options"], spec["snapshot"], spec["again"]) for spec in asked] == [
        (old["options"], old["snapshot"], "run-3")
    ]


def test_a_run_that_goes_pauses_stops_and_a_failed_one_is_tried_again(
    open_page, trained_workspace, running_run, monkeypatch
):
    workspace, paths = trained_workspace, trained_workspace.run_paths(running_run)
    app = open_page(workspace, "runs", dataset="zoo", run=running_run)
    buttons = {button.label: button for button in app.button}
    buttons["Pause"].click().run()
    assert paths.pause.exists()
    buttons = {button.label: button for button in app.button}
    buttons["Resume"].click().run()  # changed the mind
    assert not paths.pause.exists()
    {button.label: button for button in app.button}["Stop and keep best"].click().run()
    assert paths.stop.exists()
    assert {button.label: button for button in app.button}["Stopping …"].disabled
    tried = []
    monkeypatch.setattr(Control, "retry", lambda self, run: tried.append(run))
    app = open_page(workspace, "runs", dataset="zoo", run="run-2")
    {button.label: button for button in app.button}["Retry"].click().run()
    assert tried == ["run-2"]


def test_alerts_are_shown_until_they_are_put_aside(open_page, trained_workspace, words):
    paths = trained_workspace.paths
    for number in range(4):
        told = {"rule": "run-failed", "run": f"run-{number}", "dataset": "zoo", "sentence": f"run-{number} <b>failed"}
        append_json_line(paths.alerts, {**told, "at": 100.0 + number})
    append_json_line(paths.alerts, {**told, "dataset": "fresh", "sentence": "of another dataset", "at": 200.0})
    try:
        app = open_page(trained_workspace, "runs", dataset="zoo")
        assert not app.exception
        assert [f"run-{number} <b>failed" in words(app) for number in (3, 2, 1, 0)] == [True, True, True, False]
        assert "of another dataset" not in words(app)
        button = app.button(key="alerts-aside")
        assert button.label == "Put aside and 1 more"
        button.click().run()
        assert "<b>failed" not in words(app)
        app = open_page(trained_workspace, "runs", dataset="zoo")  # another session
        assert "run-3 <b>failed" in words(app)
    finally:
        paths.alerts.unlink()


def test_mirrors_and_alerts_are_set_on_the_page(open_page, trained_workspace):
    workspace = trained_workspace
    app = open_page(workspace, "runs", dataset="zoo")
    field = {one.label: one for kind in ("text_input", "number_input", "toggle") for one in getattr(app, kind)}
    save = next(one for one in app.button if one.label == "Save")
    field["TensorBoard"].set_value(" /tmp/board ")
    field["Accuracy below (percent; 0 is off)"].set_value(92.5)
    field["Loss rising, epochs in a row (0 is off)"].set_value(3)
    field["A run failed"].set_value(True)
    field["Desktop notice when a network has ended"].set_value(True)
    try:
        save.click().run()
        assert not app.exception
        assert "Saved." in [caption.value for caption in app.caption]
        kept = Settings(tensorboard="/tmp/board", accuracy_below=0.925, loss_rising=3, run_failed=True, desktop=True)
        assert workspace.tracking.settings() == kept
        app = open_page(workspace, "runs", dataset="zoo")
        field = {one.label: one for kind in ("text_input", "number_input") for one in getattr(app, kind)}
        assert (field["TensorBoard"].value, field["Loss rising, epochs in a row (0 is off)"].value) == ("/tmp/board", 3)
        field["Webhook"].set_value("nowhere")
        next(one for one in app.button if one.label == "Save").click().run()
        assert ["begins with http" in error.value for error in app.error] == [True]
        assert workspace.tracking.settings() == kept
    finally:
        workspace.paths.tracking.unlink(missing_ok=True)


def test_a_run_that_was_put_away_is_deleted_after_a_question(untrained_workspace, open_page, words):
    workspace = untrained_workspace
    first, second = add_run(workspace, "zoo", ago=60), add_run(workspace, "zoo", ago=5)
    app = open_page(workspace, "runs", dataset="zoo", run=first)
    assert not any("Delete for good" in button.label for button in app.button)
    app.button(key=f"runs.archived-{first}").click().run()
    app.get("button_group")[0].set_value(["Put away"]).run()
    app.query_params["run"] = first
    app.run()
    app.button(key=f"runs.delete-{first}").click().run()
    assert "Nothing brings that back" in words(app)
    app.button(key="delete-run-go").click().run()
    assert not app.exception
    assert [run.name for run in workspace.runs()] == [second]
    assert f"{first} is deleted" in words(app)
    assert app.get("button_group")[0].value == ["Put away"]
