"""A queue of which only the first thousand images come with the page, in Chromium."""

import pytest

from core.domain.samples import NewSample

pytestmark = pytest.mark.browser

COUNT = 2300
REST = "**/api/queue/**"


@pytest.fixture
def dataset(workspace, request):
    info = workspace.store.create(request.node.name, ["cat", "dog"])
    workspace.store.insert(
        info.id,
        [
            NewSample(workspace.picture, "cat", "train", f"{at:064x}", 1, 1, 40, 30, "image/png", "/")
            for at in range(COUNT)
        ],
    )
    return request.node.name


@pytest.fixture
def said(page):
    def wait_for(sentence):
        page.locator(".said", has_text=sentence).wait_for()

    return wait_for


def settled(seen):
    return seen["open"] == 0


def open_with(page, url, dataset, answer):
    """The page anew, with ``answer`` to each request for the rest of the queue."""
    page.route(REST, answer)
    page.goto(f"{url}/review?dataset={dataset}")
    page.locator(".tile.focus").wait_for()


def test_the_whole_queue_is_counted_selected_and_relabelled(page, until, look, said, labels, workspace, dataset):
    assert look()["range"] == "1–100 of 2,300"
    page.keyboard.press("Control+Shift+A")
    said("All 2,300 images of the queue are selected.")
    page.keyboard.press("2")
    until(settled)
    assert set(labels()) == {"dog"}
    page.keyboard.press("u")
    until(settled)
    assert set(labels()) == {"cat"}
    assert page.locator(".class", has_text="cat").locator(".count").inner_text() == "2,300"


def test_the_last_page_is_reached_and_its_images_take_keys(page, until, look, said, labels):
    page.keyboard.press("Control+Shift+A")
    said("All 2,300 images")
    page.keyboard.press("Escape")
    for _ in range(22):
        page.keyboard.press("]")
    assert look()["range"] == "2,201–2,300 of 2,300"
    page.keyboard.press("End")
    page.keyboard.press("2")
    until(settled)
    assert labels() == ["cat"] * (COUNT - 1) + ["dog"]


def test_until_the_rest_has_come_nothing_is_decided_on_all(page, url, until, said, labels, dataset):
    held = []
    open_with(page, url, dataset, lambda route: held.append(route))
    page.keyboard.press("Control+Shift+A")
    said("Loading all 2,300 images of the queue")
    page.keyboard.press("2")
    said("One moment")
    assert set(labels()) == {"cat"}
    for _ in range(9):
        page.keyboard.press("]")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    said("The rest of the queue is still loading.")
    page.unroute(REST)
    for route in held:
        route.continue_()
    said("All 2,300 images of the queue are selected.")
    page.keyboard.press("2")
    until(settled)
    assert set(labels()) == {"dog"}


def test_what_was_decided_while_the_rest_came_is_shown_as_decided(page, url, until, look, labels, workspace, dataset):
    """A window decides on a late image, moves to another page of the app and back while its rest is on the way."""
    page.keyboard.press("Control+Shift+A")
    page.locator(".said", has_text="All 2,300").wait_for()
    page.keyboard.press("Escape")
    for _ in range(22):
        page.keyboard.press("]")
    decisions = []
    page.route("**/api/decide", lambda route: decisions.append(route))
    page.keyboard.press("2")
    held = []
    page.route(REST, lambda route: held.append(route))
    page.get_by_role("link", name="Home").click()
    page.locator(".tile").first.wait_for(state="detached")
    page.get_by_role("link", name="Review").click()
    page.locator(".tile.focus").wait_for()
    assert labels()[2200] == "cat"
    decisions[0].continue_()
    until(settled)
    assert labels()[2200] == "dog"
    for route in held:
        route.continue_()
    page.unroute(REST)
    seen = until(lambda seen: seen["range"].startswith("2,201"))  # where this person was
    assert seen["labels"][0] == "dog"
    assert page.locator(".class", has_text="dog").locator(".count").inner_text() == "1"


def test_a_list_that_the_server_forgot_is_brought_again(page, url, until, said, labels, dataset):
    refused = []

    def forget(route):
        if refused:
            return route.continue_()
        refused.append(route)
        return route.fulfill(status=404, json={"error": "gone"})

    open_with(page, url, dataset, forget)
    page.keyboard.press("Control+Shift+A")
    said("All 2,300 images of the queue are selected.")
    assert refused
