"""What people do all day, in a real browser on real processes: relabel, Retrain, browse the matrix."""

import re

import pytest
from bson import ObjectId

from core.review.queues import QueueSpec

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def _newest(workspace):
    return next(run for run in workspace.runs("demo") if run.state == "succeeded")


def _worst_cell(workspace, run, split="test"):
    figures = workspace.evaluation(run, split, labels="now")
    errors = figures.matrix.copy()
    errors[range(len(errors)), range(len(errors))] = 0
    row, column = divmod(int(errors.argmax()), len(errors))
    return figures.classes[row], figures.classes[column], int(errors[row, column])


def _cell_ids(workspace, run, true, pred):
    spec = QueueSpec("cell", run=run, split="test", true=true, pred=pred)
    return [item.sample_id for item in workspace.queue("demo", spec)]


def test_from_the_demonstration_to_the_matrix(page, see, workspace):
    see("?dataset=demo")  # other journeys have brought in datasets of their own
    assert page.get_by_text("What next").first.is_visible()
    page.get_by_role("link", name="Confusion matrix").click()
    page.locator("[role=application]").first.wait_for()
    newest = workspace.newest_with_predictions("demo")  # other journeys have trained here too
    figures = workspace.evaluation(newest, "test", labels="now")
    page.get_by_text(f"{figures.correct} of {figures.samples}").first.wait_for()


def test_a_cell_opens_exactly_its_images_and_keys_relabel_them_and_retrain_moves_the_matrix(
    page, see, workspace, click_cell, until
):
    run = _newest(workspace).name
    true, pred, count = _worst_cell(workspace, run)
    assert count
    expected = _cell_ids(workspace, run, true, pred)
    assert len(expected) == count
    see(f"matrix?dataset=demo&run={run}&split=test")
    click_cell(workspace.dataset("demo").classes, true, pred)
    tiles = page.locator(".tile")
    until(lambda: tiles.count() == count)
    assert [tiles.nth(i).get_attribute("id").removeprefix("tile-") for i in range(count)] == expected

    # three keys: the first images get the class that the run sees in them
    key = str(workspace.dataset("demo").classes.index(pred) + 1)
    chosen = expected[:3]
    tiles.first.click()
    for _ in chosen:
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    for sample_id in chosen:
        page.locator(f"#tile-{sample_id}[data-mark=saved]").wait_for()
    labels = workspace.samples("demo").set_index("sample_id")["label"]
    assert [labels[i] for i in chosen] == [pred] * len(chosen)
    assert len(workspace.journal("demo")) >= len(chosen)

    page.get_by_text(re.compile(rf"\b{len(chosen)} labels? changed")).first.wait_for()
    page.get_by_role("button", name="Retrain", exact=False).first.click()
    until(lambda: _newest(workspace).name != run)
    after = _newest(workspace).name
    figures = workspace.evaluation(after, "test")
    assert figures.per_class[figures.classes.index(true)].support == (
        workspace.evaluation(run, "test").per_class[figures.classes.index(true)].support - len(chosen)
    )
    see(f"matrix?dataset=demo&run={after}&split=test")
    page.get_by_text(f"{figures.correct} of {figures.samples}").first.wait_for()

    see(f"compare?dataset=demo&old={run}&new={after}")
    found = workspace.compare(run, after)
    page.get_by_text(f"{len(found.fixed)} fixed", exact=False).first.wait_for()


def test_ten_keys_in_half_a_second_land_on_the_right_ten_images(page, see, workspace, until):
    see("review?dataset=demo&queue=class&label=face")
    tiles = page.locator(".tile")
    until(lambda: tiles.count() >= 20)
    ids = [tiles.nth(i).get_attribute("id").removeprefix("tile-") for i in range(10)]
    classes = workspace.dataset("demo").classes
    keys = [str(i % len(classes) + 1) for i in range(10)]
    tiles.first.click()
    for key in keys:
        page.keyboard.press(key, delay=0)
        page.wait_for_timeout(40)
    for sample_id in ids:
        page.locator(f"#tile-{sample_id}[data-mark=saved]").wait_for()
    labels = workspace.samples("demo").set_index("sample_id")["label"]
    assert [labels[i] for i in ids] == [classes[int(key) - 1] for key in keys]
    for _ in ids:  # and back again, one by one
        page.keyboard.press("u")
        page.wait_for_timeout(250)

    def restored():
        now = workspace.samples("demo").set_index("sample_id")["label"]
        return all(now[i] == "face" for i in ids)

    until(restored)


def test_shift_selects_a_range_and_undo_outlives_a_reload(page, see, workspace, until):
    see("review?dataset=demo&queue=class&label=vehicle")
    tiles = page.locator(".tile")
    until(lambda: tiles.count() >= 8)
    ids = [tiles.nth(i).get_attribute("id").removeprefix("tile-") for i in range(5)]
    tiles.nth(0).click()
    tiles.nth(4).click(modifiers=["Shift"])
    page.keyboard.press("1")
    first = workspace.dataset("demo").classes[0]

    def labels():
        now = workspace.samples("demo").set_index("sample_id")["label"]
        return {now[i] for i in ids}

    until(lambda: labels() == {first})
    page.reload()
    until(lambda: page.locator(".tile").count() > 0)
    page.locator(".tile").first.click()
    page.keyboard.press("u")
    until(lambda: labels() == {"vehicle"})


def test_the_single_view_shows_where_the_run_looked_neighbours_file_and_history(page, see, workspace, until):
    run = _newest(workspace).name
    see(f"review?dataset=demo&queue=all&run={run}")
    page.locator(".tile.focus").wait_for()
    page.keyboard.press("z")
    view = page.locator("dialog.zoom")
    view.get_by_text("Most alike").wait_for()
    view.get_by_text("File", exact=True).wait_for()
    view.get_by_role("button", name="Show where the run looked").wait_for()
    page.keyboard.press("g")
    view.locator(".heat").wait_for(state="visible")
    until(lambda: view.locator(".heat").evaluate("one => one.complete && one.naturalWidth > 0"))
    page.keyboard.press("ArrowRight")
    view.locator(".heat").wait_for(state="visible")
    page.keyboard.press("g")
    view.locator(".heat").wait_for(state="hidden")
    page.keyboard.press("Escape")


def test_the_embedded_app_shows_the_same_queue_and_its_class_keys_write_the_same_journal(page, see, workspace, until):
    run = _newest(workspace).name
    spec = QueueSpec("misclassified", run=run, split="test")
    expected = [item.sample_id for item in workspace.queue("demo", spec)]
    see(f"fiftyone?dataset=demo&queue=misclassified&run={run}&split=test")
    app = page.frame_locator("iframe").first
    app.get_by_text(f"{len(expected)} samples").first.wait_for()
    tile = app.locator("[data-cy=looker]").first
    tile.wait_for()
    client = workspace.app_server()

    def ticked():
        box = tile.bounding_box()
        if box is None:  # the App draws its grid anew
            return False
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.wait_for_timeout(400)
        if tile.bounding_box() != box:
            return False
        if not client.selection().ids:
            page.mouse.click(box["x"] + 13, box["y"] + 13)
            page.wait_for_timeout(2500)
        return client.selection().ids

    (chosen,) = until(ticked)
    assert chosen == expected[0]
    classes = workspace.dataset("demo").classes
    before = workspace.samples("demo").set_index("sample_id")["label"][chosen]
    wanted = next(name for name in classes if name != before)
    page.keyboard.press(str(classes.index(wanted) + 1))
    until(lambda: workspace.samples("demo").set_index("sample_id")["label"][chosen] == wanted)
    entry = workspace.journal("demo", limit=1)[0]
    assert (entry.sample_id, entry.old, entry.new, entry.source) == (chosen, before, wanted, "fiftyone")
    asked = workspace.queue("demo", spec).ids
    assert entry.queue == spec.title()
    assert entry.evidence.startswith("misclassified=") or chosen not in asked
    assert entry.suggestion

    for key, kind in (("n", "unsure"), ("s", "skip"), ("e", "exclude")):
        assert until(ticked) == (chosen,)
        page.keyboard.press(key)
        until(lambda kind=kind: workspace.journal("demo", limit=1)[0].kind == kind)
    page.keyboard.press("u")
    until(lambda: not workspace.store.label_states(workspace.dataset("demo").id, [chosen])[chosen].excluded)
    page.keyboard.press("?")
    app.get_by_role("dialog", name="Keys for the selected images").get_by_text("not sure").wait_for()
    page.keyboard.press("Escape")
    app.get_by_role("dialog", name="Keys for the selected images").wait_for(state="detached")

    page.get_by_role("button", name="Retrain", exact=False).first.click()
    until(lambda: _newest(workspace).name != run)
    rows = workspace.predictions(_newest(workspace).name)
    assert rows.label[rows.sample_id.tolist().index(chosen)] == wanted
    workspace.undo("demo", batch=entry.batch)


def test_a_label_set_by_a_script_is_found_and_journalled(page, see, workspace, until):
    victim = workspace.samples("demo")["sample_id"].iloc[5]
    store, dataset = workspace.store, workspace.dataset("demo")
    native = {"$set": {"ground_truth.label": "tool"}, "$currentDate": {"last_modified_at": True}}  # as FiftyOne writes
    store._samples(dataset.id).update_one({"_id": ObjectId(victim)}, native)
    see("fiftyone?dataset=demo")
    until(lambda: (entry := workspace.journal("demo", limit=1)) and entry[0].sample_id == victim)
    entry = workspace.journal("demo", limit=1)[0]
    assert (entry.source, entry.new) == ("native", "tool")
    workspace.undo("demo", batch=entry.batch)
