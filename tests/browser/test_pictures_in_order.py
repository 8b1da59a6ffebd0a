"""Which pictures the grid asks for, and when: those in sight first, the next page's in nobody's way."""

import pytest

from tests.waiting import wait_for

pytestmark = pytest.mark.browser

PAGE, IN_SIGHT = 100, 24
PATIENT = (
    "const soon = setTimeout; window.setTimeout = (act, ms, ...rest) => soon(act, ms === 500 ? 60000 : ms, ...rest)"
)


@pytest.fixture
def next_page(workspace, dataset):
    return set(workspace.samples(dataset)["sample_id"][PAGE:])


def test_pictures_in_sight_are_asked_for_first(tab, url, dataset):
    held, released = [], []
    tab.add_init_script(PATIENT)  # after half a second of silence it would ask for all
    tab.route("**/thumb/**", lambda route: route.continue_() if released else held.append(route))
    tab.goto(f"{url}/review?dataset={dataset}")
    tab.locator(".tile").nth(PAGE - 1).wait_for(state="attached")
    wait_for(tab, lambda: len(held) == IN_SIGHT)
    asked = tab.locator(".tile .pic img[src]")
    assert asked.count() == IN_SIGHT
    tab.wait_for_timeout(500)
    assert asked.count() == IN_SIGHT
    assert tab.locator(".tile").nth(IN_SIGHT - 1).locator("img[src]").count() == 1
    released.append(True)
    for one in held:
        one.continue_()
    wait_for(tab, lambda: asked.count() == PAGE)


def test_the_next_pages_pictures_wait_while_a_decision_is_on_its_way(tab, url, dataset, next_page):
    ahead, decisions = [], []

    def picture(route):
        if route.request.url.split("/")[-1].split("?")[0] in next_page:
            ahead.append(route)
        else:
            route.continue_()

    tab.route("**/thumb/**", picture)
    tab.route("**/api/decide", lambda route: decisions.append(route))
    tab.goto(f"{url}/review?dataset={dataset}")
    wait_for(tab, lambda: len(ahead) == 2)
    tab.keyboard.press("2")
    wait_for(tab, lambda: decisions)
    for one in ahead:
        one.continue_()
    tab.wait_for_timeout(700)
    assert len(ahead) == 2
    decisions[0].continue_()
    wait_for(tab, lambda: len(ahead) > 2)
