"""Progress: what is decided, what is left, and the way to the suspicious labels."""

import pandas as pd
import pytest

from core.runs import judgements
from core.runs.atomic import write_json


@pytest.fixture
def judged_workspace(corrected_workspace):
    """``judged_workspace(gain)`` has judgements of run-1: five labels surely wrong, the others right."""

    def make(gain):
        frame = corrected_workspace.samples("zoo")
        open_ = ~frame["reviewed"].to_numpy(dtype=bool)
        chance = pd.Series(0.0, index=frame.index)
        chance[frame.index[open_][:5]] = 1.0
        table = frame.loc[:, ["sample_id", "split", "label"]].assign(
            chance=chance, suggestion=frame["label"], share=0.0, trusted=~open_
        )
        run = corrected_workspace.run_paths("run-1")
        judgements.write(run, table)
        classes = list(corrected_workspace.dataset("zoo").classes)
        write_json(
            run.outlook,
            {
                "classes": classes,
                "images": [14] * len(classes),
                "shares": [0.5, 1.0],
                "accuracy": [0.7, 0.8],
                "more_images": [gain] * len(classes),
                "corrections": gain,
                "class_corrections": [gain, None, gain],
                "next": 20,
                "more": 30,
            },
        )
        return corrected_workspace

    return make


def test_without_images_or_runs_it_names_the_next_step(open_page, empty_workspace, trained_workspace, words):
    app = open_page(empty_workspace, "progress")
    assert not app.exception
    assert "No images yet" in words(app)
    app = open_page(trained_workspace, "progress", dataset="fresh")
    assert not app.exception
    assert "Train once to see the rest" in words(app)


def test_what_is_left_is_said_and_opens_the_queue(open_page, judged_workspace, words):
    workspace = judged_workspace({"expected": 0.02, "low": 0.0, "high": 0.05})
    app = open_page(workspace, "progress", dataset="zoo")
    assert not app.exception
    assert "Of the next 20 suspicious ones about **5** are wrong" in words(app)
    assert "+2 points (no change to +5 points)" in words(app)
    assert "Add images" in words(app)
    table = app.dataframe[0].value
    promised = "+2 points (no change to +5 points)"
    assert table["Next 20 corrections"].tolist() == [promised, "–", promised]
    left = next(metric for metric in app.metric if metric.label == "Wrong labels left")
    assert left.value == "about 5"


def test_where_nothing_promises_anything_it_says_done(open_page, judged_workspace, words):
    workspace = judged_workspace({"expected": 0.0, "low": 0.0, "high": 0.001})
    run = workspace.run_paths("run-1")
    table = judgements.read(run)
    judgements.write(run, table.assign(chance=0.0))
    app = open_page(workspace, "progress", dataset="zoo")
    assert not app.exception
    assert "As good as done" in words(app)


def test_decided_labels_are_not_counted_as_left(judged_workspace):
    workspace = judged_workspace({"expected": 0.0, "low": 0.0, "high": 0.0})
    outlook = workspace.suspicion.outlook("zoo")
    assert outlook.errors.expected == pytest.approx(5)
    assert outlook.decided == int(workspace.samples("zoo")["reviewed"].sum())
    assert sum(one.errors.expected for one in outlook.classes) == pytest.approx(5)
    assert outlook.done is False


def test_what_people_found_right_lowers_the_chances(judged_workspace):
    workspace = judged_workspace({"expected": 0.0, "low": 0.0, "high": 0.0})
    assert workspace.suspicion.shift("zoo") == 0  # nobody decided since
    run = workspace.run_paths("run-1")
    table = judgements.read(run)
    reviewed = set(workspace.samples("zoo").query("reviewed")["sample_id"])
    same = table["sample_id"].isin(reviewed)
    assert same.any()
    judgements.write(run, table.assign(chance=same * 0.9, trusted=False))  # they were doubted, and stayed
    assert workspace.suspicion.shift("zoo") < 0
