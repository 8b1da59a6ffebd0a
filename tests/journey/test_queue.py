"""The queue in Chromium: two networks, one paused and resumed, one cancelled, the page closed and opened again."""

import pytest

from core.domain.runs import TrainOptions

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def test_two_runs_one_paused_and_resumed_one_cancelled_the_page_closed_and_opened_again(
    product, browser, workspace, until, see, page
):
    first = workspace.retrain("demo", TrainOptions(model="cnn", epochs=400, image_size=48))
    second = workspace.retrain("demo", TrainOptions(model="cnn", epochs=400, image_size=48, seed=1))
    until(lambda: workspace.control.place(second) == ("cpu", 0) or workspace.control.queues())
    see(f"runs?dataset=demo&run={second}")
    page.get_by_text("the next in line").wait_for()

    see(f"runs?dataset=demo&run={first}")
    until(lambda: len(workspace.run(first).metrics) >= 2)
    page.get_by_role("button", name="Pause", exact=True).click()
    until(lambda: workspace.run(first).state == "paused")
    epochs = len(workspace.run(first).metrics)
    until(lambda: workspace.run(second).state == "running")  # the device is free for the next
    page.close()

    again = browser.new_page(viewport={"width": 1400, "height": 950})
    again.set_default_timeout(120_000)
    again.goto(f"{product.url}/runs?dataset=demo&run={first}")
    again.get_by_role("button", name="Resume").click()
    until_state = ("queued", "running")
    for _ in range(600):
        if workspace.run(first).state in until_state:
            break
        again.wait_for_timeout(100)
    assert workspace.run(first).state in until_state

    again.goto(f"{product.url}/runs?dataset=demo&run={second}")
    again.get_by_role("button", name="Cancel", exact=True).click()
    assert workspace.wait(second, timeout=120).state == "cancelled"
    again.goto(f"{product.url}/runs?dataset=demo&run={first}")
    for _ in range(1200):
        if len(workspace.run(first).metrics) > epochs:
            break
        again.wait_for_timeout(100)
    lines = [line["epoch"] for line in workspace.run(first).metrics]
    assert len(lines) > epochs
    assert lines == list(range(1, len(lines) + 1))  # it went on where it was: no epoch twice, none left out
    again.get_by_role("button", name="Stop and keep best").click()
    ended = workspace.wait(first, timeout=240)
    assert ended.state == "succeeded", ended.error
    assert len(ended.metrics) < 400
    assert workspace.evaluation(first, "test").samples > 0
    again.close()
