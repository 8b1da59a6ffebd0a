"""The journal on the command line: text, one JSON document, CSV and JSON Lines, on standard output and in files."""

import csv
import json
import uuid

import pytest

from core.domain.decisions import USER, Decision
from core.jobs.launcher import Launcher
from core.runs.layout import WorkspacePaths
from core.services import mongod
from core.store.mongo import MongoStore
from core.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """An empty one: nothing here needs pictures."""
    with Workspace.open(tmp_path_factory.mktemp("ws"), user="ann") as opened:
        yield opened


def test_the_journal_as_csv_and_json_lines(labelloop, workspace, new_samples, tmp_path):
    info = workspace.store.create("journalled", ["cat", "=dog"])
    (sample,) = workspace.store.insert(info.id, new_samples("cat"))
    workspace.decide("journalled", [Decision(sample, "relabel", "=dog", "cat", uuid.uuid4().hex)], source="grid")

    code, text, _ = labelloop("journal", "--dataset", "journalled", "--csv")
    (row,) = csv.DictReader(text.splitlines())
    assert (code, row["sample_id"], row["old"], row["new"]) == (0, sample, "cat", "'=dog")
    code, text, _ = labelloop("journal", "--dataset", "journalled", "--jsonl")
    assert (code, json.loads(text)["new"]) == (0, "=dog")
    file = tmp_path / "journal.csv"
    assert labelloop("journal", "--dataset", "journalled", "--csv", "--out", file)[0] == 0
    assert [one["new"] for one in csv.DictReader(file.read_text(encoding="utf-8").splitlines())] == ["'=dog"]
    assert labelloop("journal", "--dataset", "journalled", "--csv", "--jsonl")[0] == 2
    assert labelloop("journal", "--dataset", "journalled", "--out", file)[0] == 2


@pytest.mark.parametrize(("given", "login", "who"), [(["--user", "Ann"], "eve", "Ann"), ([], "eve", "eve")])
def test_the_journal_has_the_name_of_user_or_that_of_the_login(
    labelloop, workspace, new_samples, monkeypatch, given, login, who
):
    monkeypatch.setenv(USER, "")  # what --user sets lasts to the end of the test
    monkeypatch.setenv("LOGNAME", login)
    name = f"named by {who}"
    info = workspace.store.create(name, ["cat", "dog"])
    (sample,) = workspace.store.insert(info.id, new_samples("cat"))
    assert labelloop(*given, "relabel", "--dataset", name, "--to", "dog", "--sample", sample)[0] == 0
    (entry,) = workspace.journal(name)
    assert (entry.who, entry.source) == (who, "cli")


def test_what_was_decided_is_taken_back_from_another_folder_on_the_same_database(workspace, new_samples, tmp_path):
    info = workspace.store.create("shared", ["cat", "dog"])
    (sample,) = workspace.store.insert(info.id, new_samples("cat"))
    workspace.decide("shared", [Decision(sample, "relabel", "dog", "cat", uuid.uuid4().hex)], source="grid", who="ann")
    store = MongoStore(workspace._database.uri, mongod.DATABASE)
    with Workspace(WorkspacePaths(tmp_path / "elsewhere"), store, user="bob", launcher=Launcher()) as elsewhere:
        (outcome,) = elsewhere.review.undo("shared")
        assert (outcome.saved, elsewhere.samples("shared")["label"].tolist()) == (True, ["cat"])
    newest, first = workspace.journal("shared")
    assert (newest.who, newest.undoes, first.undone) == ("bob", first.id, True)
    assert workspace.samples("shared")["label"].tolist() == ["cat"]
