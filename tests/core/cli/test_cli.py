"""The command line, through its entry point: one JSON document or one sentence, and exit status 2 for a mistake."""

import csv
from pathlib import Path

import pytest
from scipy.stats import binomtest

from core.cli.tables import write_csv
from core.services import stack


@pytest.fixture(scope="module")
def folder(write_shapes, tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("cli") / "images", each=14, seed=500)


@pytest.fixture(scope="module")
def imported(workspace, folder):
    view = workspace.wait(workspace.start_import(folder, "cli"), timeout=120)
    assert view.state == "succeeded"
    return workspace


def test_import_reports_as_json(labelloop, write_shapes, tmp_path):
    root = write_shapes(tmp_path / "images", each=4, seed=900)
    (root / "circle" / "broken.png").write_bytes(b"no")
    code, report, err = labelloop("import", root, "--dataset", "fresh", "--json")
    assert (code, err) == (0, "")
    assert (report["added"], report["quarantined"], report["files"]) == (12, 1, 13)
    assert report["dataset"]["classes"] == ["circle", "square", "stripes"]
    code, text, _ = labelloop("import", root, "--dataset", "fresh")
    assert code == 0
    assert "12 there already" in text
    assert "1 quarantined" in text


def test_the_loop(labelloop, imported, tmp_path):
    code, shown, _ = labelloop("train", "--dataset", "cli", "--model", "instant", "--wait", "--json")
    assert (code, shown["state"], shown["model"]) == (0, "succeeded", "instant")
    run = shown["run"]

    code, again, _ = labelloop("show", run, "--json")
    assert again["splits"] == shown["splits"]
    test = again["splits"]["test"]
    assert test["confusion"]["classes"] == ["circle", "square", "stripes"]
    matrix = test["confusion"]["matrix"]
    low, high = test["scores"]["macro_f1"]["interval"]
    assert low <= test["scores"]["macro_f1"]["value"] <= high
    areas = test["scores"]["roc_auc"], test["scores"]["average_precision"], test["scores"]["ece"]
    assert all(one["interval"][0] <= one["value"] <= one["interval"][1] for one in areas)
    assert all(row["roc_auc_interval"][0] <= row["roc_auc"] for row in test["per_class"])
    assert {"balanced_accuracy", "log_loss", "kappa", "mcc", "weighted_f1", "top_2_accuracy"} <= set(test["scores"])
    assert all(len(row["recall_interval"]) == 2 for row in test["per_class"])
    assert sum(map(sum, matrix)) == test["samples"]
    assert test["accuracy"] == pytest.approx(sum(matrix[i][i] for i in range(3)) / test["samples"])
    assert [row["support"] for row in test["per_class"]] == [sum(row) for row in matrix]

    table = tmp_path / "predictions.csv"
    code, written, _ = labelloop("predictions", run, "--csv", table, "--json")
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert code == 0
    assert len(rows) == written["samples"] == 42
    wrong = [row for row in rows if row["split"] == "test" and row["label"] != row["predicted"]]
    assert len(wrong) == test["samples"] - test["correct"]

    victims = [row["sample_id"] for row in rows if row["split"] == "test" and row["label"] == "circle"][:2]
    code, done, _ = labelloop("relabel", "--dataset", "cli", "--to", "square", "--sample", *victims, "--json")
    assert (code, done["saved"]) == (0, 2)

    code, second, _ = labelloop("train", "--dataset", "cli", "--wait", "--json")
    code, compared, _ = labelloop("compare", run, second["run"], "--json")
    assert code == 0
    assert compared["labels_changed"] == 2
    assert compared["samples"] == test["samples"]
    assert compared["new_accuracy"] == pytest.approx(second["splits"]["test"]["accuracy"])
    assert not set(compared["fixed"]) & set(compared["broken"])
    assert (compared["verdict"], compared["credit"]["samples"]) == (None, test["samples"])
    assert "2 labels in test changed" in compared["reason"]
    assert compared["labels"] == "now"
    fixed, broken = len(compared["fixed"]), len(compared["broken"])
    assert compared["mcnemar_p"] == pytest.approx(binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1)
    wrong_now = round((1 - compared["new_accuracy"]) * compared["samples"])
    assert len(compared["still_wrong"]) == wrong_now - broken
    assert not set(compared["still_wrong"]) & {*compared["fixed"], *compared["broken"]}
    assert 0 < compared["difference"]["smallest_detectable"] <= 1
    right = compared["credit"]["right"]
    assert right["old_run"]["old_labels"] == test["correct"]
    assert right["new_run"]["new_labels"] == second["splits"]["test"]["correct"]
    assert right["new_run"]["new_labels"] - right["old_run"]["new_labels"] == fixed - broken
    code, old, _ = labelloop("show", run, "--labels", "run", "--json")
    assert (old["labels"], old["splits"]) == ("run", again["splits"])
    code, now, _ = labelloop("show", run, "--json")
    assert (now["labels"], now["splits"]["test"]["correct"]) == ("now", right["old_run"]["new_labels"])
    code, text, _ = labelloop("compare", run, second["run"])
    assert "under the labels of now" in text
    low, high = compared["difference"]["interval"]
    assert low <= compared["difference"]["value"] <= high

    of_two = ("queue", "--dataset", "cli", "--run", second["run"], "--json")
    for kind in ("fixed", "broken"):
        code, queue, _ = labelloop(*of_two, "--kind", kind, "--other", run)
        assert (code, sorted(item["id"] for item in queue["items"])) == (0, sorted(compared[kind]))
        assert labelloop("queue", "--dataset", "cli", "--kind", kind)[0] == 2  # it says that --other is missing
    code, queue, _ = labelloop(*of_two, "--kind", "disagreement", "--other", run)
    assert (code, queue["queue"]) == (0, f"Seen differently by {second['run']} and {run}")

    code, listed, _ = labelloop("runs", "--dataset", "cli", "--json")
    assert [row["run"] for row in listed["runs"]] == [second["run"], run]


def test_relabel_by_csv(labelloop, imported, tmp_path):
    frame = imported.samples("cli")
    rows = frame[frame["label"] == "stripes"].head(2)
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "label"])
        writer.writerows((path, "square") for path in rows["filepath"])
    code, done, _ = labelloop("relabel", "--dataset", "cli", "--file", table, "--json")
    assert (code, done["saved"]) == (0, 2)
    after = imported.samples("cli").set_index("sample_id")["label"]
    assert [after[i] for i in rows["sample_id"]] == ["square", "square"]
    table.write_text(f"filepath,label\n{rows['filepath'].iloc[0]},circle\n/nowhere.png,circle\n")
    code, _, err = labelloop("relabel", "--dataset", "cli", "--file", table)
    assert code == 2
    assert "nowhere" in err
    assert imported.samples("cli").set_index("sample_id")["label"][rows["sample_id"].iloc[0]] == "square"


def test_predict(labelloop, imported, folder, tmp_path):
    code, shown, _ = labelloop("train", "--dataset", "cli", "--wait", "--json")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no")
    code, found, _ = labelloop("predict", shown["run"], folder / "circle" / "000.png", broken, "--json")
    good, bad = found["predictions"]
    assert code == 0
    assert good["predicted"] in good["probabilities"]
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert (bad["predicted"], bool(bad["error"])) == (None, True)


def test_cancel(labelloop, imported):
    _, started, _ = labelloop("train", "-d", "cli", "--model", "cnn", "--epochs", 900, "--image-size", 64, "--json")
    assert started["state"] in ("queued", "running")
    code, ended, _ = labelloop("cancel", started["run"], "--json")
    assert (code, ended["state"]) == (0, "cancelled")


MISTAKES = {
    "no such dataset": (("train", "--dataset", "nope"), "There is no dataset 'nope'"),
    "no such run": (("show", "run-999"), "There is no run 'run-999'"),
    "no such model": (("train", "-d", "cli", "--model", "vgg"), "There is no model 'vgg'"),
    "epochs of 0": (("train", "-d", "cli", "--epochs", "0"), "Epochs must lie between"),
    "epochs of x": (("train", "-d", "cli", "--epochs", "x"), "--epochs"),
    "no folder": (("import", "/no/such", "-d", "x"), "There is no folder"),
    "a file": (("import", __file__, "-d", "x"), "is a file"),
    "no command": (("frobnicate",), "No such command"),
    "no dataset option": (("train",), "--dataset"),
    "relabel what": (("relabel", "-d", "cli", "--to", "circle"), "Name the samples"),
    "relabel whom": (("relabel", "-d", "cli", "--to", "circle", "--sample", "f" * 24), "There is no sample"),
    "other labels": (("compare", "run-1", "run-2", "--labels", "old"), "There are no labels 'old'"),
    "runs of other split": (("compare", "run-1", "run-2", "--split", "nope"), "There is no split"),
    "predict nothing": (("predict", "run-1", "/no/such.png"), "There is no file"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_exits_2_with_one_sentence(labelloop, imported, name):
    arguments, sentence = MISTAKES[name]
    code, out, err = labelloop(*arguments)
    assert code == 2
    assert sentence in err
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_class_that_is_none_is_refused(labelloop, imported):
    sample = imported.samples("cli")["sample_id"].iloc[0]
    code, _, err = labelloop("relabel", "-d", "cli", "--to", "horse", "--sample", sample)
    assert code == 2
    assert "'horse' is not a class" in err


def test_one_class_cannot_be_trained(labelloop, write_shapes, tmp_path):
    root = write_shapes(tmp_path / "one", each=3, classes=("circle",), seed=1234)
    assert labelloop("import", root, "-d", "lonely")[0] == 0
    code, _, err = labelloop("train", "-d", "lonely")
    assert code == 2
    assert "at least two classes" in err


def test_two_images_in_all(labelloop, write_shapes, tmp_path):
    root = write_shapes(tmp_path / "two", each=1, classes=("circle", "square"), seed=4321)
    assert labelloop("import", root, "-d", "tiny")[0] == 0
    code, _, err = labelloop("train", "-d", "tiny", "--wait")
    assert code in (0, 2)
    assert "Traceback" not in err


def test_csv_cells_that_a_spreadsheet_would_run_are_guarded(tmp_path):
    write_csv(tmp_path / "x.csv", ["=A1"], [["=cmd()"], ["+1"], ["plain"], ["@x"], [0.5]])
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines == ["'=A1", "'=cmd()", "'+1", "plain", "'@x", "0.5"]


def test_every_command_has_help_and_stands_in_the_readme(labelloop):
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    _, text, _ = labelloop("--help")
    commands = [line.split()[0] for line in text.split("Commands:")[1].splitlines() if line.strip()]
    assert len(commands) >= 13
    for command in commands:
        assert f"labelloop {command}" in readme, f"README does not mention labelloop {command}"
        _, about, _ = labelloop(command, "--help")
        assert "Usage:" in about


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "8765", "--no-browser"),
        ("--port", "8765", "--no-browser", "up"),
        ("up", "--port", "8765", "--no-browser"),
        ("--port", "8765", "up", "--no-browser"),
    ],
    ids=" ".join,
)
def test_the_port_counts_before_and_after_the_command(labelloop, monkeypatch, words):
    asked = []

    def start(_, *, port, open_browser, announce):
        asked.append((port, open_browser, callable(announce)))
        return 0

    monkeypatch.setattr(stack, "run_stack", start)
    assert labelloop(*words)[0] == 0
    assert asked == [(8765, False, True)]
