import csv
import io

from dashboard import predictions_csv


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
