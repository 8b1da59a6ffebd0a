"""Labels from prompts on the pages: the card of an import, and that of a dataset which is there."""

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.domain.decisions import Decision
from core.domain.generation import Generation
from core.domain.samples import NewSample
from core.review.queues import QueueSpec
from core.workspace import Workspace
from core.workspace.imports import Imports
from tests.imports import bring_in
from tests.pages.conftest import add_run

RULES = "kitten -> cat\n=bird, bird -> =bird"


@pytest.fixture
def prompted(tmp_path, images):
    """Dataset "zoo" with run-1, which takes one bird for a cat. That bird and five cats have a prompt, one of these of
    a bird; three images have no label."""
    with Workspace.open(tmp_path / "prompted", user="ann") as opened:
        bring_in(opened, "zoo", images)
        info, frame = opened.dataset("zoo"), opened.samples("zoo")
        cats, birds = (frame[frame["label"] == name]["sample_id"].tolist() for name in ("cat", "=bird"))
        add_run(opened, "zoo", only=birds[:1])
        said = ["a kitten", "kittens", "a kitten", "one kitten", "a bird", "a bird"]
        says = dict(zip([*cats[:5], birds[0]], said, strict=True))
        new = [
            NewSample(f"/x/{at}.png", None, "train", f"{at:064x}", 1, 1, 32, 24, "image/png", "/x") for at in range(3)
        ]
        says |= dict(zip(opened.store.insert(info.id, new), ["a kitten", "a bird", "<b>clouds</b>"], strict=True))
        opened.store.set_generations(info.id, {i: Generation("ComfyUI", prompt=text) for i, text in says.items()})
        yield opened


def test_the_share_that_rules_match_is_told_and_they_label_what_has_no_label(prompted, open_page, words):
    before = prompted.samples("zoo")["label"].tolist()
    app = open_page(prompted, "health", dataset="zoo", kind="prompt-mismatch")
    assert app.button(key="overview.label").disabled
    app.text_area(key="overview.rules").set_value("no arrow here").run()
    assert app.button(key="overview.label").disabled
    app.text_area(key="overview.rules").set_value(RULES).run()
    assert not app.exception
    assert "The rules match **88.9%** of the prompts looked into: cat 5, =bird 3." in words(app)
    assert prompted.samples("zoo")["label"].tolist() == before
    app.button(key="overview.label").click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["2 images labelled; undo in Review."]
    assert prompted.samples("zoo")["label"].tolist() == [*before[:-3], "cat", "=bird", None]
    app.button(key="overview.label").click().run()
    assert any("nothing was changed" in toast.value for toast in app.toast)


def test_disagreements_are_found_and_open_in_review(prompted, open_page, words):
    app = open_page(prompted, "health", dataset="zoo", kind="prompt-mismatch")
    app.text_area(key="overview.rules").set_value(RULES).run()
    app.button(key="overview.mismatch").click().run()
    assert not app.exception
    labels = [link.proto.label for link in app.get("page_link")]
    assert "Review the 1 picture that show another class than their prompt names" in labels
    found = prompted.review.findings("zoo", "prompt-mismatch")
    seen = ["the prompt says =bird, run-1 sees cat (82%)", "the prompt says =bird, run-1 sees cat (80%)"]
    assert found["detail"].tolist() == seen
    (item,) = prompted.queue("zoo", QueueSpec("finding", finding="prompt-mismatch"))  # the other's label is cat already
    assert (item.sample_id, item.suggestion) == (found["sample_id"].iat[0], "cat")
    prompted.decide("zoo", [Decision(item.sample_id, "relabel", "cat", "=bird", "t")], source="grid")
    app = open_page(prompted, "health", dataset="zoo", kind="prompt-mismatch")
    assert "2 pictures show another class than their prompt names, and their labels follow the picture" in words(app)
    assert prompted.prompts.rules("zoo") == RULES.splitlines()
    again = open_page(prompted, "health", dataset="zoo", kind="prompt-mismatch")
    assert again.text_area(key="overview.rules").value == RULES


def test_an_import_offers_labels_from_prompts_and_says_how_far_they_reach(
    open_page, empty_workspace, words, tmp_path, monkeypatch
):
    random = np.random.default_rng(2)
    for at, prompt in enumerate(("a kitten", "two kittens", "a bird", "<script>clouds</script>")):
        text = PngInfo()
        text.add_text("parameters", f"{prompt}\nSteps: 9, Sampler: Euler, CFG scale: 7, Seed: {at}, Size: 32x24")
        image = Image.fromarray(random.integers(0, 255, (24, 32, 3), dtype=np.uint8))
        (tmp_path / "out").mkdir(exist_ok=True)
        image.save(tmp_path / "out" / f"{at}.png", pnginfo=text)
    asked = []
    monkeypatch.setattr(
        Imports, "start", lambda self, source, name, reading, rules, **_: asked.append(rules) or "job-1"
    )
    app = open_page(empty_workspace, "import_data")
    app.text_input(key="import.folder").set_value(str(tmp_path / "out")).run()
    assert not app.exception
    assert "Made by AUTOMATIC1111: 4 of 4 files looked into carry their prompt" in words(app)
    app.segmented_control(key="import.label-source").set_value("prompts").run()
    app.text_area(key="import.rules").set_value(RULES).run()
    assert not app.exception
    assert "The rules match **75.0%** of the prompts looked into: cat 2, =bird 1." in words(app)
    next(button for button in app.button if button.label.startswith("Import ")).click().run()
    assert not app.exception
    assert asked == [RULES.splitlines()]
