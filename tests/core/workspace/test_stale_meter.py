"""What a retrain would see that the newest run has not."""

import pandas as pd

from core.jobs import folders
from core.jobs.launcher import Launcher
from core.runs.atomic import write_json
from core.runs.layout import WorkspacePaths
from core.store.memory import MemoryStore
from core.workspace import Workspace
from core.workspace.views import stale_meter


def _samples(*rows):
    frame = pd.DataFrame(rows, columns=["sample_id", "label", "split"]).astype(object)
    return frame.where(lambda f: f.notna(), None).assign(excluded=False)


THEN = _samples(("a", "cat", "train"), ("b", "dog", "test"), ("c", None, "train"))


def test_nothing_changed():
    meter = stale_meter("run-1", THEN.copy(), THEN)
    assert (meter.labels_changed, meter.added, meter.removed, meter.stale) == (0, 0, 0, False)


def test_labels_changed_given_and_taken_away():
    now = _samples(("a", None, "train"), ("b", "cat", "test"), ("c", "dog", "train"))
    meter = stale_meter("run-1", now, THEN)
    assert (meter.labels_changed, meter.in_test, meter.stale) == (3, 1, True)


def test_samples_added_and_removed():
    now = _samples(("a", "cat", "train"), ("b", "cat", "test"), ("d", "dog", "train"), ("e", None, "val"))
    meter = stale_meter("run-1", now, THEN)
    assert (meter.labels_changed, meter.added, meter.removed, meter.in_test) == (1, 2, 1, 1)


def test_an_excluded_sample_counts_as_removed():
    meter = stale_meter("run-1", THEN.assign(excluded=[False, True, False]), THEN)
    assert (meter.labels_changed, meter.added, meter.removed, meter.in_test, meter.stale) == (0, 0, 1, 1, True)


def test_a_run_whose_snapshot_was_removed_is_passed_over(tmp_path, new_samples):
    store = MemoryStore()
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog"))
    workspace = Workspace(WorkspacePaths(tmp_path), store, user="ann", launcher=Launcher())
    spec = {"kind": "train", "dataset": "zoo", "snapshot": "gone", "classes": ["cat", "dog"], "options": {}}
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", spec)
    write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": 1.0})
    assert workspace.run("run-1").state == "succeeded"
    meter = workspace.stale("zoo")
    assert (meter.run, meter.added) == (None, 2)
