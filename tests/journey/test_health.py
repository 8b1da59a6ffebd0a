"""Data health in a real browser: look at copies, cull them, restore them, move a threshold, review what it finds."""

from pathlib import Path

import pytest

from core.checks.kinds import BY_KEY

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def checked(at_rest):
    """The demonstration with its health check done."""
    if at_rest.health.coverage("demo").unseen:
        at_rest.wait(at_rest.health.start_check("demo"), timeout=300)
    return at_rest


def test_copies_are_looked_at_culled_and_restored(page, see, checked, until):
    plan = checked.health.plan_cull("demo", near=False)
    assert plan.drop
    files = [Path(path) for path in checked.samples("demo")["filepath"]]
    see("health?dataset=demo&kind=exact-duplicate")
    page.get_by_role("button", name=f"Exclude {len(plan.drop)} copies").click()
    page.get_by_text(f"{len(plan.drop)} images excluded.").wait_for()
    assert set(checked.samples("demo").query("excluded")["sample_id"]) == set(plan.drop)
    assert all(path.exists() for path in files)

    page.get_by_role("button", name="Look at them").click()
    until(lambda: page.locator(".tile").count() == len(plan.drop))

    see("health?dataset=demo")
    page.get_by_role("button", name=f"Restore all {len(plan.drop)}").click()
    page.get_by_text(f"{len(plan.drop)} images restored.").wait_for()
    assert not checked.samples("demo")["excluded"].any()


def test_a_finding_opens_its_images_in_review(page, see, checked, until):
    checked.health.set_threshold("demo", "blurred", 0.3)
    try:
        found = checked.health.findings("demo", "blurred")
        assert len(found)
        see("health?dataset=demo&kind=blurred")
        page.get_by_text(f"{len(found)} images", exact=True).first.wait_for()
        page.get_by_role("button", name="Review these").click()
        until(lambda: page.locator(".tile").count() == min(len(found), 100) or page.locator(".tile").count() >= 20)
        first = page.locator(".tile").first.get_attribute("id")
        assert first == f"tile-{found['sample_id'].iat[0]}"
    finally:
        checked.health.set_threshold("demo", "blurred", None)


def test_a_slider_moves_the_counts_and_measures_nothing_again(page, see, checked, until):
    before = checked.health.findings("demo", "blurred")
    try:
        see("health?dataset=demo&kind=blurred")
        handle = page.get_by_role("slider", name="Sharpness")
        handle.focus()
        usual = checked.health.thresholds("demo")["blurred"]
        for _ in range(12):  # slowly enough that the page is drawn anew in between: no step may be lost to that
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(320)
        step = BY_KEY["blurred"].step
        until(lambda: checked.health.thresholds("demo")["blurred"] == pytest.approx(usual + 12 * step))
        found = checked.health.findings("demo", "blurred")
        assert len(found) > len(before)
        page.get_by_text(f"{len(found)} images", exact=True).first.wait_for()
        shared = found.merge(before, on="sample_id", suffixes=("", "_before"))
        assert (shared["value"] == shared["value_before"]).all()
        page.get_by_role("button", name="Back to").click()
        until(lambda: checked.health.thresholds("demo")["blurred"] == usual)
    finally:
        checked.health.set_threshold("demo", "blurred", None)
