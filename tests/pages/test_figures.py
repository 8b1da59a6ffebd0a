import shutil
import uuid

import streamlit as st

from core.domain.decisions import Decision
from core.workspace import Workspace
from dashboard import figures


def test_figures_are_kept_and_made_again(trained_workspace, monkeypatch):
    run = trained_workspace.run("run-1")
    folder = trained_workspace.paths.cache / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    st.cache_data.clear()
    fresh = figures.of_run(trained_workspace, run)
    (kept,) = folder.iterdir()

    st.cache_data.clear()
    monkeypatch.setattr(Workspace, "evaluation", None)  # nothing is computed the second time
    again = figures.of_run(trained_workspace, run)
    assert list(again) == list(fresh) == ["train", "val", "test"]
    for split, evaluation in fresh.items():
        assert again[split].matrix.tolist() == evaluation.matrix.tolist()
        assert (again[split].accuracy, again[split].macro_f1) == (evaluation.accuracy, evaluation.macro_f1)
        assert again[split].out_of_fold == evaluation.out_of_fold

    monkeypatch.undo()
    kept.write_text("{broken")
    st.cache_data.clear()
    assert figures.of_run(trained_workspace, run)["test"].correct == fresh["test"].correct


def test_a_run_without_predictions_has_no_figures(trained_workspace):
    assert figures.of_run(trained_workspace, trained_workspace.run("run-2")) == {}


def test_what_follows_from_a_run_and_its_labels_is_kept_until_a_label_moves(trained_workspace):
    run = trained_workspace.run("run-1")
    found = trained_workspace.understanding.judged("run-1", "test", labels="now")
    assert trained_workspace.understanding.judged("run-1", "test", labels="now") is found
    assert trained_workspace.understanding.judged("run-1", "test", labels="run") is not found
    scored = figures.scored(trained_workspace, run, "test", "now")
    assert scored == (found.evaluation, found.scores)
    assert figures.scored(trained_workspace, run, "test", "now") is scored
    sample, label = next((i, name) for i, name in zip(found.rows.sample_id, found.given, strict=True) if name)
    other = next(name for name in found.evaluation.classes if name != label)
    decision = Decision(str(sample), "relabel", other, label, uuid.uuid4().hex)
    (outcome,) = trained_workspace.decide(run.dataset, [decision], source="cli")
    assert outcome.saved
    try:
        moved = trained_workspace.understanding.judged("run-1", "test", labels="now")
        assert (moved.evaluation.matrix != found.evaluation.matrix).any()
        assert moved.scores.overall != found.scores.overall
        assert figures.scored(trained_workspace, run, "test", "now") == (moved.evaluation, moved.scores)
    finally:
        trained_workspace.undo(run.dataset)
