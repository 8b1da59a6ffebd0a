"""A queue of which only the first thousand images come with the page, in Chromium."""

import pytest

from core.domain.decisions import Decision

pytestmark = pytest.mark.browser

COUNT = 2300
REST = "**/api/queue/**"


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


def test_the_last_page_is_reached_and_its_images_take_keys(page, until, look, labels):
    to_the_last_page(page)
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
    let_go(page, held)
    said("All 2,300 images of the queue are selected.")
    page.keyboard.press("2")
    until(settled)
    assert set(labels()) == {"dog"}


def to_the_last_page(page):
    page.keyboard.press("Control+Shift+A")
    page.locator(".said", has_text="images of the queue are selected.").wait_for()
    page.keyboard.press("Escape")
    for _ in range(22):
        page.keyboard.press("]")


def home_and_back(page):
    """Returns the requests for the rest of the queue, which wait until they are let go."""
    held = []
    page.route(REST, lambda route: held.append(route))
    page.get_by_role("link", name="Home").click()
    page.locator(".tile").first.wait_for(state="detached")
    page.get_by_role("link", name="Review").click()
    page.locator(".tile.focus").wait_for()
    return held


def let_go(page, held):
    page.unroute(REST)
    for route in held:
        route.continue_()


def test_who_comes_back_is_where_they_were_unless_they_go_elsewhere_meanwhile(page, look, until, said):
    to_the_last_page(page)
    let_go(page, home_and_back(page))
    until(lambda seen: seen["range"].startswith("2,201"))
    held = home_and_back(page)
    page.locator(".tile").nth(3).click()
    let_go(page, held)
    page.keyboard.press("Control+Shift+A")
    said("All 2,300 images of the queue are selected.")
    assert (look()["range"], look()["focus"]) == ("1–100 of 2,300", 3)


def test_what_was_decided_while_the_rest_came_is_shown_as_decided(page, until, labels):
    """A window decides on a late image, moves to another page of the app and back while its rest is on the way."""
    to_the_last_page(page)
    decisions = []
    page.route("**/api/decide", lambda route: decisions.append(route))
    page.keyboard.press("2")
    held = home_and_back(page)
    assert labels()[2200] == "cat"
    decisions[0].continue_()
    until(settled)
    assert labels()[2200] == "dog"
    let_go(page, held)
    seen = until(lambda seen: seen["range"].startswith("2,201"))  # where this person was
    assert seen["labels"][0] == "dog"
    assert page.locator(".class", has_text="dog").locator(".count").inner_text() == "1"


def test_a_list_that_the_server_forgot_is_brought_again(page, url, said, workspace, dataset):
    """All requests for one list are refused, and somebody's decision has the next run of the page make another."""
    refused = []

    def forget(route):
        name = route.request.url.split("/")[-2]
        if not refused:
            (sample,) = workspace.samples(dataset)["sample_id"][-1:]
            decision = Decision(sample, "relabel", "dog", "cat", "t" * 12)
            assert workspace.decide(dataset, [decision], source="cli", who="bob")[0].saved
        elif name not in refused:
            return route.continue_()
        refused.append(name)
        return route.fulfill(status=404, json={"error": "gone"})

    open_with(page, url, dataset, forget)
    page.keyboard.press("Control+Shift+A")
    said("All 2,300 images of the queue are selected.")
    assert refused
