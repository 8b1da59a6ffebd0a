import json
import shutil
import subprocess
from pathlib import Path

import pytest

from core.domain.decisions import Decision
from core.domain.samples import DatasetInfo
from core.review.queues import QueueItem
from dashboard.widgets import grid

HERE = Path(grid.__file__).parent
INFO = DatasetInfo("d" * 24, "zoo", ("cat", "<b>dog"), 3, {"cat": 2, None: 1}, {"train": 3}, ())


def item(number, label, **changes):
    values = {
        "sample_id": f"{number:024x}",
        "label": label,
        "split": "train",
        "suggestion": None,
        "confidence": None,
        "reason": "",
        "reviewed": False,
        "filepath": f"/photos/{number} <x>.png",
        "content_hash": f"{number:064x}"[::-1],
    }
    return QueueItem(**{**values, **changes})


def test_columns_hold_the_queue_in_order():
    items = [
        item(1, "cat", split="test", reviewed=True, reason="exact copy"),
        item(2, None, split="val", suggestion="<b>dog", confidence=0.876),
        item(3, "cat"),
    ]
    columns = grid.columns(items, INFO)
    assert columns["names"] == ["cat", "<b>dog"]
    assert columns["assignable"] == 2
    assert [columns["ids"][at : at + 24] for at in (0, 24, 48)] == [one.sample_id for one in items]
    assert [columns["hashes"][at : at + 8] for at in (0, 8, 16)] == [one.content_hash[:8] for one in items]
    assert columns["labels"] == [0, -1, 0]
    assert columns["suggestions"] == [-1, 1, -1]
    assert columns["confidences"] == [0, 88, 0]
    assert [columns["texts"][at] for at in columns["reasons"]] == ["exact copy", "", ""]
    assert columns["splits"] == "evt"
    assert columns["reviewed"] == "100"
    assert columns["counts"] == [2, 0]
    assert columns["files"] == "1 <x>.png/2 <x>.png/3 <x>.png"


def test_what_a_person_can_take_back_is_there_after_a_reload_whatever_others_did_since(in_memory, new_samples):
    workspace = in_memory
    info = workspace.store.create("zoo", ["cat", "dog"])
    ids = workspace.store.insert(info.id, new_samples(*["cat"] * 400))

    def relabel(chosen, who, batch):
        wanted = [Decision(one, "relabel", "dog", "cat", f"token-{one}") for one in chosen]
        workspace.decide("zoo", wanted, source="grid", who=who, batch=batch)

    relabel(ids[:1], "ann", "hers")
    workspace.add_class("zoo", "wasp")
    relabel(ids[1:], "bob", "his")
    lines = grid._recent(workspace, info, "ann")
    assert [(line["batch"], line["who"]) for line in lines] == [("his", "bob"), ("hers", "ann")]
    assert lines[1]["entries"] == [[ids[0], "cat", "dog", "relabel"]]


def test_a_label_that_is_no_class_is_shown_but_cannot_be_given():
    columns = grid.columns([item(1, "wasp", suggestion="moth", confidence=0.5)], INFO)
    assert columns["names"] == ["cat", "<b>dog", "moth", "wasp"]
    assert columns["assignable"] == 2
    assert columns["labels"] == [3]


def test_names_that_no_file_system_should_hold_survive():
    odd = item(1, "cat", filepath="/photos/\udcff \n\"'\u202e.png")
    assert json.loads(json.dumps(grid.columns([odd], INFO)))["files"] == "\udcff \n\"'\u202e.png"


def test_twenty_thousand_images_stay_small():
    items = [item(number, "cat", suggestion="cat", confidence=0.9) for number in range(20_000)]
    assert len(json.dumps(grid.columns(items, INFO))) < 2_000_000


def test_the_parts_of_a_long_queue_make_the_whole(monkeypatch):
    monkeypatch.setattr(grid, "PART", 700)
    items = [item(number, "cat") for number in range(2_500)]
    kept = grid._keep(items, INFO)
    assert grid._keep(items, INFO) is kept
    ids, parts = json.loads(kept.first)["ids"], 0
    while len(ids) < 24 * len(items):
        ids += json.loads(grid.part(kept.token, len(ids) // 24))["ids"]
        parts += 1
    assert ids == "".join(one.sample_id for one in items)
    assert parts == 3
    assert grid._keep(list(items), INFO).token != kept.token  # another list, another name: answers may be cached
    assert grid.part("0" * 32, 0) is None


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_is_a_module_without_errors(tmp_path):
    path = tmp_path / "grid.mjs"
    path.write_text(grid.script(), encoding="utf-8")
    assert subprocess.run(["node", "--check", path], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize(("most", "asks"), [(3, True), (2, False)])
def test_the_images_most_alike_are_asked_for_where_finding_them_is_quick(
    in_memory, new_samples, monkeypatch, most, asks
):
    info = in_memory.store.create("zoo", ["cat", "dog"])
    in_memory.store.insert(info.id, new_samples("cat", "dog", "cat"))
    drawn = {}
    monkeypatch.setattr(grid, "_component", lambda: lambda **given: drawn.update(json.loads(given["data"])))
    monkeypatch.setattr(grid.state, "person", lambda: "alice")
    monkeypatch.setattr(grid, "NEAR", most)
    grid.draw(in_memory, in_memory.dataset("zoo"), [item(1, "cat")], queue_title="All", key="all")
    assert drawn["near"] is asks
