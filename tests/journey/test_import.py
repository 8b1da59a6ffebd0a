"""Bringing images in, in a real browser: a folder, a zip and loose files are dropped, previewed, imported."""

import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def _ended(workspace, dataset):
    """The jobs that an import starts, done: other tests' clocks are not for them."""
    for job in workspace.jobs(dataset):
        if job.kind != "watch":
            workspace.wait(job.name, timeout=300)


@pytest.mark.parametrize("way", ["a folder", "a zip"])
def test_what_is_dropped_is_previewed_and_imported(page, see, workspace, until, image_folder, tmp_path, way):
    name = way.replace(" ", "-")
    folder = image_folder(classes=("circle", "square"), each=4, name=name, seed=len(way))
    (folder / "circle" / "broken.png").write_bytes(b"this is no picture")
    (folder / "circle" / "notes.txt").write_text("bought in May")
    see("import")
    if way == "a folder":
        page.locator("input.pick-folder").set_input_files(folder)
    else:
        archive = shutil.make_archive(str(tmp_path / name), "zip", tmp_path, name)
        page.locator("input.pick-files").set_input_files(archive)
    page.get_by_text("One folder a class, 2 classes, 9 images").wait_for()
    assert name not in workspace.names()  # nothing is written before the click
    page.get_by_role("textbox", name="Name of the dataset").wait_for()
    assert page.get_by_role("textbox", name="Name of the dataset").input_value() == name
    page.get_by_role("button", name="Import 9 images").click()
    until(lambda: name in workspace.names() and len(workspace.samples(name)) == 8)
    page.get_by_text("Quarantined").first.wait_for()
    page.get_by_role("button", name="Look at the images").wait_for()
    _ended(workspace, name)
    assert workspace.dataset(name).labels == {"circle": 4, "square": 4}
    page.get_by_role("button", name="Look at the images").click()
    until(lambda: page.locator(".tile").count() == 8)


def test_loose_files_come_in_without_labels(page, see, workspace, until, image_folder):
    folder = image_folder("flat", classes=("circle", "ring"), each=3, name="loose", seed=77)
    see("import")
    page.locator("input.pick-files").set_input_files(sorted(folder.iterdir()))
    page.get_by_text("Uploaded · 6 files").wait_for()
    page.get_by_text("Flat folder").first.wait_for()
    page.get_by_role("textbox", name="Name of the dataset").fill("loose ones")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Import 6 images").click()
    until(lambda: "loose ones" in workspace.names() and len(workspace.samples("loose ones")) == 6)
    page.get_by_role("button", name="Look at the images").wait_for()
    _ended(workspace, "loose ones")


def test_a_dataset_is_renamed_put_away_and_brought_back(page, see, workspace, until, image_folder):
    folder = image_folder(classes=("circle", "square"), each=4, name="wrong-name", seed=5)
    workspace.wait(workspace.start_import(folder, "wrong name"), timeout=300)
    _ended(workspace, "wrong name")
    jobs = len(workspace.jobs("wrong name"))
    see("?dataset=demo")
    page.get_by_role("button", name="More on wrong name").click()
    page.get_by_text("Rename …").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("demo")
    name.press("Enter")
    page.get_by_text("There is a dataset 'demo' already").wait_for()
    name.fill("right name")
    name.press("Enter")
    page.get_by_role("button", name="More on right name").wait_for()  # and it is the one that is looked at
    page.get_by_text("What next with right name").wait_for()
    workspace.forget_names()
    assert len(workspace.jobs("right name")) == jobs

    page.get_by_role("button", name="More on right name").click()
    page.get_by_text("Export …").click()
    page.get_by_role("dialog").get_by_text("A table (CSV)").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "right name-dataset.csv"
    assert len(Path(download.value.path()).read_text(encoding="utf-8").splitlines()) == 9
    page.get_by_role("dialog").get_by_role("button", name="Close").click()

    page.get_by_role("button", name="More on right name").click()
    page.get_by_text("Put away", exact=True).click()
    page.get_by_role("button", name="Bring back").wait_for()
    assert "right name" not in workspace.names()
    page.get_by_role("button", name="Bring back").click()
    page.get_by_role("button", name="More on right name").wait_for()
    assert workspace.dataset("right name").labels == {"circle": 4, "square": 4}

    workspace.keeping.put_away("right name")
    workspace.store.create("right name", ["car"])
    see("?dataset=demo")
    page.get_by_text("Put away (1)").click()
    page.get_by_role("button", name="Bring back").click()
    page.get_by_role("dialog").get_by_role("button", name="Bring back").click()
    page.get_by_role("button", name="More on right name (older)").wait_for()
    assert workspace.dataset("right name (older)").labels == {"circle": 4, "square": 4}
