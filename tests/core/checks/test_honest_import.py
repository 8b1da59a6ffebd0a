"""Splits that an import makes keep together what shows the same, and stay as they are while a dataset grows."""

import shutil

import pytest
from PIL.PngImagePlugin import PngInfo

from core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path, backbone_cache):
    shutil.copytree(backbone_cache, tmp_path / "ws" / "cache")
    with Workspace.open(tmp_path / "ws", user="ann") as opened:
        yield opened


def brought_in(workspace, folder):
    job = workspace.wait(workspace.start_import(folder, "scenes"), timeout=240)
    assert job.state == "succeeded", f"{job.error} {workspace.log_tail(job.name)}"
    frame = workspace.samples("scenes")
    return dict(zip((path.rsplit("/", 1)[1] for path in frame["filepath"]), frame["split"], strict=True))


def test_copies_and_seeds_share_a_split_and_twins_that_come_later_join_it(workspace, tmp_path, scene):
    folder = tmp_path / "images" / "a"
    folder.mkdir(parents=True)
    for number in range(24):
        scene(number).save(folder / f"{number:02}.png")
        scene(number).resize((160, 120)).save(folder / f"{number:02}-small.jpg", quality=70)
    for number in range(12):
        text = PngInfo()
        text.add_text("parameters", f"a roof\nSteps: 9, Sampler: Euler, CFG scale: 7, Seed: {number}, Size: 320x240")
        for turn in (1, 2):
            scene(100 + 20 * turn + number).save(folder / f"seed-{number:02}-{turn}.png", pnginfo=text)
    splits = brought_in(workspace, folder.parent)
    assert {"train", "val", "test"} == set(splits.values())
    assert all(splits[f"{n:02}.png"] == splits[f"{n:02}-small.jpg"] for n in range(24))
    assert all(splits[f"seed-{n:02}-1.png"] == splits[f"seed-{n:02}-2.png"] for n in range(12))
    assert workspace.health.coverage("scenes").measured == len(splits)

    for number in range(24):
        scene(number).resize((250, 190)).save(folder / f"{number:02}-later.webp", quality=60)
        scene(200 + number).save(folder / f"new-{number:02}.png")
    grown = brought_in(workspace, folder.parent)
    assert {name: grown[name] for name in splits} == splits
    assert all(grown[f"{n:02}-later.webp"] == splits[f"{n:02}.png"] for n in range(24))
