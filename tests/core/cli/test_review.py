"""``queue``, ``journal``, ``undo``, ``redo`` and ``classes`` on the command line: what they really print."""

import itertools
import uuid

import pytest
from bson import ObjectId

from core.domain.decisions import Decision
from core.domain.findings import Finding
from core.runs import findings
from core.workspace import Workspace

_numbers = itertools.count()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """An empty one: nothing here needs pictures."""
    with Workspace.open(tmp_path_factory.mktemp("ws"), user="ann") as opened:
        yield opened


@pytest.fixture
def pets(workspace, new_samples):
    """A dataset of its own: (name, sample ids)."""
    name = f"pets-{next(_numbers)}"
    info = workspace.store.create(name, ["cat", "dog", "bird"])
    yield name, workspace.store.insert(info.id, new_samples("cat", "dog", "cat", None))
    workspace.store.delete(workspace.store.id_of(name))


def decide(workspace, name, sample, label, seen, *, who="ann", **more):
    wanted = [Decision(sample, "relabel", label, seen, uuid.uuid4().hex, **more)]
    assert workspace.decide(name, wanted, source="grid", queue="Doubtful", who=who)[0].saved


def labels(workspace, name):
    return workspace.store.frame(workspace.store.dataset(name).id)["label"].tolist()


def test_a_queue_in_order_with_score_suggestion_and_reasons(labelloop, workspace, pets):
    name, ids = pets
    info = workspace.store.dataset(name)
    doubts = [
        Finding(ids[0], "prompt-mismatch", 0.4, "looks like a dog", suggestion="dog"),
        Finding(ids[2], "prompt-mismatch", 0.9, "looks like a bird", suggestion="bird"),
    ]
    findings.write(workspace.paths, info.id, "prompt-mismatch", doubts)
    findings.write(workspace.paths, info.id, "dark", [Finding(ids[0], "dark", 0.5, "mean brightness 9")])
    code, found, err = labelloop("queue", "--dataset", name, "--kind", "prompt-mismatch", "--json")
    assert (code, err, found["count"]) == (0, "", 2)
    assert [(one["id"], one["label"], one["suggestion"], one["score"]) for one in found["items"]] == [
        (ids[2], "cat", "bird", 0.9),
        (ids[0], "cat", "dog", 0.4),
    ]
    _, merged, _ = labelloop("queue", "--dataset", name, "--json")
    last = merged["items"][-1]
    assert [one["id"] for one in merged["items"]] == [ids[2], ids[0]]
    assert (last["reasons"], last["reason"]) == (
        ["prompt-mismatch=dog", "dark="],
        "looks like a dog · mean brightness 9",
    )
    assert last["filepath"] == "/images/0.png"
    assert merged["items"][0]["score"] > last["score"] > 0
    _, dark, _ = labelloop("queue", "--dataset", name, "--kind", "dark", "--json")
    assert [one["id"] for one in dark["items"]] == [ids[0]]
    text = labelloop("queue", "--dataset", name, "--limit", "1")[1]
    assert "2 images" in text
    assert "looks like a bird" in text
    assert "looks like a dog" not in text
    _, kinds, _ = labelloop("queue", "--dataset", name, "--kinds", "--json")
    assert {(one["kind"], one["count"]) for one in kinds["queues"]} >= {("merged", 2), ("dark", 1), ("unlabelled", 1)}


@pytest.mark.parametrize("command", ["queue", "samples"])
def test_a_split_that_there_is_not_is_refused(labelloop, pets, command):
    code, out, err = labelloop(command, "--dataset", pets[0], "--split", "tset")
    assert (code, out) == (2, "")
    assert "There is no split 'tset'; choose train, val or test." in err


def test_the_journal_as_one_document(labelloop, workspace, pets):
    name, ids = pets
    decide(workspace, name, ids[0], "dog", "cat", suggestion="dog", evidence="suspicious=dog\ndark=")
    decide(workspace, name, ids[1], "bird", "dog", who="bob")
    _, found, _ = labelloop("journal", "--dataset", name, "--json")
    newest, oldest = found["entries"]
    assert (newest["who"], newest["old"], newest["new"], newest["queue"]) == ("bob", "dog", "bird", "Doubtful")
    assert (oldest["suggestion"], oldest["evidence"]) == ("dog", ["suspicious=dog", "dark="])
    assert oldest["filepath"] == "/images/0.png"
    _, his, _ = labelloop("journal", "--dataset", name, "--who", "bob", "--json")
    assert his["entries"] == [newest]
    assert "cat -> dog" in labelloop("journal", "--dataset", name)[1]
    code, _, err = labelloop("journal", "--dataset", name, "--since", "yesterday")
    assert (code, "'yesterday' is no time" in err) == (2, True)


def test_the_newest_is_taken_back_and_done_again(labelloop, workspace, pets):
    name, ids = pets
    decide(workspace, name, ids[0], "dog", "cat")
    decide(workspace, name, ids[1], "bird", "dog")
    _, found, _ = labelloop("undo", "--dataset", name, "--dry-run", "--json")
    assert len(found["entries"]) == 1
    assert labels(workspace, name) == ["dog", "bird", "cat", None]
    assert labelloop("undo", "--dataset", name, "--json")[1] == {"saved": 1, "refused": []}
    assert labels(workspace, name) == ["dog", "dog", "cat", None]
    assert labelloop("redo", "--dataset", name)[1] == "1 decisions done again.\n"
    assert labels(workspace, name) == ["dog", "bird", "cat", None]
    assert labelloop("undo", "--dataset", name, "--entry", "nothing")[0] == 2


def test_everything_since_a_time_of_one_person(labelloop, workspace, pets):
    name, ids = pets
    decide(workspace, name, ids[0], "dog", "cat")
    since = workspace.journal(name)[0].at.isoformat()
    decide(workspace, name, ids[1], "bird", "dog", who="bob")
    decide(workspace, name, ids[2], "dog", "cat", who="eve")
    _, done, _ = labelloop("undo", "--dataset", name, "--since", since, "--who", "bob", "--json")
    assert done["saved"] == 1
    assert labels(workspace, name) == ["dog", "dog", "dog", None]
    assert labelloop("undo", "--dataset", name, "--since", since, "--json")[1]["saved"] == 2
    assert labels(workspace, name) == ["cat", "dog", "cat", None]
    assert labelloop("undo", "--dataset", name)[1] == "There is nothing to undo.\n"


def test_what_somebody_else_confirmed_since_is_refused_with_the_reason(labelloop, workspace, pets):
    name, ids = pets
    decide(workspace, name, ids[0], "dog", "cat", who="bob")
    batch = workspace.journal(name)[0].batch
    decide(workspace, name, ids[0], "dog", "dog", who="eve")
    _, found, _ = labelloop("undo", "--dataset", name, "--batch", batch, "--json")
    assert found["saved"] == 0
    assert found["refused"] == [
        {"sample": ids[0], "label": "dog", "reason": "eve decided on this image since; it stays."}
    ]


def test_native_edits_are_in_the_journal_and_undo_passes_them_over(labelloop, workspace, pets):
    name, ids = pets
    decide(workspace, name, ids[0], "dog", "cat")
    samples = workspace.store._samples(workspace.store.dataset(name).id)
    samples.update_one({"_id": ObjectId(ids[1])}, {"$set": {"ground_truth.label": "bird"}})
    _, found, _ = labelloop("journal", "--dataset", name, "--json")
    assert [(one["source"], one["new"]) for one in found["entries"]] == [("native", "bird"), ("grid", "dog")]
    assert labelloop("undo", "--dataset", name, "--json")[1]["saved"] == 1
    assert labels(workspace, name) == ["cat", "bird", "cat", None]
    script = found["entries"][0]["batch"]
    assert labelloop("undo", "--dataset", name, "--batch", script, "--json")[1]["saved"] == 1
    assert labels(workspace, name) == ["cat", "dog", "cat", None]


def test_classes_are_listed_added_renamed_merged_removed_and_taken_back(labelloop, workspace, pets):
    name, _ = pets

    def classes(*more):
        return labelloop("classes", *more, "--dataset", name, "--json")

    assert classes()[1]["classes"] == {"cat": 2, "dog": 1, "bird": 0}
    assert classes("add", "wasp")[1]["classes"] == ["cat", "dog", "bird", "wasp"]
    assert classes("remove", "bird")[1]["classes"] == ["cat", "dog", "wasp"]
    code, _, err = labelloop("classes", "remove", "cat", "--dataset", name)
    assert (code, "2 images are labelled 'cat'" in err) == (2, True)
    _, planned, _ = classes("rename", "cat", "kitten", "--dry-run")
    assert (planned["kind"], planned["samples"], planned["classes"]) == ("rename", 2, ["kitten", "dog", "wasp"])
    assert labels(workspace, name) == ["cat", "dog", "cat", None]
    assert classes("rename", "cat", "kitten")[1]["samples"] == 2
    assert labelloop("classes", "rename", "dog", "kitten", "--dataset", name)[0] == 2
    assert labelloop("classes", "merge", "dog", "hound", "--dataset", name)[0] == 2
    assert "'kitten' instead of 'dog'" in labelloop("classes", "merge", "dog", "kitten", "--dataset", name)[1]
    assert labels(workspace, name) == ["kitten", "kitten", "kitten", None]
    text = labelloop("journal", "--dataset", name)[1]
    for line in ("class wasp added", "class bird removed", "class cat -> kitten", "class dog -> kitten"):
        assert line in text
    for _ in range(4):
        labelloop("undo", "--dataset", name)
    assert classes()[1]["classes"] == {"cat": 2, "dog": 1, "bird": 0}
    assert labels(workspace, name) == ["cat", "dog", "cat", None]
    assert labelloop("classes")[0] == 2
