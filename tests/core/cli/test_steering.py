"""Steering real runs, searching, mirrors, alerts and the place of work, all through the command line."""

import json

import pytest

from core.domain.runs import TrainOptions
from core.runs.atomic import read_json
from tests.waiting import until

TINY = {"model": "layer-cnn", "layers": "conv 4, average", "image_size": 32}
LONG = ("--model", TINY["model"], "--layers", TINY["layers"], "--image-size", 32, "--epochs", 9_000)


@pytest.fixture
def ended(workspace):
    """Whatever a test leaves going is cancelled."""
    yield
    left = [view.name for view in workspace.runs(trials=True) if view.active or view.state == "paused"]
    for name in left:
        workspace.cancel(name)
    for name in left:
        workspace.wait(name, timeout=120)


def test_runs_wait_go_first_pause_resume_stop_and_are_tried_again(labelloop, workspace, ended):
    until(lambda: not any(view.active for view in workspace.jobs("shapes")))  # what followed on the import
    first, second, third = (
        labelloop("train", "-d", "shapes", *LONG, "--seed", seed, "--json")[1]["run"] for seed in (1, 2, 3)
    )
    until(lambda: workspace.run(first).metrics)
    assert workspace.run(first).spec["expected"] > 0

    def waits():
        document = labelloop("waiting", "--json")[1]
        (names,) = ([view["run"] for view in views] for views in document["waiting"].values())
        return [view["run"] for view in document["running"]], names

    until(lambda: sum(workspace.control.place(name) is not None for name in (second, third)) == 2)
    assert waits() == ([first], [second, third])
    assert labelloop("waiting", "--first", third)[0] == 0
    assert waits() == ([first], [third, second])
    code, text, _ = labelloop("waiting")
    assert (code, text.index(first) < text.index(third) < text.index(second)) == (0, True)

    code, found, _ = labelloop("pause", first, "--json")
    assert (code, found["state"]) == (0, "paused")
    epochs = len(workspace.run(first).metrics)
    until(lambda: workspace.run(third).metrics)  # it has the device now
    code, _, err = labelloop("pause", first)
    assert (code, "only what waits or runs can pause" in err) == (2, True)

    assert labelloop("stop", third) == (0, f"{third} is succeeded.\n", "")
    assert 0 < len(workspace.run(third).metrics) < 9_000
    code, _, err = labelloop("stop", third)
    assert (code, "has ended already" in err) == (2, True)

    code, found, _ = labelloop("cancel", second, "--json")
    assert (code, found["state"]) == (0, "cancelled")
    code, found, _ = labelloop("resume", first, "--json")
    assert (code, found["state"]) == (0, "queued")
    until(lambda: len(workspace.run(first).metrics) > epochs)
    code, found, _ = labelloop("retry", second, "--json")
    assert (code, found["state"]) == (0, "queued")
    code, _, err = labelloop("retry", third)
    assert (code, "succeeded" in err) == (2, True)
    assert labelloop("pause", "run-99")[0] == 2


def test_a_search_is_started_listed_and_its_trial_run_again(labelloop, workspace, tmp_path):
    space = tmp_path / "space.json"
    space.write_text(json.dumps({"model": "instant", "seed": [0, 1]}))
    code, found, err = labelloop("search", "-d", "shapes", "--space", space, "--method", "grid", "--wait", "--json")
    assert (code, found["state"], len(found["trials"])) == (0, "succeeded", 2), err
    name = found["search"]
    document = labelloop("searches", "--json")[1]
    assert [(one["search"], one["best"]) for one in document["searches"]] == [(name, found["best"])]
    _, text, _ = labelloop("searches")
    assert "2 of 2" in text
    _, text, _ = labelloop("searches", name)
    assert f"{found['best']} *" in text
    assert f"The best recipe on all splits: {found['result']['run']}" in text
    listed = [row["run"] for row in labelloop("runs", "--json")[1]["runs"]]
    assert found["result"]["run"] in listed
    trial = found["trials"][0]["run"]
    assert trial not in listed
    code, again, _ = labelloop("again", trial, "--wait", "--json")
    assert (code, again["state"]) == (0, "succeeded")
    assert again["run"] in [row["run"] for row in labelloop("runs", "--json")[1]["runs"]]
    space.write_text(json.dumps({"model": "cnn", "mixup": {"low": 0, "high": 0.4}}))
    code, _, err = labelloop("search", "-d", "shapes", "--space", space, "--method", "grid")
    assert code == 2
    assert "grid needs a list of values" in err.strip().splitlines()[-1]  # after what is said of leaks


def test_alerts_are_set_given_and_listed_and_a_run_is_mirrored(labelloop, workspace, tmp_path):
    run = workspace.wait(workspace.retrain("shapes", TrainOptions(seed=70)), timeout=120).name
    code, _, err = labelloop("mirror", run)
    assert (code, "No mirror is on" in err) == (2, True)
    assert labelloop("alerts") == (0, "No alerts.\n", "")
    script, heard = tmp_path / "hear.sh", tmp_path / "heard"
    script.write_text(f'#!/bin/sh\necho "$1" >> {heard}\n')
    rules = ("--accuracy-below", "1", "--run-failed", "--command", f"sh {script}")
    code, found, _ = labelloop("tracking", *rules, "--json")
    assert (code, found["accuracy_below"], found["run_failed"]) == (0, 1.0, True)
    try:
        assert "sh " in labelloop("tracking")[1]
        code, _, err = labelloop("tracking", "--webhook", "nowhere")
        assert (code, "http://" in err) == (2, True)
        # Labels that say nothing of the pictures: no run is right about all of them.
        frame = workspace.samples("shapes")
        test = frame.loc[(frame["split"] == "test") & (frame["label"] == "circle"), "sample_id"].tolist()[:2]
        labelloop("relabel", "-d", "shapes", "--to", "square", "--sample", *test)
        low = workspace.wait(workspace.retrain("shapes", TrainOptions(seed=71)), timeout=120).name
        until(lambda: any(row["run"] == low for row in labelloop("alerts", "--json")[1]["alerts"]))
        (row,) = (row for row in labelloop("alerts", "-d", "shapes", "--json")[1]["alerts"] if row["run"] == low)
        assert row["rule"] == "accuracy-below"
        assert f"{low} reached" in labelloop("alerts")[1]
        until(heard.exists)
        assert f"{low} reached" in heard.read_text()
        assert labelloop("tracking", "--tensorboard", tmp_path / "board", "--json")[1]["tensorboard"]
        code, found, err = labelloop("mirror", run, "--json")
        assert (code, list(found["mirrors"])) == (0, ["tensorboard"]), err
        assert list((tmp_path / "board").rglob("events.out.tfevents.*"))
    finally:
        off = ("--accuracy-below", "0", "--no-run-failed", "--command", "", "--tensorboard", "")
        code, found, _ = labelloop("tracking", *off, "--json")
    assert not any(found.values())


def test_where_networks_train_is_set_and_taken_by_the_next_run(labelloop, workspace, ended):
    assert labelloop("cluster") == (0, "Networks train on this machine.\n", "")
    try:
        code, found, _ = labelloop("cluster", "--workers", 2, "--json")
        assert (code, found["workers"], found["ray"], found["nodes"]) == (0, 2, "", None)
        run = labelloop("train", "-d", "shapes", *LONG, "--seed", 9, "--json")[1]["run"]
        workspace.cancel(run)
        assert read_json(workspace.run_paths(run).spec)["place"] == {"ray": "", "workers": 2}
        for arguments, words in ((("--workers", 0), "between 1 and"), (("--ray", "somewhere"), "HOST:PORT")):
            code, _, err = labelloop("cluster", *arguments)
            assert (code, words in err) == (2, True)
    finally:
        code, found, _ = labelloop("cluster", "--workers", 1, "--json")
    assert found["where"] == "this machine"
