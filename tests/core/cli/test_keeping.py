"""Datasets on the command line: listed, renamed, put away, brought back, deleted."""

import time

import pytest

from core.jobs import folders
from core.runs.atomic import write_json
from core.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """An empty one: nothing here needs pictures."""
    with Workspace.open(tmp_path_factory.mktemp("ws"), user="ann") as opened:
        yield opened


@pytest.fixture
def pets(workspace, new_samples):
    """The dataset "pets" of two images; whatever is there is gone afterwards."""
    info = workspace.store.create("pets", ["cat", "dog"])
    workspace.store.insert(info.id, new_samples("cat", "dog"))
    yield info.id
    for naming in workspace.store.namings():
        workspace.store.delete(naming.id)


def listed(labelloop):
    return [one["name"] for one in labelloop("datasets", "--json")[1]["datasets"]]


def test_another_name(labelloop, pets):
    code, said, _ = labelloop("datasets", "rename", "pets", "animals", "--json")
    assert (code, said) == (0, {"dataset": "animals", "was": "pets"})
    assert listed(labelloop) == ["animals"]
    none = "There is no dataset 'pets' in this workspace;"
    code, _, error = labelloop("datasets", "rename", "pets", "animals")
    assert (code, error) == (2, f"{none} it holds: animals. 'pets' is called 'animals' now.\n")


def test_away_and_back(labelloop, workspace, pets):
    code, text, _ = labelloop("datasets", "put-away", "pets")
    assert code == 0
    assert "labelloop datasets bring-back 'pets'" in text
    assert listed(labelloop) == []
    (away,) = labelloop("datasets", "--put-away", "--json")[1]["put_away"]
    assert (away["id"], away["name"], away["samples"], away["decisions"], away["runs"]) == (pets, "pets", 2, 0, 0)
    assert pets in labelloop("datasets", "--put-away")[1]

    workspace.store.create("pets", ["cat"])
    code, _, error = labelloop("datasets", "bring-back", "pets")
    assert code == 2
    assert "There is a dataset 'pets' already" in error
    assert labelloop("datasets", "bring-back", pets, "--as", "older", "--json")[:2] == (0, {"dataset": "older"})
    assert listed(labelloop) == ["older", "pets"]
    assert labelloop("datasets", "--put-away")[1] == "No dataset is put away.\n"


def test_nothing_is_deleted_by_the_way(labelloop, workspace, pets):
    code, _, error = labelloop("datasets", "delete", "pets", "--yes")
    assert (code, error) == (2, "No dataset 'pets' is put away; those that are: none.\n")
    labelloop("datasets", "put-away", "pets")
    code, _, error = labelloop("datasets", "delete", "pets")
    assert code == 2
    assert "the labels of 2 images, 0 entries of the journal, 0 runs" in error
    assert "--yes" in error
    assert [naming.id for naming in workspace.store.namings()] == [pets]
    code, said, _ = labelloop("datasets", "delete", "pets", "--yes", "--json")
    assert (code, said["deleted"]["id"]) == (0, pets)
    assert workspace.store.namings() == []


def test_a_dataset_as_a_table(labelloop, pets, tmp_path):
    code, said, _ = labelloop("datasets", "export", "pets", "--to", tmp_path / "pets.csv", "--as", "csv", "--json")
    assert (code, said) == (0, {"dataset": "pets", "target": str(tmp_path / "pets.csv"), "files": 2, "left_out": []})
    assert len((tmp_path / "pets.csv").read_text().splitlines()) == 3
    code, _, error = labelloop("datasets", "export", "pets", "--to", tmp_path / "pets.xml", "--as", "xml")
    assert (code, error) == (2, "There is no form 'xml'; choose folders, zip or csv.\n")


def test_a_run_that_is_put_away_is_deleted(labelloop, workspace, pets):
    with folders.lock_of(workspace.paths.runs):
        made = folders.make(workspace.paths.runs, "run", {"kind": "train", "dataset": "pets", "options": {}})
    write_json(made.exit, {"code": 0, "ended_at": time.time()})
    code, _, error = labelloop("delete-run", made.name)
    assert (code, "--yes" in error) == (2, True)
    code, _, error = labelloop("delete-run", made.name, "--yes")
    assert (code, "not put away" in error) == (2, True)
    labelloop("note", made.name, "--archive")
    code, said, _ = labelloop("delete-run", made.name, "--yes", "--json")
    assert (code, said["deleted"]) == (0, made.name)
    assert said["size_bytes"] > 0
    assert workspace.runs() == []
