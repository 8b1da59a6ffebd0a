"""From a figure to its images and back, in a browser: matrix, threshold, slice, comparison, report."""

import os

import numpy as np
import pytest

from core.domain.runs import TrainOptions

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

PAGES = (  # address, title
    ("matrix", "Confusion matrix"),
    ("matrix?values=percent&order=clustered", "Confusion matrix"),
    ("calibration", "Calibration"),
    ("thresholds", "Thresholds"),
    ("errors", "Errors"),
    ("errors?order=look", "Errors"),
    ("errors?order=map", "Errors"),
    ("errors?sample={wrong}", "Errors"),
    ("slices", "Slices"),
    ("compare", "Compare"),
    ("predict", "Predict"),
    ("overview", "At a glance"),
    ("overview?view=map", "At a glance"),
)
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def run(workspace):
    """The name of the newest finished run."""
    return next(run.name for run in workspace.runs("demo") if run.state == "succeeded")


@pytest.fixture
def two_runs(workspace, until):
    """The names of the two newest finished runs, the older first; a second is trained where there is one."""

    def done():
        return [run.name for run in workspace.runs("demo") if run.state == "succeeded"]

    if len(done()) < 2:
        workspace.retrain("demo", TrainOptions(seed=5))
        until(lambda: len(done()) >= 2)
    new, old = done()[:2]
    return old, new


@pytest.fixture
def tiles_of(page, until):
    """``tiles_of(n)`` waits for a grid that says it holds n images, and returns its tiles."""

    def wait(count):
        tiles = page.locator(".tile")
        until(lambda: tiles.count() == count if count < 20 else tiles.count() >= 20)
        return [tiles.nth(at).get_attribute("id").removeprefix("tile-") for at in range(tiles.count())]

    return wait


def test_a_label_given_beside_the_matrix_moves_it_with_before_and_after(page, see, workspace, run, click_cell, until):
    figures = workspace.evaluation(run, "test", labels="now")
    errors = figures.matrix.copy()
    errors[range(len(errors)), range(len(errors))] = 0
    row, column = divmod(int(errors.argmax()), len(errors))
    true, pred, count = figures.classes[row], figures.classes[column], int(errors[row, column])
    trained = int(workspace.evaluation(run, "test").matrix[row, column])
    see(f"matrix?dataset=demo&run={run}&split=test")
    click_cell(figures.classes, true, pred)
    tiles = page.locator(".tile")
    until(lambda: tiles.count() == count)
    chosen = tiles.first.get_attribute("id").removeprefix("tile-")
    tiles.first.click()
    page.keyboard.press(str(workspace.dataset("demo").classes.index(pred) + 1))
    until(lambda: workspace.samples("demo").set_index("sample_id")["label"][chosen] == pred)
    page.get_by_text(f"{figures.correct + 1} of {figures.samples}").first.wait_for()

    matrix = page.locator("[role=application]").first
    place = matrix.evaluate("(it, [r, c]) => it.labelloopPlace(r, c)", [row, column])

    def told():
        page.mouse.move(place["x"] - 4, place["y"] - 4)
        page.mouse.move(place["x"], place["y"])
        return page.locator(".tip .number").inner_text() if page.locator(".tip .number").count() else ""

    def moved():  # it was another number before, unless a label given since had added what this one takes
        words = told()
        return words.startswith(f"{count - 1} of") and (f"was {trained}" in words) is (trained != count - 1)

    until(moved)
    workspace.undo("demo")


def test_a_matrix_is_saved_as_picture_drawing_and_table(page, see, workspace, run):
    figures = workspace.evaluation(run, "test", labels="now")
    see(f"matrix?dataset=demo&run={run}&split=test")
    page.locator("[role=application]").first.wait_for()
    saved = {}
    for name, kind in (("Save as a picture", "png"), ("Save as a drawing", "svg"), ("Save as a table", "csv")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).first.click()
        assert download.value.suggested_filename == f"{run}-test-matrix.{kind}"
        with open(download.value.path(), "rb") as file:
            saved[kind] = file.read()
    assert saved["png"].startswith(b"\x89PNG")
    assert saved["svg"].startswith(b"<svg")
    rows = [line.split(",") for line in saved["csv"].decode("utf-8-sig").split("\r\n")[:-1]]
    assert rows[0][1:] == list(figures.classes)
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == figures.matrix.tolist()


def test_a_threshold_is_moved_used_and_its_images_are_reviewed(page, see, workspace, run, tiles_of):
    sure = workspace.understanding.sureness(run, "test")
    see(f"calibration?dataset=demo&run={run}&split=test")
    slider = page.get_by_role("slider", name="Threshold")
    slider.scroll_into_view_if_needed()
    at = int(np.ceil(1000 * np.median(sure.confidence)))  # whatever the run has learnt, some are less sure than that
    slider.fill(str(at))
    unsure = {i for i, c in zip(sure.ids, sure.confidence, strict=True) if c < at / 1000}
    below = len(unsure)
    page.get_by_role("heading", name=f"Not sure ({below:,})").wait_for()
    page.get_by_role("button", name="Use when predicting").click()
    page.get_by_text(f"In use: {at / 1000:.3f}").wait_for()
    assert workspace.understanding.calibration(run).abstain_below == pytest.approx(at / 1000)
    page.locator("section.below").get_by_role("button", name="Review these").click()
    assert set(tiles_of(below)) <= unsure
    answered = [one for one in workspace.errors.of(run, "test") if one.sample_id not in unsure]
    see(f"calibration?dataset=demo&run={run}&split=test")
    page.get_by_role("link", name="The errors it still answers").click()
    page.get_by_role("heading", name="Errors", exact=True).wait_for()
    page.get_by_text("No errors among those" if not answered else f"{len(answered):,} image").first.wait_for()
    assert page.locator(".ll-error").count() == min(len(answered), 24)
    workspace.understanding.abstain(run, 0.0)


def test_a_threshold_of_one_class_is_moved_and_its_images_are_reviewed(page, see, workspace, run, tiles_of):
    judged = workspace.understanding.judged(run, "test", labels="now")
    rows, labelled = judged.rows, judged.known
    chances = workspace.understanding.calibration(run).softened_class(rows.probabilities, 0)[labelled]
    see(f"thresholds?dataset=demo&run={run}&split=test&label={rows.classes[0]}")
    slider = page.get_by_role("slider", name="Threshold")
    slider.scroll_into_view_if_needed()
    at_half = int(1000 * np.median(chances))  # whatever the run has learnt, images lie on both sides
    slider.fill(str(at_half))
    above = {str(rows.sample_id[at]) for at, chance in zip(labelled, chances, strict=True) if chance >= at_half / 1000}
    page.get_by_role("heading", name=f"Taken for {rows.classes[0]} ({len(above):,})", exact=True).wait_for()
    # between two scores that no thousandth sets apart, typed
    sure = sorted({float(chance) for chance in chances}, reverse=True)
    typed = (sure[0] + sure[1]) / 2
    page.get_by_role("spinbutton", name="Threshold, exactly").fill(f"{typed:.12f}")
    top = int((chances >= typed).sum())
    page.get_by_role("heading", name=f"Taken for {rows.classes[0]} ({top:,})", exact=True).wait_for()
    slider.fill(str(at_half))
    page.locator("section.above").get_by_role("button", name="Review these").click()
    assert set(tiles_of(len(above))) <= above


def test_the_surest_error_comes_first_with_its_bars_its_history_and_its_doubt(page, see, workspace, run):
    wrong = sorted(workspace.errors.of(run, "test"), key=lambda one: -one.confidence)
    see(f"errors?dataset=demo&run={run}&split=test&order=sure")
    first = page.locator(".ll-error").first
    first.wait_for()
    assert first.locator("b").inner_text() == f"{wrong[0].label} → {wrong[0].predicted}"
    bars = first.locator(".ll-row").all_inner_texts()
    assert [bar.split("\n") for bar in bars] == [[name, f"{chance:.0%}"] for name, chance in wrong[0].best]
    doubted = max(wrong, key=lambda one: one.suspicion or 0)
    see(f"errors?dataset=demo&run={run}&split=test&sample={doubted.sample_id}")
    page.get_by_text("Labelled").first.wait_for()
    # Streamlit names a table by its key only where rows can be selected; what the canvas shows lies in it as text.
    cells = page.get_by_test_id("stDataFrame").get_by_role("gridcell", include_hidden=True)
    cells.first.wait_for(state="attached")
    said = workspace.errors.history("demo", doubted.sample_id)
    assert cells.all_text_contents() == [text for name, seen, p in said for text in (name, seen, f"{p:.0%}")]
    if doubted.suspicion is not None:
        page.get_by_text(f"Its label looks wrong with a chance of {doubted.suspicion:.0%}.").wait_for()


def test_errors_are_laid_out_and_one_is_looked_at(page, see, workspace, run):
    wrong = workspace.errors.of(run, "test")
    see(f"errors?dataset=demo&run={run}&split=test")
    page.locator(".ll-error").first.wait_for()
    page.get_by_role("button", name="Closer").first.click()
    page.get_by_text("Labelled").first.wait_for()
    page.get_by_text("The nearest images in train").wait_for()
    page.get_by_role("button", name="Show where it looked").click()
    page.get_by_text("(Grad-CAM)").wait_for(timeout=500_000)  # the worker imports torch first
    assert workspace.explaining.known(run, [wrong[0].sample_id])
    see(f"errors?dataset=demo&run={run}&split=test&order=look")
    page.get_by_role("button", name="Review these").first.wait_for()


def test_a_slice_opens_its_images(page, see, workspace, run, tiles_of):
    found = workspace.understanding.slices(run, "test")
    listed = [one for one in found.worst if one.worse] or found.worst
    one = listed[0]
    see(f"slices?dataset=demo&run={run}&split=test")
    page.get_by_role("button", name=f"All {one.samples:,}").first.click()
    assert set(tiles_of(one.samples)) <= {found.ids[row] for row in one.rows}


def test_a_comparison_opens_its_flips_to_be_relabelled(page, see, workspace, two_runs, tiles_of, until):
    old, new = two_runs
    found = workspace.compare(old, new, labels="now")
    kind, ids = next(
        (kind, ids)
        for kind, ids in (("fixed", found.fixed), ("broken", found.broken), ("still wrong", found.still_wrong))
        if ids
    )
    see(f"compare?dataset=demo&old={old}&new={new}&split=test")
    page.get_by_text(f"{len(ids)} {kind}", exact=True).first.wait_for()
    page.get_by_role("button", name="Review these").first.click()
    shown = tiles_of(len(ids))
    assert set(shown) <= set(ids)
    classes = workspace.dataset("demo").classes
    before = workspace.samples("demo").set_index("sample_id")["label"][shown[0]]
    wanted = next(at for at, name in enumerate(classes) if name != before)
    page.locator(".tile").first.click()
    page.keyboard.press(str(wanted + 1))
    until(lambda: workspace.samples("demo").set_index("sample_id")["label"][shown[0]] == classes[wanted])
    # a test label changed since the older run, which the newer run did not know: both are judged anew
    assert workspace.compare(old, new, labels="now").labels_changed >= 1
    workspace.undo("demo")


def test_a_report_opens_from_disk_without_a_network(page, see, browser, two_runs, tmp_path):
    old, new = two_runs
    see(f"compare?dataset=demo&old={old}&new={new}&split=test")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    context = browser.new_context(offline=True)
    tab = context.new_page()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    assert tab.get_by_role("heading", level=1).inner_text().startswith(f"{old} and {new}")
    assert tab.locator("svg[role=img]").count() >= 2
    assert tab.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    assert tab.locator("img").count() > 0
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert tab.evaluate(WIDER) <= 0
    context.close()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_page_fits_a_phone_a_desk_and_a_wall(product, browser, two_runs, look, workspace):
    old, new = two_runs
    wrong = workspace.errors.of(new, "test")[0].sample_id
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=look)
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    broken = []
    tab.on("pageerror", lambda error: broken.append(str(error)))
    folder = os.environ.get("LABELLOOP_SCREENSHOTS")
    for address, title in PAGES:
        page, _, more = address.format(wrong=wrong).partition("?")
        tab.goto(f"{product.url}/{page}?dataset=demo&run={new}&old={old}&new={new}&split=test&{more}")
        tab.get_by_role("heading", name=title, exact=True).wait_for()
        tab.get_by_role("button", name="Retrain").first.wait_for()
        tab.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
        ground = tab.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        light = sum(int(part) for part in ground.strip("rgba()").split(",")[:3]) > 382
        assert light == (look == "light")
        for width in (390, 1280, 2560):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.wait_for_function(f"() => window.innerWidth === {width}")
            tab.wait_for_function(f"() => ({WIDER})() <= 0", timeout=20_000)
            assert tab.get_by_role("heading", name=title, exact=True).is_visible(), (address, width)
            assert tab.locator("[data-testid=stException]").count() == 0, (address, width)
            if folder:
                name = address.replace("?", "-").replace("&", "-")
                tab.screenshot(path=f"{folder}/{name}-{width}-{look}.png", full_page=True)
    assert broken == []
    context.close()
