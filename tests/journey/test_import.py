"""Bringing images in, in a real browser: dropped, previewed, imported; a folder that is watched."""

import re
import shutil

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def _ended(workspace, dataset):
    """The jobs that an import starts, done: other tests' clocks are not for them."""
    for job in workspace.jobs(dataset):
        if job.kind != "watch":
            workspace.wait(job.name, timeout=300)


def _imported(page, workspace, until, dataset, count):
    page.get_by_role("button", name=re.compile(rf"^Import {count} images")).click()
    until(lambda: dataset in workspace.names() and len(workspace.samples(dataset)) == count)
    page.get_by_role("button", name="Look at the images").wait_for()
    _ended(workspace, dataset)


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


def test_loose_files_are_added_to_a_dataset_once(page, see, workspace, until, image_folder):
    folder = image_folder("flat", classes=("circle", "ring"), each=3, name="loose", seed=77)
    files = sorted(folder.iterdir())
    for turn in range(2):
        see("import")
        page.locator("input.pick-files").set_input_files(files)
        page.get_by_text("Flat folder").first.wait_for()
        page.get_by_text("6 files").wait_for()
        if turn == 0:
            page.get_by_role("textbox", name="Name of the dataset").fill("loose ones")
            page.keyboard.press("Tab")
            _imported(page, workspace, until, "loose ones", 6)
        else:
            page.get_by_text("Add to a dataset", exact=True).click()
            page.get_by_role("combobox", name=re.compile("^Dataset|Selected")).last.click()
            page.get_by_role("option", name="loose ones").click()
            page.get_by_role("button", name="Import 6 images").click()
            until(lambda: any(_present(workspace, job, 6) for job in workspace.jobs("loose ones")))
    assert len(workspace.samples("loose ones")) == 6
    _ended(workspace, "loose ones")


def _present(workspace, job, count):
    return job.kind == "import" and not job.active and (workspace.report(job.name) or {}).get("present") == count


def test_a_watched_folder_counts_what_arrives_while_one_looks_on(page, see, workspace, until, tmp_path, draw_shape):
    folder = tmp_path / "outputs"
    folder.mkdir()
    run = next(one.name for one in workspace.runs("demo") if one.state == "succeeded")
    watch = workspace.watches.start(folder, "arriving", run=run)
    try:
        see("import")
        card = page.locator(f".st-key-watch-{watch.id}")
        card.get_by_text("0 images").wait_for()
        for number in range(3):
            draw_shape("circle", seed=3000 + number, size=96).save(folder / f"{number}.png")
        card.get_by_text(re.compile(rf"Watching · 3 images · 3 predicted by {run}")).wait_for()
        assert card.locator("figure").count() == 3
        card.get_by_role("button", name="Stop watching").click()
        card.wait_for(state="detached")
    finally:
        for one in workspace.watches.all():
            workspace.watches.stop(one.id)
    until(lambda: len(workspace.samples("arriving")) == 3)
