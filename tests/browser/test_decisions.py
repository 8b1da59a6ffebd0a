"""Every way to decide, in Chromium: keys, boxes, the whole queue, the single view, two people, a restart, a rename."""

import threading
import time

import pytest

from tests.browser.forwarder import Forwarder

pytestmark = pytest.mark.browser


def settled(seen):
    return seen["open"] == 0


def kinds(workspace, dataset):
    """The standing decisions, oldest first."""
    return [entry.kind for entry in reversed(workspace.journal(dataset)) if not entry.undone and not entry.undoes]


def wait_for(page, condition):
    """Waits in the page's own loop: a sleep would hold up the requests that the test lets through."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


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
    wait_for(ann, lambda: labels()[0] == "dog")
    assert workspace.journal(dataset, limit=1)[0].who == "ann"
    stranger = browser.new_page()
    reply = stranger.goto(f"http://other.test:{port}/api/alive")
    assert reply.status == 421
    stranger.close()
