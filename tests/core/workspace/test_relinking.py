"""Folders that were moved: the same samples, their labels and their history, at the new paths."""

import shutil

import pytest

from core.checks import shelf
from core.domain.decisions import Decision
from core.domain.errors import BadInput
from core.jobs import folders
from core.runs.atomic import read_json_lines
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.snapshots import manifest
from core.snapshots.freeze import freeze
from tests.imports import bring_in


@pytest.fixture
def workspace(in_memory, tmp_path, picture):
    """Dataset "pets" of eight images; "again.png" is a copy of "0.png", and the label of "2.png" is a person's."""
    for number in range(7):
        picture(tmp_path / "old" / ("cats" if number < 4 else "dogs") / f"{number}.png", seed=number)
    shutil.copy(tmp_path / "old" / "cats" / "0.png", tmp_path / "old" / "cats" / "again.png")
    bring_in(in_memory, "pets", tmp_path / "old")
    sample_id = ids(in_memory)["2.png"]
    in_memory.decide("pets", [Decision(sample_id, "relabel", "dogs", "cats", "t1")], source="grid")
    return in_memory


def ids(workspace):
    frame = workspace.samples("pets")
    return dict(zip((path.rsplit("/", 1)[1] for path in frame["filepath"]), frame["sample_id"], strict=True))


def unmoved(frame):
    return frame.drop(columns=["filepath", "source", "mtime_ns"])


def test_a_moved_folder_keeps_ids_labels_and_history_after_a_preview(workspace, tmp_path):
    before, snapshot = (
        workspace.samples("pets"),
        freeze(workspace.paths, workspace.dataset("pets"), workspace.samples("pets")),
    )
    with folders.lock_of(workspace.paths.runs):
        run = folders.make(workspace.paths.runs, "run", {"kind": "train", "dataset": "pets", "snapshot": snapshot.id})
    manifest.keep(workspace.paths.snapshot(snapshot.id), run.snapshot)
    shutil.move(tmp_path / "old", tmp_path / "new" / "deeper")
    (tmp_path / "new" / "deeper" / "dogs" / "6.png").write_bytes(b"something else")
    plan = workspace.relinking.preview("pets", tmp_path / "new")
    assert (len(plan.moves), plan.missing, plan.kept) == (7, 8, 0)
    assert workspace.samples("pets").equals(before)

    done = workspace.relinking.relink("pets", tmp_path / "new")
    assert done == plan
    after = workspace.samples("pets")
    assert unmoved(after).equals(unmoved(before))
    for old, new in zip(before["filepath"], after["filepath"], strict=True):
        gone = old.endswith("6.png")
        assert new == (old if gone else old.replace("/old/", "/new/deeper/"))  # copies too: each has its own file
    assert [entry.new for entry in workspace.review.history("pets", ids(workspace)["2.png"])] == ["dogs"]
    frozen = manifest.read(workspace.paths.snapshot(snapshot.id))
    assert frozen.id == snapshot.id
    assert frozen.samples["filepath"].tolist() == after["filepath"].tolist()
    shutil.rmtree(workspace.paths.snapshot(snapshot.id))  # the run lives on by its own
    assert manifest.of_run(run).samples["filepath"].tolist() == after["filepath"].tolist()
    (line,) = read_json_lines(workspace.paths.checked(workspace.dataset("pets").id) / "relinked.jsonl")
    assert (line["who"], len(line["moves"])) == ("ann", 7)

    report = bring_in(workspace, "pets", tmp_path / "new" / "deeper").as_json()
    assert (report["present"], report["added"]) == (7, 0)
    assert workspace.relinking.preview("pets", tmp_path / "new").missing == 1


def test_only_what_lay_below_the_old_folder_is_looked_for(workspace, tmp_path):
    shutil.move(tmp_path / "old", tmp_path / "new")
    plan = workspace.relinking.preview("pets", tmp_path / "new", old=tmp_path / "old" / "dogs")
    assert (plan.missing, len(plan.moves)) == (3, 3)
    with pytest.raises(BadInput, match="lies below"):
        workspace.relinking.preview("pets", tmp_path / "new", old=tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="There is no folder"):
        workspace.relinking.preview("pets", tmp_path / "nowhere")


def test_a_folder_that_was_imported_anew_gives_its_files_back(workspace, tmp_path):
    before = ids(workspace)
    shutil.move(tmp_path / "old", tmp_path / "new")
    report = bring_in(workspace, "pets", tmp_path / "new").as_json()
    assert report["duplicate"] == 8
    assert any("whose files are gone" in note for note in report["notes"])
    frame = workspace.samples("pets")
    twins = frame[~frame["sample_id"].isin(before.values())]
    decided = twins["sample_id"].iat[0]
    label = twins["label"].iat[0]
    workspace.decide("pets", [Decision(decided, "confirm", label, label, "t2")], source="grid")

    done = workspace.relinking.relink("pets", tmp_path / "new")
    assert (len(done.moves), done.kept) == (7, 1)
    after = workspace.samples("pets").set_index("sample_id")
    assert after["filepath"].is_unique
    moved = [move.sample_id for move in done.moves]
    assert after.loc[moved, "filepath"].str.contains("/new/").all()
    assert not after.loc[moved, "excluded"].any()
    assert after.loc[[move.twin for move in done.moves], "excluded"].all()
    assert not after.loc[decided, "excluded"]
    report = bring_in(workspace, "pets", tmp_path / "new").as_json()
    assert (report["present"], report["added"], report["duplicate"]) == (8, 0, 0)


def test_the_finding_ends_with_the_relink(workspace, tmp_path):
    dataset_id = workspace.dataset("pets").id
    shutil.move(tmp_path / "old", tmp_path / "new")
    folder = workspace.paths.checked(dataset_id)
    shelf.write_missing(folder, workspace.samples("pets"), Progress(RunPaths(tmp_path / "job-1")))
    assert workspace.health.refresh("pets")["missing-file"] == 8
    workspace.relinking.relink("pets", tmp_path / "new")
    assert workspace.health.refresh("pets")["missing-file"] == 0
    assert shelf.read_missing(folder) == {}


def test_relinking_again_leaves_the_samples_that_got_their_files_back(workspace, tmp_path):
    before = ids(workspace)
    shutil.move(tmp_path / "old", tmp_path / "new")
    bring_in(workspace, "pets", tmp_path / "new")
    frozen = freeze(workspace.paths, workspace.dataset("pets"), workspace.samples("pets"))
    workspace.relinking.relink("pets", tmp_path / "new")
    after = workspace.samples("pets")
    files = manifest.read(workspace.paths.snapshot(frozen.id)).samples["filepath"]
    assert files.str.contains("/new/").all()  # of the twins too: their contents lie there still

    again = workspace.relinking.relink("pets", tmp_path / "new")
    assert (again.moves, again.missing) == ((), 0)
    assert workspace.samples("pets").equals(after)

    shutil.move(tmp_path / "new", tmp_path / "old")  # back, where the twins are said to be
    (tmp_path / "old").rename(tmp_path / "third")
    moved = workspace.relinking.relink("pets", tmp_path / "third")
    assert {move.sample_id for move in moved.moves} == set(before.values())
    assert not any(move.twin for move in moved.moves)
    kept = workspace.samples("pets").set_index("sample_id").loc[list(before.values())]
    assert not kept["excluded"].any()
    assert kept["filepath"].str.contains("/third/").all()


def test_a_dataset_without_samples_misses_no_file(workspace, tmp_path):
    workspace.store.create("empty", ("cats",))
    assert workspace.relinking.preview("empty", tmp_path).missing == 0
