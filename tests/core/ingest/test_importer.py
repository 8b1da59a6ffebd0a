"""Import on the real store: one outcome a file, nothing of the user's changed, growth, splits."""

import os
import shutil
from collections import Counter

import pytest

from core.domain.decisions import LabelChange
from core.ingest import outcomes
from core.ingest.importer import Wishes
from core.ingest.one_pass import Extras
from tests.stealth import stealth


@pytest.fixture
def folder(tmp_path, picture):
    root = tmp_path / "images"
    for label in range(2):
        for number in range(10):
            picture(root / ["cats", "dogs"][label] / f"{number}.png", seed=label * 100 + number)
    return root


def _fingerprint(root):
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(root.rglob("*")) if p.is_file()}


def test_everything_comes_in_and_nothing_of_the_users_changes(bring_in, folder):
    before = _fingerprint(folder)
    report, frame = bring_in(folder)
    assert _fingerprint(folder) == before
    assert (report["files"], report["added"], report["duplicate"], report["quarantined"]) == (20, 20, 0, 0)
    assert Counter(frame["label"]) == {"cats": 10, "dogs": 10}
    assert report["splits"] == dict(Counter(frame["split"]))
    assert Counter(frame[frame["label"] == "cats"]["split"]) == {"train": 6, "val": 2, "test": 2}
    assert frame["width"].tolist() == [40] * 20


def test_again_is_present_by_stat_alone(bring_in, folder, monkeypatch):
    _, first = bring_in(folder)
    monkeypatch.setattr("core.ingest.readers.Readers._start_one_more", lambda self: pytest.fail("read again"))
    report, second = bring_in(folder)
    assert (report["present"], report["added"]) == (20, 0)
    assert second.equals(first)


def test_a_grown_folder_adds_only_what_is_new_and_keeps_labels_and_splits(bring_in, folder, picture, memory):
    _, first = bring_in(folder)
    picture(folder / "cats" / "new.png", seed=999)
    report, frame = bring_in(folder)
    assert (report["present"], report["added"]) == (20, 1)
    kept = frame[frame["sample_id"].isin(first["sample_id"])]
    assert kept["split"].tolist() == first["split"].tolist()


@pytest.mark.parametrize("file", ["the same", "changed"])
def test_a_label_that_a_person_gave_is_kept_and_told(bring_in, folder, picture, memory, file):
    _, first = bring_in(folder)
    mine = first[first["filepath"] == str(folder / "cats" / "0.png")].iloc[0]
    dataset = memory.dataset("pets").id
    memory.change_labels(dataset, [LabelChange("e1", mine["sample_id"], "cats", "dogs", reviewed=True)])
    if file == "changed":
        picture(folder / "cats" / "0.png", seed=4321)
    picture(folder / "cats" / "more.png", seed=4322)
    report, frame = bring_in(folder)
    row = frame[frame["sample_id"] == mine["sample_id"]].iloc[0]
    assert (row["label"], row["reviewed"], row["split"]) == ("dogs", True, mine["split"])
    assert len(frame) == 21
    if file == "the same":
        kept = {"path": mine["filepath"], "label": "dogs", "label_of_source": "cats"}
        assert (report["kept"], report["kept_labels"]) == (1, [kept])


def test_a_val_folder_that_lacks_a_class_shifts_no_label(bring_in, tmp_path, picture):
    for seed, name in enumerate(("train/ant", "train/bee", "train/cow", "val/ant", "val/cow")):
        picture(tmp_path / "split" / name / "1.png", seed=seed)
    _, frame = bring_in(tmp_path / "split")
    assert {path.rsplit("/", 2)[1] == label for path, label in zip(frame["filepath"], frame["label"], strict=True)} == {
        True
    }


def test_a_copy_that_is_skipped_is_present_and_one_under_another_label_comes_in(bring_in, folder):
    shutil.copy(folder / "cats" / "0.png", folder / "cats" / "again.png")
    shutil.copy(folder / "cats" / "1.png", folder / "dogs" / "other.png")
    report, frame = bring_in(folder, wishes=Wishes(skip_copies=True))
    assert (report["added"], report["duplicate"], report["present"]) == (20, 1, 1)
    assert frame["filepath"].map(os.path.basename).isin(["again.png"]).sum() == 0


def test_bad_files_are_outcomes_with_reasons(bring_in, folder):
    (folder / "cats" / "bad.png").write_bytes(b"not an image at all")
    (folder / "cats" / "empty.jpg").touch()
    (folder / "dogs" / "page.jpg").write_bytes(b"<html>404</html>")
    whole = (folder / "dogs" / "0.png").read_bytes()
    (folder / "dogs" / "half.png").write_bytes(whole[: len(whole) // 2])
    report, frame = bring_in(folder)
    assert (report["added"], report["quarantined"]) == (20, 4)
    reasons = {os.path.basename(bad["path"]): bad["reason"] for bad in report["quarantine"]}
    assert "not an image" in reasons["bad.png"]
    assert "empty" in reasons["empty.jpg"]
    assert "web page" in reasons["page.jpg"]
    assert "damaged" in reasons["half.png"]
    assert len(frame) == 20


def test_each_bad_file_is_told_however_few_the_report_names(bring_in, folder, monkeypatch):
    monkeypatch.setattr(outcomes, "LISTED", 3)
    for number in range(8):
        (folder / "cats" / f"bad{number}.png").write_bytes(b"<html>404</html>")
    told = {}
    report, _ = bring_in(folder, wishes=Wishes(bad=told.__setitem__))
    assert (report["quarantined"], len(report["quarantine"])) == (8, 3)
    assert {os.path.basename(path) for path in told} == {f"bad{number}.png" for number in range(8)}
    assert set(told.values()) == {"it is a web page, not an image"}


def test_names_that_no_database_holds_are_skipped_and_told(bring_in, folder):
    source = (folder / "cats" / "0.png").read_bytes()
    with open(os.fsencode(folder / "cats") + b"/caf\xe9.png", "wb") as file:
        file.write(source + b"x")
    report, _ = bring_in(folder)
    assert (report["added"], report["skipped"]) == (20, 1)
    assert "UTF-8" in report["skipped_files"][0]["reason"]


def test_duplicates_stay_on_one_side_and_conflicts_are_told(bring_in, folder):
    for number in range(10):
        shutil.copy(folder / "cats" / f"{number}.png", folder / "cats" / f"copy{number}.png")
    shutil.copy(folder / "cats" / "0.png", folder / "dogs" / "a cat.png")
    report, frame = bring_in(folder)
    assert (report["added"], report["duplicate"], report["conflicts"], report["leaks"]) == (20, 11, 1, 0)
    assert frame.groupby("content_hash")["split"].nunique().max() == 1
    assert report["duplicates"][0]["path"].endswith("a cat.png")  # the conflict first
    assert (report["duplicates"][0]["label"], report["duplicates"][0]["other_label"]) == ("dogs", "cats")
    assert any("another label" in note for note in report["notes"])


@pytest.mark.parametrize(
    ("brought", "expected"),
    [
        (("train", "val", "test"), {"train", "val", "test"}),
        (("train", "val"), {"train", "val"}),  # val is what the owner holds back: no test is cut out of it
        (("train", "test"), {"train", "val", "test"}),  # a val is cut out of train
        (("train",), {"train", "val", "test"}),
    ],
)
def test_splits_that_a_folder_brings_are_kept(bring_in, tmp_path, picture, brought, expected):
    root, seed = tmp_path / "split", 0
    for split in brought:
        for label in ("cats", "dogs"):
            for number in range(8):
                seed += 1
                picture(root / split / label / f"{number}.png", seed=seed)
    _, frame = bring_in(root)
    assert set(frame["split"]) == expected
    for split in brought:
        if split != "train":
            mine = frame[frame["filepath"].str.contains(f"/{split}/")]
            assert set(mine["split"]) == {split}


def test_what_is_added_to_a_split_folder_later_stays_where_it_was_put(bring_in, tmp_path, picture):
    root = tmp_path / "split"
    for seed, split in enumerate(("train", "val", "test") * 2):
        picture(root / split / f"c{seed % 2}" / f"{seed}.png", seed=seed)
    bring_in(root)
    for number in range(20):
        picture(root / "train" / "c0" / f"more{number}.png", seed=100 + number)
    _, frame = bring_in(root)
    assert set(frame[frame["filepath"].str.contains("more")]["split"]) == {"train"}


def test_a_leak_between_the_folders_own_splits_is_told(bring_in, tmp_path, picture):
    root = tmp_path / "leaky"
    for number, split in enumerate(("train", "test")):
        picture(root / split / "cats" / "same.png", seed=1)
        picture(root / split / "dogs" / "own.png", seed=10 + number)
    report, _ = bring_in(root)
    assert report["leaks"] == 1
    assert any("flatter" in note for note in report["notes"])


def test_new_images_stay_out_of_a_test_split_that_was_used(bring_in, folder, picture):
    _, first = bring_in(folder)
    for number in range(40):
        picture(folder / "cats" / f"more{number}.png", seed=5000 + number)
    _, frame = bring_in(folder, frozen_test=True)
    assert (frame["split"] == "test").sum() == (first["split"] == "test").sum()
    assert (frame["split"] == "val").sum() > (first["split"] == "val").sum()


def test_a_changed_file_is_told_and_keeps_its_label(bring_in, folder, picture):
    _, first = bring_in(folder)
    picture(folder / "cats" / "0.png", seed=777, size=(50, 60))
    report, frame = bring_in(folder)
    assert (report["changed"], report["present"], report["added"]) == (1, 19, 0)
    row = frame[frame["filepath"] == str(folder / "cats" / "0.png")].iloc[0]
    assert (row["label"], row["width"]) == ("cats", 50)
    assert row["content_hash"] not in set(first["content_hash"])


def test_stopping_half_way_writes_nothing(bring_in, folder, memory):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 7:
            raise Stop

    with pytest.raises(Stop):
        bring_in(folder, progress=stop)
    assert memory.names() == []


def test_all_unreadable_makes_no_dataset(bring_in, tmp_path):
    root = tmp_path / "bad" / "cats"
    root.mkdir(parents=True)
    (root / "1.png").write_bytes(b"no")
    report, frame = bring_in(tmp_path / "bad")
    assert report["quarantined"] == 1
    assert frame is None


def test_one_class_and_no_labels_are_noted(bring_in, tmp_path, picture):
    picture(tmp_path / "one" / "cats" / "1.png", seed=1)
    report, _ = bring_in(tmp_path / "one")
    assert any("one class only" in note for note in report["notes"])


def test_prompts_hidden_in_the_pixels_come_in_on_request_only(bring_in, memory, tmp_path):
    text = "a dog\nNegative prompt: cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x64"
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "1.png").write_bytes(stealth(text))
    bring_in(tmp_path / "pets")
    assert dict(memory.generations(memory.dataset("pets").id)) == {}
    os.utime(tmp_path / "pets" / "1.png", ns=(1, 1))
    bring_in(tmp_path / "pets", wishes=Wishes(extras=Extras(hidden=True)))
    (made,) = dict(memory.generations(memory.dataset("pets").id)).values()
    assert (made.prompt, made.seed, made.source) == ("a dog", "5", "hidden in the pixels")


def test_what_a_source_calls_test_joins_a_test_split_that_was_used_and_that_is_told(bring_in, tmp_path, picture):
    root = tmp_path / "split"

    def put(split, *seeds):
        for seed in seeds:
            picture(root / split / ["cats", "dogs"][seed % 2] / f"{seed}.png", seed=seed)

    put("train", *range(8))
    put("test", *range(20, 24))
    report, before = bring_in(root)
    assert not any("joined test" in note for note in report["notes"])
    put("train", *range(8, 20))
    put("test", 24, 25)
    report, after = bring_in(root, frozen_test=True)
    joined = after[(after["split"] == "test") & ~after["sample_id"].isin(before["sample_id"])]
    assert sorted(os.path.basename(path) for path in joined["filepath"]) == ["24.png", "25.png"]
    (note,) = [note for note in report["notes"] if "joined test" in note]
    assert note.startswith("2 new images of the source's own test split joined test, which a run was read on already")
    kept = after[after["sample_id"].isin(before["sample_id"])]
    assert kept["split"].tolist() == before["split"].tolist()
    report, _ = bring_in(root, frozen_test=True)
    assert not any("joined test" in note for note in report["notes"])
