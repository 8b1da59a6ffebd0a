"""A leak planted in each way is caught by the whole chain: files, import, embedding, check, gate, mending."""

import io
import shutil

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.domain.decisions import Decision
from core.domain.runs import TrainOptions
from core.review.queues import QueueSpec
from core.workspace import Workspace

SECONDS = 240


def saved(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def settled(workspace, name):
    """The import, its embedding and its check have ended."""
    job = workspace.wait(name, timeout=SECONDS)
    assert job.state == "succeeded", job.error
    for view in workspace.jobs():
        ended = workspace.wait(view.name, timeout=SECONDS)
        assert ended.state == "succeeded", f"{ended.error} {workspace.log_tail(ended.name)}"


@pytest.fixture(scope="module")
def planted(tmp_path_factory, backbone_cache, scene):
    """Split folders with a twin in train for five of test's images, each made in another way; and sound images."""
    root = tmp_path_factory.mktemp("planted")
    images = root / "images"
    for number in range(30):
        split, label = ("train", "train", "val", "test")[number % 4], "ab"[number % 2]
        saved(scene(number), images / split / label / f"{number:02}.jpg", quality=92)
    twins = {}
    for way, number in (("copy", 3), ("resize", 7), ("crop", 11), ("re-encode", 15)):
        label, image = "ab"[number % 2], scene(number)
        twin = images / "train" / label / f"twin-{way}.jpg"
        if way == "copy":
            shutil.copy(images / "test" / label / f"{number:02}.jpg", twin)
        elif way == "resize":
            saved(image.resize((180, 135)), twin, quality=90)
        elif way == "crop":
            saved(image.crop((20, 15, 290, 220)), twin, quality=90)
        else:
            saved(image, twin.with_suffix(".webp"), quality=45)
            twin = twin.with_suffix(".webp")
        twins[way] = (f"{number:02}.jpg", twin.name)
    text = PngInfo()
    text.add_text("parameters", "a cat on a roof\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 320x240")
    saved(scene(100), images / "test" / "a" / "seed-one.png", pnginfo=text)
    saved(scene(101), images / "train" / "a" / "seed-two.png", pnginfo=text)
    twins["seed"] = ("seed-one.png", "seed-two.png")
    ws = root / "ws"
    shutil.copytree(backbone_cache, ws / "cache")
    with Workspace.open(ws, user="ann") as workspace:
        settled(workspace, workspace.start_import(images, "scenes"))
        yield workspace, twins


def names(workspace):
    frame = workspace.samples("scenes")
    return {row.sample_id: row.filepath.rsplit("/", 1)[1] for row in frame.itertuples()}


@pytest.mark.parametrize("way", ["copy", "resize", "crop", "re-encode", "seed"])
def test_a_leak_planted_in_each_way_is_caught(planted, way):
    workspace, twins = planted
    called = names(workspace)
    groups = [{called[sample_id] for sample_id, _ in leak.samples} for leak in workspace.splits.gate("scenes").leaks]
    assert set(twins[way]) in groups


def test_nothing_else_is_called_a_leak(planted):
    workspace, twins = planted
    assert len(workspace.splits.gate("scenes").leaks) == len(twins)
    assert workspace.splits.gate("scenes").shut


def test_each_finding_is_a_queue_of_its_images(planted):
    workspace, twins = planted
    items = workspace.queue("scenes", QueueSpec("finding", finding="leak"))
    assert len(items) == 2 * len(twins)
    assert items[0].reason


def test_everything_was_measured_and_a_second_check_measures_nothing_again(planted):
    workspace, _ = planted
    seen = workspace.health.coverage("scenes")
    assert seen.measured == seen.samples == 36
    settled(workspace, workspace.health.start_check("scenes"))
    assert workspace.health.coverage("scenes").measured == 36


def test_mending_moves_each_twin_and_undo_brings_it_back(planted):
    workspace, twins = planted
    before = workspace.samples("scenes").set_index("sample_id")["split"].to_dict()
    planned = workspace.splits.plan("scenes")
    assert workspace.splits.mend("scenes") == len(planned) == len(twins)
    assert workspace.splits.gate("scenes").leaks == ()
    assert workspace.health.refresh("scenes")["leak"] == 0
    assert workspace.splits.undo("scenes") == len(twins)
    assert workspace.samples("scenes").set_index("sample_id")["split"].to_dict() == before
    assert len(workspace.splits.gate("scenes").leaks) == len(twins)


def test_twins_can_be_excluded_instead_and_restored(planted):
    workspace, twins = planted
    assert workspace.splits.mend("scenes", how="exclude") == len(twins)
    frame = workspace.samples("scenes")
    gone = frame[frame["excluded"]]
    assert sorted(path.rsplit("/", 1)[1] for path in gone["filepath"]) == sorted(pair[1] for pair in twins.values())
    assert workspace.splits.gate("scenes").leaks == ()
    workspace.health.restore("scenes", gone["sample_id"].tolist())
    assert len(workspace.splits.gate("scenes").leaks) == len(twins)


def test_a_label_that_changes_makes_and_ends_a_conflict(planted):
    workspace, twins = planted
    called = {name: sample_id for sample_id, name in names(workspace).items()}
    sample_id = called[twins["resize"][1]]
    label = workspace.sample(workspace.dataset("scenes").id, sample_id).label
    assert workspace.health.refresh("scenes")["label-conflict"] == 0
    other = {"a": "b", "b": "a"}[label]
    workspace.decide("scenes", [Decision(sample_id, "relabel", other, label, "x1")], source="grid")
    assert workspace.health.refresh("scenes")["label-conflict"] == 2
    plan = workspace.health.plan_cull("scenes")
    assert sample_id in plan.conflicts
    assert sample_id not in plan.drop
    workspace.decide("scenes", [Decision(sample_id, "relabel", label, other, "x2")], source="grid")
    assert workspace.health.refresh("scenes")["label-conflict"] == 0


def test_a_person_may_train_with_known_leaks_and_is_asked_again_when_there_is_another(planted):
    workspace, twins = planted
    workspace.splits.accept("scenes")
    assert not workspace.splits.gate("scenes").shut
    frame = workspace.samples("scenes")
    alone = frame[frame["filepath"].str.endswith("/00.jpg")]["filepath"].iat[0]
    copied = alone.replace("/train/", "/val/").replace("00.jpg", "new.jpg")
    shutil.copy(alone, copied)
    settled(workspace, workspace.start_import(workspace.dataset("scenes").roots[0], "scenes"))
    gate = workspace.splits.gate("scenes")
    assert len(gate.leaks) == len(twins) + 1
    assert gate.shut


def test_a_file_that_went_away_is_found_by_the_next_check(planted):
    workspace, _ = planted
    frame = workspace.samples("scenes")
    path = frame[frame["filepath"].str.endswith("/04.jpg")]["filepath"].iat[0]
    with Image.open(path) as image:
        kept = io.BytesIO()
        image.save(kept, "JPEG")
    shutil.move(path, f"{path}.away")
    settled(workspace, workspace.health.start_check("scenes"))
    found = workspace.health.findings("scenes", "missing-file")
    assert found["detail"].tolist() == ["the file is gone"]
    shutil.move(f"{path}.away", path)
    settled(workspace, workspace.health.start_check("scenes"))
    assert len(workspace.health.findings("scenes", "missing-file")) == 0


def test_once_a_run_was_read_on_test_its_images_stay_whatever_is_drawn(planted):
    workspace, _ = planted
    run = workspace.wait(workspace.retrain("scenes", TrainOptions()), timeout=SECONDS)
    assert run.state == "succeeded", run.error
    before = workspace.samples("scenes").set_index("sample_id")["split"]
    workspace.splits.redraw("scenes", seed=5)
    after = workspace.samples("scenes").set_index("sample_id")["split"]
    assert set(before[before == "test"].index) <= set(after[after == "test"].index)
    assert workspace.splits.gate("scenes").leaks == ()
