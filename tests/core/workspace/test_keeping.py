"""Datasets get other names, go out of sight and come back, each with the runs that were its own."""

import time

import pandas as pd
import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput, NotFound
from core.domain.findings import Finding
from core.domain.runs import TrainOptions
from core.jobs import folders
from core.runs import findings
from core.runs.atomic import write_json
from core.workspace import Workspace


@pytest.fixture
def zoo(in_memory, new_samples):
    """A workspace in memory with the dataset "zoo" and a run on it that has ended."""
    info = in_memory.store.create("zoo", ["cat", "dog"])
    in_memory.store.insert(info.id, new_samples("cat", "dog"))
    _ended(in_memory, "zoo")
    return in_memory


def _ended(workspace, dataset, **spec):
    with folders.lock_of(workspace.paths.runs):
        made = folders.make(workspace.paths.runs, "run", {"kind": "train", "dataset": dataset, "options": {}, **spec})
    write_json(made.exit, {"code": 0, "ended_at": time.time()})
    return made


def _names(workspace, dataset):
    return [view.name for view in workspace.runs(dataset)]


def test_runs_go_with_a_dataset_that_is_renamed(zoo):
    assert zoo.keeping.rename("zoo", "  animals ") == "animals"
    assert zoo.names() == ["animals"]
    _ended(zoo, "animals")
    assert _names(zoo, "animals") == ["run-2", "run-1"]
    assert {view.dataset for view in zoo.runs()} == {"animals"}
    with pytest.raises(NotFound):
        zoo.dataset("zoo")
    zoo.store.create("zoo", ["car"])  # a new one of the old name has none of them
    assert _names(zoo, "zoo") == []
    assert zoo.keeping.rename("animals", "animals") == "animals"


def test_an_old_name_leads_to_the_dataset_that_had_it_last(zoo):
    assert zoo.keeping.called_now("zoo") is None
    zoo.keeping.rename("zoo", "animals")
    zoo.store.create("zoo", [])
    zoo.keeping.rename("zoo", "cars")
    zoo.keeping.rename("animals", "beasts")
    assert (zoo.keeping.called_now("zoo"), zoo.keeping.called_now("animals")) == ("cars", "beasts")
    zoo.keeping.put_away("cars")
    assert zoo.keeping.called_now("zoo") == "beasts"


@pytest.mark.parametrize("name", ["", "---", "x" * 101])
def test_a_name_that_no_dataset_can_have(zoo, name):
    with pytest.raises(BadInput):
        zoo.keeping.rename("zoo", name)
    assert zoo.names() == ["zoo"]


def test_a_dataset_and_its_runs_are_put_away_and_brought_back(zoo, new_samples):
    dataset_id = zoo.dataset("zoo").id
    zoo.keeping.put_away("zoo")
    assert zoo.names() == []
    assert zoo.run("run-1").dataset == "zoo (put away)"
    (away,) = zoo.keeping.away()
    assert (away.id, away.name, away.samples, away.runs) == (dataset_id, "zoo", 2, 1)
    assert away.size_bytes > 0

    other = zoo.store.create("zoo", ["cat", "dog"])
    zoo.store.insert(other.id, new_samples("cat"))
    second = _ended(zoo, "zoo")
    assert _names(zoo, "zoo") == [second.name]
    with pytest.raises(BadInput, match="already"):
        zoo.keeping.bring_back(dataset_id)
    assert zoo.keeping.bring_back(dataset_id, "first zoo") == "first zoo"
    assert _names(zoo, "first zoo") == ["run-1"]
    assert zoo.dataset("first zoo").samples == 2
    assert _names(zoo, "zoo") == [second.name]
    assert zoo.keeping.away() == []

    zoo.keeping.put_away("zoo")
    zoo.keeping.put_away("first zoo")
    assert [one.name for one in zoo.keeping.away()] == ["first zoo", "zoo"]
    assert zoo.keeping.find("zoo").id == other.id
    with pytest.raises(NotFound, match="'nope'.*first zoo, zoo"):
        zoo.keeping.find("nope")


def test_deleting_for_good_takes_what_was_its_own_and_no_more(zoo, new_samples):
    mine, other = zoo.dataset("zoo").id, zoo.store.create("cars", ["car"]).id
    for key in (mine, other):
        findings.write(zoo.paths, key, "blurred", [Finding("s", "blurred", 0.5, "")])
        write_json(zoo.paths.costs / f"{key}.json", {})
    _ended(zoo, "cars")
    with pytest.raises(NotFound):
        zoo.keeping.delete(mine)  # only what was put away
    zoo.keeping.put_away("zoo")
    watch = {"id": "w", "folder": "/outputs", "dataset": "new", "run": "run-1", "job": None}
    write_json(zoo.paths.watches / "w.json", watch)
    with pytest.raises(BadInput, match="run-1 predicts what arrives in '/outputs'"):
        zoo.keeping.delete(mine)
    assert zoo.run("run-1").dataset == "zoo (put away)"
    (zoo.paths.watches / "w.json").unlink()
    gone = zoo.keeping.delete(mine)
    assert (gone.name, gone.runs) == ("zoo", 1)
    assert [naming.name for naming in zoo.store.namings()] == ["cars"]
    assert [view.name for view in zoo.runs()] == ["run-2"]
    assert list((zoo.paths.runs / "run-1").iterdir()) == []
    assert not zoo.paths.findings(mine).exists()
    assert not (zoo.paths.costs / f"{mine}.json").exists()
    assert list(zoo.paths.findings(other).iterdir())
    assert (zoo.paths.costs / f"{other}.json").exists()
    assert _ended(zoo, "cars").name == "run-3"  # numbers are not given twice
    zoo.store.create("zoo", ["cat"])
    assert _names(zoo, "zoo") == []


@pytest.mark.parametrize("act", ["rename", "put_away"])
def test_nothing_moves_while_something_works_on_it(zoo, tmp_path, act):
    change = (lambda: zoo.keeping.rename("zoo", "animals")) if act == "rename" else lambda: zoo.keeping.put_away("zoo")
    with folders.lock_of(zoo.paths.runs):
        waits = folders.make(zoo.paths.runs, "run", {"kind": "train", "dataset": "zoo", "options": {}})
    with pytest.raises(BadInput, match=r"\(run-2\) is queued on 'zoo'"):
        change()
    write_json(waits.exit, {"code": 0, "ended_at": time.time()})
    write_json(zoo.paths.watches / "w.json", {"id": "w", "folder": str(tmp_path), "dataset": "zoo", "job": None})
    with pytest.raises(BadInput, match="watched"):
        change()
    assert zoo.names() == ["zoo"]


def test_what_was_asked_for_under_another_name_does_not_go_on_by_it(zoo):
    with folders.lock_of(zoo.paths.jobs):
        job = folders.make(zoo.paths.jobs, "job", {"kind": "import", "dataset": "zoo", "folder": "/nowhere"})
    write_json(job.exit, {"code": 1, "ended_at": time.time()})
    zoo.keeping.rename("zoo", "animals")
    with pytest.raises(BadInput, match="called 'zoo'; start it anew"):
        zoo.control.retry(job.name)
    zoo.keeping.put_away("animals")
    with pytest.raises(BadInput, match="bring that back first"):
        zoo.control.retry(job.name)
    assert zoo.names() == []


def test_a_run_is_deleted_only_when_it_is_put_away_and_its_number_is_not_given_again(zoo, tmp_path):
    (zoo.paths.runs / "run-1" / "model.onnx").write_bytes(b"x" * 5_000)
    with pytest.raises(BadInput, match="not put away"):
        zoo.history.delete("run-1")
    zoo.history.annotate("run-1", archived=True)
    watch = {"id": "w", "folder": str(tmp_path), "dataset": "new", "run": "run-1", "job": None}
    write_json(zoo.paths.watches / "w.json", watch)
    with pytest.raises(BadInput, match="end that watch first"):
        zoo.history.delete("run-1")
    (zoo.paths.watches / "w.json").unlink()
    with folders.lock_of(zoo.paths.runs):
        waits = folders.make(zoo.paths.runs, "run", {"kind": "train", "dataset": "zoo", "options": {}})
    with pytest.raises(BadInput, match="is queued"):
        zoo.history.delete(waits.name)
    assert zoo.history.delete("run-1") > 5_000
    assert _names(zoo, "zoo") == [waits.name]
    with pytest.raises(NotFound):
        zoo.run("run-1")
    assert _ended(zoo, "zoo").name == "run-3"
    with pytest.raises(NotFound):
        zoo.history.delete("run-1")


def test_a_dataset_is_written_as_it_is_now(trained, tmp_path):
    frame = trained.samples("shapes")
    moved, left = frame["sample_id"].iat[0], frame["sample_id"].iat[1]
    label = next(name for name in trained.dataset("shapes").classes if name != frame["label"].iat[0])
    made = [
        Decision(moved, "relabel", label, frame["label"].iat[0], "exported-1"),
        Decision(left, "exclude", None, frame["label"].iat[1], "exported-2"),
    ]
    assert all(outcome.saved for outcome in trained.decide("shapes", made, source="grid", batch="exported"))
    try:
        done = trained.keeping.export("shapes", tmp_path / "shapes.csv", "csv")
        table = pd.read_csv(tmp_path / "shapes.csv").set_index("sample_id")
        assert done.files == len(table) == len(frame) - 1
        assert table["label"][moved] == label
        assert left not in table.index
        folder = trained.keeping.export("shapes", tmp_path / "out", "folders")
        assert (folder.files, folder.left_out) == (len(table), ())
        assert (tmp_path / "out" / "labels.csv").exists()
        with pytest.raises(BadInput, match="is there already"):
            trained.keeping.export("shapes", tmp_path / "shapes.csv", "csv")
    finally:
        trained.undo("shapes", batch="exported")


def test_another_process_learns_of_it(trained):
    """All parts real: decisions, queues, the meter and a further run under another name, seen by a second workspace."""
    first = trained.runs("shapes")[0].name
    for job in trained.jobs("shapes"):  # the check after the import may still go
        trained.wait(job.name, timeout=120)
    with Workspace.open(trained.paths.root, user="bob") as other:
        dataset = other.dataset("shapes")
        before = trained.samples("shapes")
        trained.keeping.rename("shapes", "forms")
        try:
            assert other.name_of(dataset.id) == "forms"
            with pytest.raises(NotFound):
                other.uncounted("shapes")
            assert other.stale("forms").run == first
            assert not other.stale("forms").stale
            sample, label = before[["sample_id", "label"]].iloc[0]
            made = [Decision(sample, "confirm", None, label, "another-name")]
            assert other.decide("forms", made, source="grid")[0].saved
            again = trained.wait(trained.history.again(first), timeout=120)
            assert (again.state, again.dataset, again.spec["dataset"]) == ("succeeded", "forms", "forms")
            trained.retrain("forms", TrainOptions(seed=3))
            trained.wait(trained.runs("forms")[0].name, timeout=120)

            trained.keeping.put_away("forms")
            assert trained.names() == []
            with pytest.raises(NotFound):
                other.decide("forms", made, source="grid")
            with pytest.raises(NotFound):
                trained.history.again(first)
        finally:
            away = trained.keeping.away()
            name = (
                trained.keeping.bring_back(away[0].id, "shapes") if away else trained.keeping.rename("forms", "shapes")
            )
        assert name == "shapes"
        assert len(trained.runs("shapes")) == 3
        assert trained.samples("shapes")["sample_id"].equals(before["sample_id"])
        with Workspace.open(trained.paths.root) as third:
            assert [entry.kind for entry in third.journal("shapes", limit=1)] == ["confirm"]
