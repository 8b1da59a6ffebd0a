"""Figures of runs under labels and class names that have changed since; the runs' predictions are written by hand."""

import shutil
import time

import numpy as np
import pytest

from core.domain.samples import NewSample
from core.jobs import folders
from core.jobs.launcher import Launcher
from core.runs import predictions
from core.runs.atomic import write_json
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest
from core.snapshots.freeze import freeze
from core.store.memory import MemoryStore
from core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path, new_samples):
    store = MemoryStore()
    info = store.create("pets", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog", "cat", "dog", split="test"))
    return Workspace(WorkspacePaths(tmp_path), store, user="ann", launcher=Launcher())


@pytest.fixture
def add_run(workspace):
    """``add_run("cat", "dog", "dog", "dog")`` is a finished run that said this of the four images."""

    def add(*said: str) -> str:
        info, frame = workspace.dataset("pets"), workspace.samples("pets")
        snapshot = freeze(workspace.paths, info, frame).id
        spec = {"kind": "train", "dataset": "pets", "snapshot": snapshot, "classes": list(info.classes), "options": {}}
        with folders.lock_of(workspace.paths.runs):
            run = folders.make(workspace.paths.runs, "run", spec)
        manifest.keep(workspace.paths.snapshot(snapshot), run.snapshot)
        write_json(run.spec, {**spec, "name": run.name, "created_at": time.time()})
        table = predictions.make(
            classes=list(info.classes),
            sample_id=frame["sample_id"].tolist(),
            split=frame["split"].tolist(),
            label=frame["label"].tolist(),
            probabilities=np.array([[0.9 if name == one else 0.1 for name in info.classes] for one in said]),
        )
        predictions.write(run.predictions, table)
        write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": time.time()})
        return run.name

    return add


def test_a_renamed_class_is_neither_wrong_nor_corrected_on_the_timeline(workspace, add_run):
    add_run("cat", "dog", "dog", "dog")
    workspace.review.change_class("pets", "cat", "kitten")
    add_run("kitten", "dog", "kitten", "dog")
    moments = workspace.understanding.timeline("pets", "test")
    assert [(one.own.value, one.now.value, one.corrections) for one in moments] == [(0.75, 0.75, 0), (1.0, 1.0, 0)]


def test_replaced_pictures_are_told_from_the_runs_own_snapshots_where_the_workspace_s_are_gone(workspace, add_run):
    old, sample = add_run("cat", "dog", "cat", "dog"), workspace.samples("pets").iloc[0]
    other = NewSample(sample["filepath"], None, "test", "f" * 64, 1, 1, 8, 8, "image/png", "elsewhere")
    workspace.store.replace_file(workspace.dataset("pets").id, sample["sample_id"], other)
    new = add_run("cat", "dog", "cat", "dog")
    shutil.rmtree(workspace.paths.snapshots)
    assert workspace.understanding.replaced(old, new) == {sample["sample_id"]}


def test_a_report_s_pictures_say_the_names_that_classes_have_now(workspace, add_run, monkeypatch):
    old, new = add_run("dog", "dog", "cat", "dog"), add_run("cat", "cat", "cat", "dog")
    workspace.review.change_class("pets", "cat", "kitten")
    monkeypatch.setattr("core.workspace.reporting.thumbnails.fetch", lambda *_: b"jpeg")
    content = workspace.reporting.content([old, new])
    shown = [[(one.label, one.predicted) for one in part.errors] for part in content.runs]
    assert shown == [[("kitten", "dog")], [("dog", "kitten")]]
    assert [(one.label, one.predicted) for one in content.fixed + content.broken] == [
        ("kitten", "kitten"), ("dog", "kitten"),
    ]  # fmt: skip
