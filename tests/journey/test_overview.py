"""At a glance in a real browser: a click on a bar opens its images, and so does a lasso on the map, on Errors too."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def mapped(at_rest):
    """The demonstration with its map made."""
    made = at_rest.wait(at_rest.overview.start_map("demo"), timeout=300)
    assert made.state == "succeeded", made.error
    return at_rest


def test_a_click_on_a_bar_opens_its_images_and_the_way_back_does_not_open_them_again(page, see, mapped):
    table = mapped.overview.glance("demo").table
    see("overview?dataset=demo")
    bar = page.locator(".js-plotly-plot .bars .point path").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".tile").first.wait_for()
    assert "/review" in page.url
    first = mapped.dataset("demo").classes[0]
    wanted = int(((table["label"] == first) & (table["split"] == "train")).sum())
    page.get_by_text(f"of {wanted}").first.wait_for()

    page.go_back()
    page.get_by_role("heading", name="At a glance").wait_for()
    page.wait_for_timeout(1500)
    assert "/overview" in page.url


@pytest.mark.parametrize("address", ["overview?dataset=demo&view=map", "errors?dataset=demo&split=test&order=map"])
def test_a_lasso_on_the_map_opens_what_it_holds(page, see, mapped, address):
    see(address)
    area = page.locator(".js-plotly-plot .nsewdrag").first
    area.wait_for()
    area.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    box = area.bounding_box()
    corners = [(0.02, 0.02), (0.6, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.03)]
    for number, (x, y) in enumerate(corners):
        place = (box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.move(*place, steps=8)
        if not number:
            page.mouse.down()
    page.mouse.up()
    chosen = page.get_by_text("images chosen")
    chosen.wait_for()
    count = int(chosen.inner_text().split()[0].replace(",", ""))
    assert count > 0.9 * len(mapped.overview.map("demo"))
    page.get_by_role("button", name="Review them").click()
    page.locator(".tile").first.wait_for()
    assert "/review" in page.url
