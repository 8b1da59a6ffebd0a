"""What a retrain would see that the newest run has not."""

import pandas as pd

from core.domain.decisions import Decision
from core.jobs import folders
from core.review import classes
from core.runs.atomic import write_json
from core.snapshots import manifest
from core.snapshots.freeze import freeze
from core.workspace import running
from core.workspace.views import stale_meter


def _samples(*rows):
    frame = pd.DataFrame(rows, columns=["sample_id", "label", "split"]).astype(object)
    return frame.where(lambda f: f.notna(), None).assign(excluded=False, content_hash=frame["sample_id"] * 32)


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


def test_another_split_and_new_contents_are_seen_beside_changed_labels():
    meter = stale_meter("run-1", _samples(("a", "cat", "test"), ("b", "dog", "val"), ("c", None, "train")), THEN)
    assert (meter.moved, meter.in_test, meter.labels_changed, meter.stale) == (2, 2, 0, True)
    meter = stale_meter("run-1", THEN.assign(content_hash=["new", *THEN["content_hash"][1:]]), THEN)
    assert (meter.rewritten, meter.in_test, meter.moved, meter.stale) == (1, 0, 0, True)
    now = _samples(("a", "dog", "val"), ("b", "dog", "test"), ("d", "dog", "train"))
    meter = stale_meter("run-1", now.assign(content_hash=["a" * 32, "new", "d" * 32]), THEN)
    assert (meter.labels_changed, meter.moved, meter.rewritten, meter.added, meter.removed) == (1, 1, 1, 1, 1)
    assert meter.in_test == 1
    assert meter.touched == 4  # "a" has another label and lies elsewhere: one sample


def test_an_excluded_sample_counts_as_removed():
    meter = stale_meter("run-1", THEN.assign(excluded=[False, True, False]), THEN)
    assert (meter.labels_changed, meter.added, meter.removed, meter.in_test, meter.stale) == (0, 0, 1, 1, True)


def _finished_run(workspace):
    frozen = freeze(workspace.paths, workspace.dataset("zoo"), workspace.in_words_of_now("zoo"))
    spec = {"kind": "train", "dataset": "zoo", "snapshot": frozen.id, "classes": list(frozen.classes), "options": {}}
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", spec)
    write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": 1.0})
    return run.name


def test_labels_that_no_run_learns_are_no_change(in_memory, new_samples):
    workspace, store = in_memory, in_memory.store
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog", None, "cat", "horse"))
    classes.replace_class(store, info.id, "cat", "kitten")  # a renaming that was killed half done
    run = _finished_run(workspace)
    for meter in (workspace.stale("zoo"), workspace.not_in(run)):
        assert (meter.run, meter.touched, meter.stale) == (run, 0, False)
    workspace.add_class("zoo", "horse")  # now a run learns it
    assert workspace.stale("zoo").labels_changed == 1


def test_runs_of_one_snapshot_have_it_read_once(in_memory, new_samples, monkeypatch):
    workspace, store = in_memory, in_memory.store
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog"))
    runs, read, whole = [_finished_run(workspace) for _ in range(3)], [], manifest.of_run
    monkeypatch.setattr(manifest, "of_run", lambda paths: read.append(paths.name) or whole(paths))
    assert [workspace.not_in(run).stale for run in runs] == [False] * 3
    assert len(read) == 1


def test_a_run_whose_snapshot_was_removed_is_passed_over(in_memory, new_samples):
    workspace, store = in_memory, in_memory.store
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog"))
    spec = {"kind": "train", "dataset": "zoo", "snapshot": "gone", "classes": ["cat", "dog"], "options": {}}
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", spec)
    write_json(run.exit, {"returncode": 0, "signal": None, "ended_at": 1.0})
    assert workspace.run("run-1").state == "succeeded"
    meter = workspace.stale("zoo")
    assert (meter.run, meter.added) == (None, 2)


def test_the_meter_is_kept_until_something_changes(in_memory, new_samples, monkeypatch):
    """Every page asks for it every two seconds."""
    workspace, store, reckoned = in_memory, in_memory.store, []
    info = store.create("zoo", ["cat", "dog"])
    store.insert(info.id, new_samples("cat", "dog"))
    _finished_run(workspace)
    monkeypatch.setattr(running, "stale_meter", lambda *given: reckoned.append(given) or stale_meter(*given))
    assert [workspace.stale("zoo").stale for _ in range(3)] == [False] * 3
    assert len(reckoned) == 1
    sample = workspace.samples("zoo")["sample_id"][0]
    workspace.decide("zoo", [Decision(sample, "relabel", "dog", "cat", "t" * 12)], source="cli")
    assert [workspace.stale("zoo").labels_changed for _ in range(2)] == [1, 1]
    assert len(reckoned) == 2
    _finished_run(workspace)
    assert [workspace.stale("zoo").run for _ in range(2)] == ["run-2"] * 2
