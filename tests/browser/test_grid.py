"""The keyboard grid in Chromium against the real server: what is on screen is saved when the tile says so."""

import json
import time
import uuid

import pytest

from core.domain.decisions import Decision
from core.domain.generation import Generation
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hacked=1"> \'q\' "r"\nأب'
COUNT = 130


def settled(seen):
    return seen["open"] == 0


def rerun(page):
    """Have Streamlit run the page's script again without touching the grid."""
    page.get_by_role("button", name="Classes").click()
    page.get_by_placeholder("e.g. wasps").fill(f"class {time.monotonic_ns()}")
    page.get_by_role("button", name="Add the class").click()
    page.locator(".class", has_text="class ").first.wait_for()


def test_ten_keys_in_half_a_second_are_ten_decisions(page, until, look, labels, workspace, dataset):
    pressed = "2121221121"
    for key in pressed:
        page.keyboard.press(key)
        page.wait_for_timeout(45)
    assert look()["labels"][:10] == [{"1": "cat", "2": "dog"}[key] for key in pressed]  # at once
    seen = until(settled)
    assert seen["marks"][:11] == ["saved"] * 10 + [""]
    assert seen["focus"] == 10
    assert labels()[:11] == [{"1": "cat", "2": "dog"}[key] for key in pressed] + ["cat"]
    # decisions on different images travel side by side: the journal's order among them is the server's
    kinds = {entry.sample_id: entry.kind for entry in workspace.journal(dataset)}
    order = workspace.samples(dataset)["sample_id"][:10]
    assert [kinds[sample] for sample in order] == [{"1": "confirm", "2": "relabel"}[key] for key in pressed]
    assert len({entry.batch for entry in workspace.journal(dataset)}) == 10


def test_many_keys_on_one_image_leave_the_last_one(page, until, labels):
    for key in ("2", "1", "2", "1", "2"):
        page.keyboard.press(key)
        page.keyboard.press("ArrowLeft")
    seen = until(settled)
    assert seen["labels"][0] == "dog"
    assert seen["marks"][0] == "saved"
    assert labels()[0] == "dog"


def test_a_range_is_selected_relabelled_and_taken_back(page, until, look, labels):
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert look()["picked"] == [0, 1, 2]
    page.keyboard.press("2")
    seen = until(settled)
    assert labels()[:4] == ["dog", "dog", "dog", "cat"]
    assert (seen["picked"], seen["focus"]) == ([], 3)
    page.keyboard.press("u")
    seen = until(settled)
    assert labels()[:4] == ["cat"] * 4
    assert seen["labels"][:4] == ["cat"] * 4
    assert seen["marks"][:4] == [""] * 4


def test_x_selects_and_enter_confirms(page, until, look, workspace, dataset):
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    assert look()["picked"] == [0, 2]
    page.keyboard.press("Enter")
    assert until(settled)["marks"][:4] == ["saved", "", "saved", ""]
    assert workspace.samples(dataset)["reviewed"].tolist()[:4] == [True, False, True, False]


def test_clicks_do_what_keys_do(page, until, look, labels):
    page.locator(".tile").nth(1).click()
    page.locator(".tile").nth(4).click(modifiers=["Shift"])
    assert look()["picked"] == [1, 2, 3, 4]
    page.locator(".tile").nth(2).click(modifiers=["Control"])
    page.locator(".class", has_text="dog").click()
    until(settled)
    assert labels()[:6] == ["cat", "dog", "cat", "dog", "dog", "cat"]
    page.get_by_role("button", name="Undo this decision").first.click()
    until(settled)
    assert labels()[:6] == ["cat"] * 6


def test_pages_turn_by_key_and_say_what_they_show(page, look):
    assert look()["range"] == "1–100 of 130"
    page.keyboard.press("]")
    assert look()["range"] == "101–130 of 130"
    assert look()["focus"] == 0
    page.keyboard.press("[")
    assert look()["range"] == "1–100 of 130"


def test_what_the_network_loses_is_sent_again_and_counted_once(page, until, look, labels, workspace, dataset):
    lost = []

    def lose(route):
        if len(lost) < 3:
            lost.append(json.loads(route.request.post_data))
            if len(lost) == 2:
                route.fetch()  # it arrives; its answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/api/decide", lose)
    page.keyboard.press("2")
    page.keyboard.press("2")
    until(lambda seen: "waiting" in seen["marks"][:2])
    seen = until(settled)
    assert seen["marks"][:2] == ["saved", "saved"]
    assert labels()[:3] == ["dog", "dog", "cat"]
    assert len(workspace.journal(dataset)) == 2


def test_unsaved_decisions_ask_before_the_tab_closes(page, until):
    page.route("**/api/decide", lambda route: route.abort())
    page.keyboard.press("2")
    until(lambda seen: seen["marks"][0] == "waiting")
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("location.reload()")
    page.wait_for_timeout(800)
    assert asked == ["beforeunload"]
    page.unroute("**/api/decide")
    until(settled)


def test_a_decision_is_saved_although_the_person_left_for_another_page(page, labels):
    held = []
    page.route("**/api/decide", lambda route: held.append(route))
    page.keyboard.press("2")
    page.get_by_role("link", name="Home").first.click()
    page.locator(".st-key-next-step").wait_for()
    for route in held:  # a request that outlives its page may pass the browser's interception
        route.continue_()
    wait_for(page, lambda: labels()[0] == "dog", seconds=120)


def test_a_stale_decision_is_refused_and_shows_the_label_now(page, until, workspace, dataset, labels):
    sample = workspace.samples(dataset)["sample_id"][0]
    workspace.decide(dataset, [Decision(sample, "relabel", "dog", "cat", "elsewhere-1")], source="cli")
    page.keyboard.press("Enter")
    seen = until(settled)
    assert (seen["marks"][0], seen["labels"][0]) == ("failed", "dog")
    assert "dog" in seen["problems"][0]
    again = page.locator(".tile").first.get_by_role("button", name="Try again")
    assert not again.is_visible()  # "cat" was called right, and it is "dog" now: that is to be looked at
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("1")
    seen = until(settled)
    assert (seen["marks"][0], seen["labels"][0], labels()[0]) == ("saved", "cat", "cat")


@pytest.mark.parametrize(("key", "kind"), [("e", "exclude"), ("n", "unsure"), ("2", "relabel")])
def test_try_again_makes_the_same_decision_on_what_is_shown_now(page, until, workspace, dataset, labels, key, kind):
    sample = workspace.samples(dataset)["sample_id"][0]
    other = workspace.dataset(dataset).classes[2]
    workspace.decide(dataset, [Decision(sample, "relabel", other, "cat", uuid.uuid4().hex)], source="cli", who="bob")
    page.keyboard.press(key)
    seen = until(settled)
    assert (seen["marks"][0], seen["labels"][0]) == ("failed", other)
    page.locator(".tile").first.get_by_role("button", name="Try again").click()
    seen = until(settled)
    newest = workspace.journal(dataset, limit=1)[0]
    assert (seen["marks"][0], newest.kind, newest.old) == ("saved", kind, other)
    assert labels()[0] == ("dog" if kind == "relabel" else other)  # bob's label stays unless another one was asked for
    assert workspace.samples(dataset)["excluded"][0] == (kind == "exclude")


def test_a_refusal_says_why_and_keeps_the_label(page, until, labels):
    reason = "The class <b>dog</b> was removed."
    answer = json.dumps({"error": reason})
    page.route("**/api/decide", lambda route: route.fulfill(status=400, content_type="application/json", body=answer))
    page.keyboard.press("2")
    seen = until(settled)
    assert (seen["marks"][0], seen["labels"][0]) == ("failed", "cat")
    assert seen["problems"][0].startswith(reason)
    page.unroute("**/api/decide")
    page.get_by_role("button", name="Try again").click()
    until(settled)
    assert labels()[0] == "dog"


def test_a_rerun_of_the_page_keeps_focus_selection_and_marks(page, until, look, labels):
    page.keyboard.press("2")
    page.keyboard.press("2")
    until(settled)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    before = look()
    rerun(page)
    after = look()
    assert {key: after[key] for key in ("labels", "marks", "focus", "picked")} == {
        key: before[key] for key in ("labels", "marks", "focus", "picked")
    }
    page.keyboard.press("Escape")
    page.locator(".tile.focus").click()
    page.keyboard.press("2")  # one listener, not two: one decision for one key
    until(settled)
    assert labels()[:5] == ["dog", "dog", "cat", "dog", "cat"]


def test_labels_from_elsewhere_arrive_with_a_rerun(page, until, look, workspace, dataset):
    samples = workspace.samples(dataset)["sample_id"]
    workspace.decide(dataset, [Decision(samples[5], "relabel", "dog", "cat", "elsewhere-2")], source="fiftyone")
    rerun(page)
    assert until(lambda seen: seen["labels"][5] == "dog")["marks"][5] == ""


def test_names_are_text_wherever_they_are_shown(page, until, labels):
    page.keyboard.press("3")
    until(settled)
    assert labels()[0] == HOSTILE
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("z")
    page.locator("dialog.zoom[open]").wait_for()
    assert HOSTILE in page.locator("dialog.zoom .zoomed").text_content()
    assert page.evaluate("window.hacked") is None
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("dialog.help[open]").wait_for()


def test_the_grid_is_a_listbox_for_those_who_cannot_see_it(page, until):
    box = page.get_by_role("listbox", name="Images of the queue")
    active = page.evaluate(
        """() => { const root = document.activeElement.shadowRoot; const box = root.activeElement;
        return root.getElementById(box.getAttribute('aria-activedescendant')).getAttribute('aria-label'); }"""
    )
    assert box.get_attribute("aria-multiselectable") == "true"
    assert active == "cat, train"
    page.keyboard.press("2")
    until(settled)
    assert page.get_by_role("option", name="dog, train, saved").count() == 1


def test_what_a_generator_wrote_is_text_and_folded_away(page, until, workspace, dataset):
    first = workspace.samples(dataset)["sample_id"].iat[0]
    made = Generation("ComfyUI", prompt=HOSTILE, claims=("claim generator: x",), raw={"parameters": HOSTILE})
    workspace.store.set_generations(workspace.dataset(dataset).id, {first: made})
    page.keyboard.press("z")
    side = page.locator("dialog.zoom[open]")
    raw = side.locator("details.raw")
    raw.wait_for()
    assert "C2PA claims, not proof" in side.text_content()
    assert not raw.locator("pre").is_visible()
    raw.locator("summary").click()
    assert raw.locator("pre").inner_text().replace("\r", "") == HOSTILE
    assert page.evaluate("window.hacked") is None
