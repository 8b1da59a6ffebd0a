"""What goes wrong: a closed browser, killed processes. Nothing acknowledged is lost, and the next start recovers."""

import os
import signal
import time

import pytest

from core.workspace import Workspace
from tests import processes

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def _labels(product):
    with Workspace.open(product.root) as workspace:
        return workspace.samples("demo").set_index("sample_id")["label"].to_dict()


def _press_and_note(page, until, keys):
    """Press class keys on the first tiles; what the tiles call saved, by sample."""
    tiles = page.locator(".tile")
    until(lambda: tiles.count() > len(keys))
    ids = [tiles.nth(i).get_attribute("id").removeprefix("tile-") for i in range(len(keys))]
    tiles.first.click()
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    for sample_id in ids:
        page.locator(f"#tile-{sample_id}[data-mark=saved]").wait_for()
    return {i: page.locator(f"#tile-{i}").get_attribute("data-label") for i in ids}


def test_a_network_trains_on_while_the_browser_is_closed(product, browser, workspace, until, see, page):
    see("train?dataset=demo")
    page.get_by_text("Your own recipe", exact=True).first.click()  # it begins with the small CNN
    page.get_by_role("button", name="Train this recipe").click()
    run = until(lambda: next((v for v in workspace.runs("demo") if v.options["model"] == "cnn"), None))
    until(lambda: workspace.run(run.name).status.get("phase") in ("preparing", "training"))
    page.close()
    before = workspace.run(run.name)
    assert before.active
    time.sleep(3)
    again = browser.new_page()
    again.set_default_timeout(120_000)
    again.goto(f"{product.url}/runs?dataset=demo&run={run.name}")
    again.get_by_text(run.name).first.wait_for()
    until_done = time.monotonic() + 240
    while workspace.run(run.name).active and not workspace.run(run.name).metrics:
        assert time.monotonic() < until_done
        time.sleep(0.2)
    assert len(workspace.run(run.name).metrics) > len(before.metrics)
    workspace.cancel(run.name)
    assert workspace.wait(run.name, timeout=60).state in ("cancelled", "succeeded")


@pytest.mark.parametrize("victim", ["dashboard", "mongod", "app"])
def test_a_killed_process_comes_back_and_no_acknowledged_label_is_lost(product, page, see, until, victim):
    see("review?dataset=demo&queue=class&label=person")
    keys = ["1", "2", "3", "4"]
    acknowledged = _press_and_note(page, until, keys)
    pid = product.pid(victim)
    product.kill(victim)
    until(lambda: processes.ended(pid))

    def back():
        try:
            return product.up() and product.pid(victim) != pid
        except (FileNotFoundError, KeyError, TypeError):
            return False

    until(back)
    labels = until(lambda: _labels(product))
    assert {i: labels[i] for i in acknowledged} == acknowledged

    def page_stands():
        try:
            see("review?dataset=demo&queue=class&label=person")
        except Exception:
            return False
        return True

    until(page_stands)
    with Workspace.open(product.root) as workspace:
        for _ in keys:
            workspace.undo("demo")


def test_everything_killed_at_once_starts_again(product, page, see, until):
    see("review?dataset=demo&queue=class&label=tool")
    acknowledged = _press_and_note(page, until, ["1", "2", "3"])
    pids = [product.pid(name) for name in ("launcher", "dashboard", "app", "mongod")]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    product.abandon()
    product.start()
    labels = _labels(product)
    assert {i: labels[i] for i in acknowledged} == acknowledged
    see("review?dataset=demo")
    until(lambda: page.locator(".tile").count() > 0)
    with Workspace.open(product.root) as workspace:
        for _ in acknowledged:
            workspace.undo("demo")


def test_a_second_start_points_to_the_first(product):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "core.cli", "--workspace", str(product.root), "up", "--no-browser"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert product.url in done.stdout + done.stderr
    assert product.up()["launcher"]["pid"] == product.pid("launcher")
