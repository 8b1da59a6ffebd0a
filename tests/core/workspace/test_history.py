"""Past runs on a real store: their labels come back through the journal, and they run again exactly."""

import shutil

import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput
from core.domain.runs import TrainOptions
from core.runs import predictions, used
from core.workspace.history import chosen, flat


def _relabel(workspace, dataset, pairs):
    now = workspace.samples(dataset).set_index("sample_id")["label"]
    made = [Decision(s, "relabel", label, now[s], f"{s}-{label}-{now[s]}") for s, label in pairs]
    assert all(outcome.saved for outcome in workspace.decide(dataset, made, source="grid"))


def test_differences_restoring_and_running_again(trained):
    workspace = trained
    first = workspace.runs("shapes")[0].name
    before = workspace.samples("shapes").set_index("sample_id")["label"]
    circles = before.index[before == "circle"][:3]
    _relabel(workspace, "shapes", [(circles[0], "square"), (circles[1], "stripes"), (circles[2], "square")])
    assert len(workspace.history.edits_since(first).relabelled) == 3

    second = workspace.retrain("shapes", TrainOptions(seed=7))
    assert workspace.wait(second, timeout=120).state == "succeeded"
    found = workspace.history.difference(first, second)
    assert found.recipe == {"seed": (0, 7)}
    assert set(found.data.relabelled["sample_id"]) == set(circles)
    assert found.versions == {}

    done = workspace.history.restore_labels(first)
    assert (done.restored, done.refused, done.same) == (3, 0, len(before) - 3)
    assert workspace.samples("shapes").set_index("sample_id")["label"].equals(before)
    assert workspace.history.edits_since(first).same
    assert {entry.queue for entry in workspace.journal("shapes", limit=3)} == {f"labels of {first}"}
    assert len(workspace.undo("shapes")) == 3  # the journal holds it as one batch
    assert len(workspace.history.edits_since(first).relabelled) == 3

    again = workspace.wait(workspace.history.again(first), timeout=120)
    assert again.state == "succeeded"
    assert again.spec["again"] == first
    one, other = (predictions.read(workspace.run_paths(name).predictions) for name in (first, again.name))
    assert one.label.tolist() == other.label.tolist()
    assert one.probabilities == pytest.approx(other.probabilities, abs=0)
    workspace.history.restore_labels(first)


def test_a_run_that_would_not_be_the_same_again_says_why(trained, tmp_path, monkeypatch):
    run = trained.runs("shapes")[-1].name
    assert trained.history.differing(run) == []
    paths = trained.run_paths(run)
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"then")
    used.note(paths, weights=str(weights), weights_sha256=used.digest(weights))
    assert trained.history.differing(run) == []
    weights.write_bytes(b"now")
    now = {**trained.run(run).spec["versions"], "torch": "9.9"}
    monkeypatch.setattr("core.workspace.history.versions", lambda: now)
    torch, file = trained.history.differing(run)
    assert torch.endswith("then and is 9.9 now.")
    assert torch.startswith("torch was ")
    assert file == f"The weights in {weights} are others now."
    weights.unlink()
    assert "cannot be read" in trained.history.differing(run)[1]
    again = trained.wait(trained.history.again(run), timeout=120)
    assert len(again.spec["differing"]) == 2
    paths.used.unlink()


def test_a_run_keeps_its_snapshot_when_the_workspace_s_is_gone(trained):
    run = trained.runs("shapes")[-1].name
    shared = trained.paths.snapshot(trained.run(run).spec["snapshot"])
    before = trained.history.snapshot(run)
    shutil.rmtree(shared)
    found = trained.history.snapshot(run)
    assert (found.id, found.classes) == (before.id, before.classes)
    assert found.samples.equals(before.samples)
    again = trained.wait(trained.history.again(run), timeout=120)
    assert again.state == "succeeded"
    assert (shared / "manifest.json").exists()


def test_restoring_brings_back_what_was_excluded_since(trained):
    workspace = trained
    run = workspace.runs("shapes")[-1].name
    workspace.history.restore_labels(run)
    first = workspace.samples("shapes").iloc[0]
    out = Decision(first["sample_id"], "exclude", None, first["label"], "out")
    assert workspace.decide("shapes", [out], source="grid")[0].saved
    assert workspace.history.edits_since(run).removed == (first["sample_id"],)
    done = workspace.history.restore_labels(run)
    assert (done.returned, done.restored) == (1, 0)
    assert workspace.history.edits_since(run).same


def test_restoring_brings_back_a_class_that_was_removed(trained):
    workspace = trained
    run = workspace.runs("shapes")[-1].name
    info = workspace.dataset("shapes")
    before = workspace.samples("shapes").set_index("sample_id")["label"]
    _relabel(workspace, "shapes", [(sample, "square") for sample in before.index[before == "circle"]])
    workspace.store.set_classes(info.id, ["square", "stripes"])
    done = workspace.history.restore_labels(run)
    assert done.classes_added == ("circle",)
    assert workspace.samples("shapes").set_index("sample_id")["label"].equals(before)


def test_filters(trained):
    history = trained.history
    runs = trained.runs("shapes")
    history.annotate(runs[0].name, star=True, tags=["keep", "paper"], text="The Good one")
    history.annotate(runs[-1].name, archived=True)
    try:
        assert runs[-1] not in chosen(runs, history.notes)
        assert chosen(runs, history.notes, archived=True) == runs
        for filters in ({"star": True}, {"tags": ["paper"]}, {"text": "good ONE"}, {"text": "keep"}):
            assert chosen(runs, history.notes, **filters) == [runs[0]]
        assert chosen(runs, history.notes, tags=["keep", "other"]) == []
        assert chosen(runs, history.notes, states=["failed"]) == []
        assert runs[0] in chosen(runs, history.notes, models=["instant"], text="model=instant")
    finally:
        history.annotate(runs[0].name, star=False, tags=[], text="")
        history.annotate(runs[-1].name, archived=False)


def test_a_job_has_no_second_run(workspace):
    job = workspace.jobs()[-1].name
    with pytest.raises(BadInput, match="no training run"):
        workspace.history.again(job)


def test_nested_options_are_flat():
    assert flat({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}
