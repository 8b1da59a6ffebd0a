"""The App in a frame of another port, in real Chromium: class keys, and a page that may not frame it."""

import http.server
import threading
from functools import partial

import pytest

from tests.waiting import until

pytestmark = [pytest.mark.browser]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
def page(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_page(viewport={"width": 1300, "height": 800})
        browser.close()


@pytest.fixture
def parent(tmp_path):
    """``parent(port, url)`` serves a page on ``port`` that frames ``url``; its address."""
    servers = []

    def serve(port, url):
        (tmp_path / "index.html").write_text(f'<iframe id=app src="{url}" width=1250 height=750></iframe>')
        handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
        handler.func.log_message = lambda *_: None
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_class_keys_in_the_framed_app_write_labels_and_u_takes_them_back(served, page, parent):
    refused, outside = [], []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page.on("requestfinished", lambda sent: outside.append(sent.url) if "127.0.0.1" not in sent.url else None)
    order = served.ids[3:0:-1]
    served.client.show("pets", order, "Wrong in run-1")
    page.goto(parent(8599, served.client.url("127.0.0.1", "pets")))
    app = page.frame_locator("#app")
    tile = app.locator("[data-cy=looker]").first
    tile.wait_for(timeout=60_000)
    app.get_by_text("3 samples").first.wait_for()
    before = served.labels()
    until(lambda: tick(page, tile) and served.client.selection().ids == (order[0],), seconds=60)
    page.keyboard.press("3")
    until(lambda: served.labels()[order[0]] == "bird", seconds=30)
    app.locator("[data-cy=looker]").get_by_text("bird").first.wait_for()  # the tile itself shows it
    until(lambda: served.client.selection().ids == (), seconds=30)
    page.wait_for_timeout(500)
    page.keyboard.press("u")
    until(lambda: served.labels() == before, seconds=30)
    page.wait_for_timeout(500)
    page.keyboard.press("Shift+U")
    until(lambda: served.labels()[order[0]] == "bird", seconds=30)
    page.wait_for_timeout(500)
    page.keyboard.press("u")
    until(lambda: served.labels() == before, seconds=30)
    until(lambda: tick(page, tile) and served.client.selection().ids == (order[0],), seconds=60)
    page.keyboard.press("/")  # the list of all classes
    app.get_by_text("Relabel the selected images").first.wait_for()
    page.keyboard.press("Escape")
    assert app.get_by_text("Accelerate your workflow").count() == 0
    assert app.get_by_text("Explore Enterprise").locator("visible=true").count() == 0
    assert refused == []
    assert [url for url in outside if not url.startswith(("data:", "blob:"))] == []


def tick(page, tile):
    """Click a tile's tick box, once the tiles lie still; true, to be followed by a look at what it did."""
    if (box := tile.bounding_box()) is None:  # drawn anew after a change, and not laid out yet
        return True
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.wait_for_timeout(300)
    if tile.bounding_box() == box:
        page.mouse.click(box["x"] + 13, box["y"] + 13)
        page.wait_for_timeout(2500)
    return True


def test_another_page_cannot_frame_the_app(served, page, parent):
    page.goto(parent(0, served.client.url("127.0.0.1", "pets")))
    page.wait_for_timeout(1500)
    assert page.frames[1].url.startswith("chrome-error://")
