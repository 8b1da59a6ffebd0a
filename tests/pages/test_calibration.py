"""Calibration and Thresholds; the fixtures decide how sure each run is."""

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from core.review.queues import QueueSpec
from core.runs import calibration
from dashboard import wording


@pytest.mark.parametrize("page", ["calibration", "thresholds"])
def test_without_a_run_it_names_the_next_step(open_page, empty_workspace, trained_workspace, words, page):
    for workspace, params in ((empty_workspace, {}), (trained_workspace, {"dataset": "fresh"})):
        app = open_page(workspace, page, **params)
        assert not app.exception
        assert "No finished run yet" in words(app)


def test_fitting_keeps_the_temperature_with_the_run(open_page, corrected_workspace, words):
    app = open_page(corrected_workspace, "calibration", dataset="zoo", run="run-1")
    assert not app.exception
    app.button(key="calibration.fit").click().run()
    assert not app.exception
    kept = calibration.read(corrected_workspace.run_paths("run-1"))
    assert kept.split == "val"
    assert kept.samples > 0
    assert f"Temperature {kept.temperature:.2f}, fitted on {kept.samples} val images" in words(app)


def test_a_threshold_in_use_is_said_and_can_be_taken_back(open_page, corrected_workspace, words):
    corrected_workspace.understanding.abstain("run-1", 0.85)
    app = open_page(corrected_workspace, "calibration", dataset="zoo", run="run-1", split="test")
    # three wrong at 0.9 are answered, everything right at 0.8 is not
    assert "In use: **0.850**" in words(app)
    app.button(key="calibration.off").click().run()
    assert corrected_workspace.understanding.calibration("run-1").abstain_below == 0


@pytest.mark.parametrize("square", [12, 2])  # classes whose costs are a square table
def test_thresholds_of_a_class(open_page, trained_workspace, words, monkeypatch, square):
    monkeypatch.setattr("dashboard.widgets.cost_table.MOST", square)
    app = open_page(trained_workspace, "thresholds", dataset="zoo", run="run-3", label="=bird")
    assert not app.exception
    assert "test images are labelled =bird" in words(app)
    assert "answering by expected cost" in words(app)


def test_costs_are_kept_and_the_images_whose_answer_changes_open(open_page, corrected_workspace, words, address):
    classes = corrected_workspace.run("run-1").spec["classes"]
    costs = 1.0 - np.eye(3)
    costs[:, 0] = 0  # the first class is always the cheapest answer
    corrected_workspace.costs.keep("zoo", classes, costs)
    app = open_page(corrected_workspace, "thresholds", dataset="zoo", run="run-1", split="test")
    rows = corrected_workspace.predictions("run-1").where("test")
    changed = {i for i, said in zip(rows.sample_id, rows.predicted, strict=True) if said != classes[0]}
    assert not app.exception
    assert "Predict can answer by these costs" in words(app)
    assert f"answering by expected cost **0.0**, with {len(changed)} answers changed" in words(app)
    app.button(key="thresholds.changed").click().run()
    assert set(corrected_workspace.queue("zoo", QueueSpec.from_params(address(app))).ids) == changed


def test_a_cost_that_is_missing_is_said(open_page, corrected_workspace, words, monkeypatch):
    app = open_page(corrected_workspace, "thresholds", dataset="zoo", run="run-1", split="test")
    holed = pd.DataFrame([[0, np.nan, 1], [1, 0, 1], [1, 1, 0]])
    monkeypatch.setattr(st, "data_editor", lambda table, **_: holed)  # AppTest cannot edit a table
    app.run()
    assert not app.exception
    assert "is missing; enter a number of 0 or more" in words(app)


def test_of_many_classes_only_the_costs_that_are_not_1_are_listed(open_page, corrected_workspace, words, monkeypatch):
    monkeypatch.setattr("dashboard.widgets.cost_table.MOST", 2)
    names = [wording.printable(name) for name in corrected_workspace.run("run-1").spec["classes"]]
    shown = []

    def typed(table, **_):  # AppTest cannot edit a table
        shown.append(table.values.tolist())
        return pd.DataFrame(
            [(names[0], names[1], 5.0), (names[2], names[0], 0.0), (names[1], None, 1.0)], columns=table.columns
        )

    monkeypatch.setattr(st, "data_editor", typed)
    app = open_page(corrected_workspace, "thresholds", dataset="zoo", run="run-1", split="test")
    assert not app.exception
    assert shown[-1] == []
    app.button(key="thresholds.keep").click().run()
    assert not app.exception
    assert shown[-1] == [[names[0], names[1], 5.0], [names[2], names[0], 0.0]]
    classes = corrected_workspace.run("run-1").spec["classes"]
    assert corrected_workspace.costs.of("zoo", classes).tolist() == [[0, 5, 1], [1, 0, 1], [0, 1, 0]]
    answer = corrected_workspace.understanding.by_cost("run-1", "test", corrected_workspace.costs.of("zoo", classes))
    changed = int((answer != corrected_workspace.predictions("run-1").where("test").chosen).sum())
    assert f"with {changed} answer" in words(app)
