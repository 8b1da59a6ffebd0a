"""Reports: whole, escaped, and asking nothing of a network."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from core.evaluation import calibration
from core.evaluation.comparison import compare
from core.evaluation.metrics import evaluate
from core.evaluation.scores import score
from core.reports import markdown, page
from core.reports.content import Content, Picture, RunPart
from core.runs import predictions as files

NAMES = ["<script>alert(1)</script>", "a|b`c*", "'\"&"]


def run(seed, wrong):
    random = np.random.default_rng(seed)
    true = np.arange(90) % 3
    chosen = np.where(np.arange(90) < wrong, (true + 1) % 3, true)
    rows = np.full((90, 3), 0.1, dtype=np.float32) + random.random((90, 3)).astype(np.float32) / 50
    rows[np.arange(90), chosen] = 0.8
    return files.make(
        classes=NAMES,
        sample_id=[f"{i:024x}" for i in range(90)],
        split=["test"] * 90,
        label=[NAMES[i] for i in true],
        probabilities=rows / rows.sum(axis=1, keepdims=True),
    )


def part(name, rows):
    evaluation = evaluate(rows)
    right = rows.predicted == rows.label
    return RunPart(
        name=name,
        model="Instant <b>",
        dataset="zoo <i>",
        split="test",
        evaluation=evaluation,
        scores=score(rows, evaluation),
        reliability=calibration.reliability(rows.confidence, right),
        facts=(("seed", "<u>0</u>"),),
        cautions=("Only <few> images.",),
        slices=(),
        shortcuts=(),
        errors=(Picture(b"\xff\xd8jpeg", NAMES[0], NAMES[1], 0.8),),
    )


@pytest.fixture
def content():
    old, new = run(0, 12), run(1, 5)
    found = compare(old, new, names=("run-1", "run-2"), split="test")
    return Content("Two <runs>", "now", (part("run-1", old), part("run-2", new)), found)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.asked = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.asked += [value for name, value in attrs if name in ("src", "href", "data", "action")]


def test_html_is_escaped_and_asks_for_nothing(content):
    text = page.render(content)
    tags = Tags()
    tags.feed(text)
    assert not {"script", "i", "u", "link", "iframe", "img src", "form"} & set(tags.seen)
    assert all(value.startswith("data:image/jpeg;base64,") for value in tags.asked)
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://", text)


def test_html_says_what_was_found(content):
    text = page.render(content)
    assert "85 of 90 test images right" in text
    assert "7 fixed, 0 broken of 90 test images: the newer run is better." in text
    assert "Better network, or better labels?" in text
    assert text.count('aria-label="Confusion matrix"') == 2
    assert "Balanced accuracy" in text


def test_markdown_has_no_markup_of_names(content):
    text = markdown.render(content)
    assert "# Two \\<runs\\>" in text
    assert "<script>" not in text
    assert "a\\|b\\`c\\*" in text
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| Accuracy")}
    assert widths == {2}
