"""Every way to decide, in Chromium: keys, boxes, the whole queue, the single view, two people, a restart, a rename."""

import threading
import uuid

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.findings import Finding
from core.domain.generation import Generation
from core.embedding.backbone import WIDTH
from core.embedding.blocks import EmbeddingStore
from core.runs import findings
from tests.browser.forwarder import Forwarder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser


def settled(seen):
    return seen["open"] == 0


def kinds(workspace, dataset):
    """The standing decisions, oldest first."""
    return [entry.kind for entry in reversed(workspace.journal(dataset)) if not entry.undone and not entry.undoes]


def test_exclude_skip_and_doubt_by_key_and_back(page, until, workspace, dataset):
    for key in "esn":  # one by one: decisions on different images may overtake one another on their way
        page.keyboard.press(key)
        until(settled)
    assert kinds(workspace, dataset) == ["exclude", "skip", "unsure"]
    assert workspace.samples(dataset)["excluded"].tolist()[:3] == [True, False, False]
    page.keyboard.press("u")
    page.keyboard.press("u")
    page.keyboard.press("u")
    until(settled)
    assert kinds(workspace, dataset) == []
    assert not workspace.samples(dataset)["excluded"].any()
    page.keyboard.press("Shift+U")
    until(settled)
    assert kinds(workspace, dataset) == ["exclude"]
    page.keyboard.press("r")
    until(settled)
    assert not workspace.samples(dataset)["excluded"].any()


def test_a_box_selects_what_it_touches_and_one_key_labels_it(page, look, until, labels):
    first = page.locator(".tile").nth(0).bounding_box()
    second = page.locator(".tile").nth(1).bounding_box()
    page.mouse.move(first["x"] + 70, first["y"] + 70)  # not on the circle that ticks it
    page.mouse.down()
    page.mouse.move(second["x"] + 30, second["y"] + 40, steps=5)
    page.mouse.up()
    assert look()["picked"] == [0, 1]
    page.keyboard.press("2")
    until(settled)
    assert labels()[:3] == ["dog", "dog", "cat"]


def test_the_whole_queue_is_relabelled_and_taken_back_at_once(page, until, labels, workspace, dataset):
    page.keyboard.press("Control+Shift+A")
    page.keyboard.press("2")
    until(settled)
    assert set(labels()) == {"dog"}
    assert len({entry.batch for entry in workspace.journal(dataset, limit=500)}) == 1
    page.keyboard.press("u")
    until(settled)
    assert set(labels()) == {"cat"}


def test_an_unknown_name_makes_a_class_and_gives_it(page, until, labels, workspace, dataset):
    page.keyboard.press("/")
    page.keyboard.type("wasp")
    page.keyboard.press("Enter")
    wait_for(page, lambda: labels()[0] == "wasp")
    until(settled)
    assert workspace.dataset(dataset).classes[-1] == "wasp"
    page.keyboard.press("4")  # it has a key at once
    until(settled)
    assert labels()[:2] == ["wasp", "wasp"]


def test_typing_finds_the_exact_name_before_longer_ones_and_can_make_a_shorter_one(
    page, until, labels, workspace, dataset
):
    names = ["bobcat", "tomcat", "wild dog", "cat", "dog", *(f"class {at}" for at in range(9))]
    workspace.store.set_classes(workspace.dataset(dataset).id, names)
    page.reload()
    page.locator(".tile.focus").wait_for()

    def type_in(name, enter="Enter"):
        page.keyboard.press("/")
        page.keyboard.type(name)
        offered = page.locator(".rail .class .name").all_inner_texts()
        page.keyboard.press(enter)
        until(settled)
        return offered

    assert type_in("DOG") == ["dog", "wild dog"]  # no new class of a name that is there
    assert type_in("class 8") == ["class 8"]  # one without a key
    assert type_in("cat") == ["cat", "bobcat", "tomcat"]
    assert type_in("tom") == ["tomcat", "New class “tom”"]
    wait_for(page, lambda: labels()[:4] == ["dog", "class 8", "cat", "tomcat"])
    assert type_in("wild", "Shift+Enter") == ["wild dog", "New class “wild”"]
    wait_for(page, lambda: labels()[4] == "wild")
    assert workspace.dataset(dataset).classes == (*names, "wild")


def test_the_key_a_gives_the_suggestion_and_without_one_nothing(page, url, until, labels, workspace, dataset):
    ids = workspace.samples(dataset)["sample_id"].tolist()
    dataset_id = workspace.dataset(dataset).id
    found = [Finding(ids[at], "suspicious", at / 10, "", suggestion="dog") for at in (3, 1)]
    findings.write(workspace.paths, dataset_id, "suspicious", found)
    page.goto(f"{url}/review?dataset={dataset}&queue=finding&finding=suspicious")
    page.locator(".tile .hint", has_text="→ dog").first.wait_for()
    page.locator(".tile.focus").wait_for()
    page.keyboard.press("a")
    until(settled)
    assert [at for at, label in enumerate(labels()) if label == "dog"] == [3]
    assert workspace.journal(dataset, limit=1)[0].suggestion == "dog"
    page.goto(f"{url}/review?dataset={dataset}")
    page.locator(".tile.focus").wait_for()
    page.keyboard.press("a")
    page.locator(".said", has_text="There is no suggestion here.").wait_for()
    assert len(workspace.journal(dataset)) == 1


def test_the_single_view_shows_file_prompt_and_neighbours_with_their_labels_and_zooms(page, look, workspace, dataset):
    dataset_id, frame = workspace.dataset(dataset).id, workspace.samples(dataset)
    ids = frame["sample_id"].tolist()
    near = np.zeros((3, WIDTH), dtype=np.float32)
    near[:, 0], near[:, 1] = 1, (0, 0.1, 0.9)
    EmbeddingStore(workspace.paths.embeddings).add(frame["content_hash"].tolist()[:3], near)
    workspace.decide(dataset, [Decision(ids[1], "relabel", "dog", "cat", uuid.uuid4().hex)], source="cli", who="bob")
    workspace.store.set_generations(dataset_id, {ids[0]: Generation("ComfyUI", model="base", prompt="a <b>cat</b>")})
    page.keyboard.press("z")
    side = page.locator(".side")
    side.locator("figure").nth(1).wait_for()
    assert side.locator("figure figcaption").all_inner_texts() == ["dog", "cat"]
    assert "% alike" in side.locator("figure").first.get_attribute("title")
    told = side.locator(".prompt").all_inner_texts()
    assert told[0] == "a <b>cat</b>"
    assert any("base" in one for one in told)
    assert "40 × 30" in side.locator(".file").first.inner_text()
    stage = page.locator(".stage").bounding_box()
    page.mouse.move(stage["x"] + 50, stage["y"] + 50)
    page.mouse.wheel(0, -600)
    scale = "(image) => new DOMMatrix(getComputedStyle(image).transform).a"
    wait_for(page, lambda: page.locator(".stage img").first.evaluate(scale) > 2)
    page.keyboard.press("ArrowRight")  # the next image is shown whole
    wait_for(page, lambda: page.locator(".stage img").first.evaluate(scale) == 1)
    assert look()["focus"] == 1


def test_beside_a_queue_that_gives_reasons_stand_the_images_most_alike(page, url, workspace, dataset):
    frame = workspace.samples(dataset)
    ids = frame["sample_id"].tolist()
    near = np.zeros((4, WIDTH), dtype=np.float32)
    near[:, 0], near[:, 1] = 1, (0, 0.1, 0.5, 2)
    EmbeddingStore(workspace.paths.embeddings).add(frame["content_hash"].tolist()[:4], near)
    workspace.decide(dataset, [Decision(ids[1], "relabel", "dog", "cat", uuid.uuid4().hex)], source="cli", who="bob")
    found = [Finding(ids[0], "suspicious", 0.9, "3 in 4 likely wrong"), Finding(ids[3], "suspicious", 0.5, "")]
    findings.write(workspace.paths, workspace.dataset(dataset).id, "suspicious", found)
    around = page.locator(".rail .around")
    page.wait_for_timeout(1000)
    assert not around.is_visible()  # all images: nothing is said of one
    page.goto(f"{url}/review?dataset={dataset}&queue=finding&finding=suspicious")
    around.locator("figure").nth(2).wait_for()
    assert page.locator(".tile.focus .why").inner_text() == "3 in 4 likely wrong"
    assert around.locator("figcaption").all_inner_texts() == ["dog", "cat", "cat"]
    page.keyboard.press("ArrowRight")  # to one without a reason
    around.wait_for(state="hidden")
    page.keyboard.press("ArrowLeft")
    around.wait_for()


def test_what_is_known_of_an_image_is_asked_for_once_by_the_rail_and_the_single_view(page, url, workspace, dataset):
    frame = workspace.samples(dataset)
    EmbeddingStore(workspace.paths.embeddings).add(frame["content_hash"].tolist()[:3], np.eye(3, WIDTH) + 0.1)
    found = [Finding(frame["sample_id"].iat[0], "suspicious", 0.9, "3 in 4 likely wrong")]
    findings.write(workspace.paths, workspace.dataset(dataset).id, "suspicious", found)
    held = []
    page.route("**/api/evidence/**", lambda route: held.append(route))
    page.goto(f"{url}/review?dataset={dataset}&queue=finding&finding=suspicious")
    wait_for(page, lambda: held)
    page.keyboard.press("z")
    page.locator("dialog.zoom .nothing").wait_for()  # it waits for the same answer
    page.wait_for_timeout(300)
    assert len(held) == 1
    held[0].continue_()
    page.locator("dialog.zoom .side figure").first.wait_for()
    page.locator(".rail .around figure").first.wait_for(state="attached")
    assert len(held) == 1


def test_the_single_view_decides_on_its_image_whatever_is_selected(page, look, until, labels):
    for key in ("ArrowRight", "x", "ArrowRight", "x", "ArrowRight", "z", "2"):
        page.keyboard.press(key)
    until(settled)
    assert [at for at, label in enumerate(labels()) if label == "dog"] == [3]
    page.locator("dialog.zoom .class", has_text="dog").click()
    until(settled)
    assert [at for at, label in enumerate(labels()) if label == "dog"] == [3, 4]
    page.keyboard.press("Escape")
    assert look()["picked"] == [1, 2]  # still selected, and a key is theirs again
    page.keyboard.press("z")
    page.keyboard.press("/")  # typing is for the image that was shown, too
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    until(settled)
    assert [at for at, label in enumerate(labels()) if label == "dog"] == [3, 4, 5]


def test_what_was_taken_back_before_the_page_was_loaded_is_done_again(page, until, labels, workspace, dataset):
    page.keyboard.press("2")
    until(settled)
    page.keyboard.press("u")
    until(settled)
    page.reload()
    page.locator(".tile.focus").wait_for()
    page.keyboard.press("Shift+U")
    seen = until(lambda seen: seen["labels"][0] == "dog")
    assert (labels()[0], seen["marks"][0]) == ("dog", "saved")
    page.locator(".recent li").wait_for()  # it can be taken back again
    page.keyboard.press("u")
    until(lambda seen: settled(seen) and seen["labels"][0] == "cat")
    assert labels()[0] == "cat"
    page.reload()
    page.locator(".tile.focus").wait_for()
    page.keyboard.press("Shift+U")
    until(lambda seen: seen["labels"][0] == "dog")
    page.keyboard.press("Shift+U")
    page.locator(".said", has_text="There is nothing to do again.").wait_for()
    workspace.add_class(dataset, "eel", who=workspace.user)
    workspace.review.undo(dataset, who=workspace.user, own=True)
    page.keyboard.press("Shift+U")
    page.locator(".rail", has_text="eel").wait_for()  # the page is drawn again, with the class


def test_the_single_view_shows_the_history_and_takes_the_same_keys(page, until, labels):
    page.keyboard.press("2")
    page.keyboard.press("ArrowLeft")
    until(settled)
    page.keyboard.press("z")
    page.locator(".side .past", has_text="cat → dog").wait_for()
    page.keyboard.press("1")
    until(settled)
    assert labels()[0] == "cat"
    page.keyboard.press("Escape")
    assert not page.locator("dialog.zoom").is_visible()


@pytest.fixture
def person(browser, url, dataset):
    """``person("bob")`` is a window of somebody whom a reverse proxy names, on ``direct`` without one on the way."""
    contexts, forwarders = [], []

    def open_window(name, path="review", address=None, direct=None):
        context = browser.new_context(extra_http_headers={"X-Person": name}, viewport={"width": 1300, "height": 900})
        contexts.append(context)
        window = context.new_page()
        window.set_default_timeout(60_000)
        if not direct:
            forwarders.append(Forwarder(address or url, f"X-Person: {name}"))
        window.goto(f"{direct or forwarders[-1].address}/{path}?dataset={dataset}")
        window.locator(".tile.focus").wait_for()
        return window

    yield open_window
    for context in contexts:
        context.close()
    for forwarder in forwarders:
        forwarder.stop()


def shown(window):
    """The sample ids of the first twenty tiles."""
    return window.locator(".tile").evaluate_all("tiles => tiles.slice(0, 20).map((one) => one.id)")


def test_two_people_are_handed_different_images_and_keep_their_names(person, workspace, dataset):
    ann = person("ann")
    wait_for(ann, lambda: workspace.review.leased(dataset, but="nobody"))
    bob = person("bob")
    wait_for(ann, lambda: not set(shown(ann)) & set(shown(bob)))
    for window in (ann, bob):
        for _ in range(5):
            window.keyboard.press("2")
    wait_for(ann, lambda: len(workspace.journal(dataset)) == 10)
    decided = workspace.journal(dataset)
    assert sorted(entry.who for entry in decided) == ["ann"] * 5 + ["bob"] * 5
    assert len({entry.sample_id for entry in decided}) == 10
    bob.keyboard.press("u")  # bob takes back his own decision and not ann's
    wait_for(bob, lambda: sum(entry.undone for entry in workspace.journal(dataset)) == 1)
    assert [entry.who for entry in workspace.journal(dataset) if entry.undone] == ["bob"]


def test_what_somebody_else_changed_is_refused_and_shown_again(person, workspace, dataset, labels):
    ann = person("ann")
    sample = workspace.samples(dataset)["sample_id"][0]
    workspace.store.set_classes(workspace.dataset(dataset).id, workspace.dataset(dataset).classes)
    from core.domain.decisions import Decision

    (outcome,) = workspace.decide(
        dataset, [Decision(sample, "exclude", None, "cat", "t" * 12)], source="cli", who="bob"
    )
    assert outcome.saved
    ann.keyboard.press("2")
    ann.locator(".tile[data-mark='failed']", has_text="Somebody changed this image").wait_for()
    assert labels()[0] == "cat"


def test_undo_after_the_server_was_killed_and_started_again(serve, person, workspace, dataset, labels):
    address, server = serve()
    ann = person("ann", address=address)
    ann.keyboard.press("2")
    ann.locator(".tile[data-mark='saved']").first.wait_for()
    assert labels()[0] == "dog"
    server.kill()
    server.wait()
    serve(int(address.rpartition(":")[2]))
    again = person("ann", address=address)
    again.locator(".tile.focus").wait_for()
    again.keyboard.press("u")
    wait_for(again, lambda: labels()[0] == "cat")


def test_a_class_is_renamed_while_somebody_labels(page, until, workspace, dataset):
    """The page still says "cat" and "dog"; what it decides lands in the classes of now."""
    done = []
    rename = threading.Thread(
        target=lambda: done.append(workspace.review.change_class(dataset, "dog", "hound", who="bob"))
    )
    for at in range(20):
        page.keyboard.press("2")
        if at == 5:
            rename.start()
    rename.join()
    until(settled)
    found = workspace.samples(dataset)["label"].tolist()
    assert found == ["hound"] * 20 + ["cat"] * 110
    assert workspace.dataset(dataset).classes[:2] == ("cat", "hound")


def test_behind_a_reverse_proxy_pages_and_labels_work_under_its_name_and_under_no_other(
    browser, person, url, workspace, dataset, labels
):
    port = url.rpartition(":")[2]
    ann = person("ann", direct=f"http://labels.test:{port}")
    ann.keyboard.press("2")
    wait_for(ann, lambda: labels()[0] == "dog" and workspace.journal(dataset, limit=1))  # its entry is settled after
    assert workspace.journal(dataset, limit=1)[0].who == "ann"
    stranger = browser.new_page()
    reply = stranger.goto(f"http://other.test:{port}/api/alive")
    assert reply.status == 421
    stranger.close()
