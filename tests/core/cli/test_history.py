"""Past runs on the command line."""

import csv


def test_notes_filters_differences_and_labels_of_a_run(labelloop, trained, tmp_path):
    run = trained.runs("shapes")[0].name
    code, found, _ = labelloop("note", run, "--star", "--tag", "paper", "--text", "first", "--json")
    assert (code, found["star"], found["tags"], found["text"]) == (0, True, ["paper"], "first")
    code, found, _ = labelloop("note", run, "--untag", "paper", "--json")
    assert (found["star"], found["tags"], found["text"]) == (True, [], "first")

    names = [row["run"] for row in labelloop("runs", "--starred", "--find", "FIRST", "--json")[1]["runs"]]
    assert names == [run]
    assert labelloop("runs", "--state", "failed", "--json")[1]["runs"] == []
    code, _, err = labelloop("runs", "--state", "dead")
    assert (code, "no state 'dead'" in err) == (2, True)

    frame = trained.samples("shapes")
    victims = frame.loc[frame["label"] == "circle", "sample_id"].tolist()[:2]
    labelloop("relabel", "-d", "shapes", "--to", "square", "--sample", *victims)
    code, again, _ = labelloop("train", "-d", "shapes", "--seed", 3, "--wait", "--json")
    code, found, _ = labelloop("diff", run, again["run"], "--json")
    assert (code, found["recipe"]) == (0, {"seed": [0, 3]})
    assert sorted((row["sample_id"], row["old"], row["new"]) for row in found["relabelled"]) == sorted(
        (victim, "circle", "square") for victim in victims
    )
    assert "2 labels changed" in labelloop("diff", run, again["run"])[1]

    code, done, _ = labelloop("restore-labels", run, "--json")
    assert (code, done["restored"]) == (0, 2)
    assert trained.samples("shapes")["label"].tolist() == frame["label"].tolist()

    code, done, _ = labelloop("export-dataset", again["run"], "--to", tmp_path / "labels.csv", "--as", "csv", "--json")
    rows = list(csv.DictReader((tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()))
    assert (code, done["files"]) == (0, len(rows)) == (0, 72)
    assert {row["sample_id"]: row["label"] for row in rows}[victims[0]] == "square"
    code, _, err = labelloop("export-dataset", again["run"], "--to", tmp_path / "labels.csv", "--as", "csv")
    assert (code, "is there already" in err) == (2, True)
