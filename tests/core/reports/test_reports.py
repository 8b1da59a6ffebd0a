"""Reports: whole, escaped, and asking nothing of a network."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from core.evaluation import calibration
from core.evaluation.comparison import compare
from core.evaluation.domains import domains
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
    origins = ["<u>photo" if at < len(rows) // 2 else "turbo" for at in range(len(rows))]
    return RunPart(
        name=name,
        model="Instant <b>",
        dataset="zoo <i>",
        split="test",
        labels="now",
        evaluation=evaluation,
        scores=score(rows, evaluation),
        reliability=calibration.reliability(rows.confidence, right),
        facts=(("seed", "<u>0</u>"),),
        cautions=("Only <few> images.",),
        slices=(),
        shortcuts=(),
        domains=tuple(domains(origins, list(rows.label), list(rows.predicted))),
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


@pytest.mark.parametrize("size", [3, 41, 120])
def test_a_large_matrix_has_names_and_its_most_frequent_errors_as_a_table(size):
    names = [f"<i>class {at}" for at in range(size)]
    true = np.arange(size).repeat(10)
    said = true.copy()
    for row in range(1, min(size, 30)):  # class 1 is taken for class 0 once, class 2 twice, and so on
        said[row * 10 : row * 10 + min(row, 9)] = 0
    rows = files.make(
        classes=names,
        sample_id=[f"{at:024x}" for at in range(len(true))],
        split=["test"] * len(true),
        label=[names[at] for at in true],
        probabilities=np.eye(size, dtype=np.float32)[said],
    )
    one = Content("Many", "now", (part("run-1", rows),), None)
    text, plain = page.render(one), markdown.render(one)
    drawn = text[text.index("<svg") : text.index("</svg>")]
    assert all(drawn.count(f">&lt;i&gt;class {at}</text>") == 2 for at in range(size))
    assert "<i>" not in text
    assert ("Most frequent errors" in text) == ("Most frequent errors" in plain) == (size > 4)
    if size > 4:
        table = text[text.index("Most frequent errors") : text.index("<h3>Figures")]
        assert table.count("<tr>") == 21
        assert "<td>&lt;i&gt;class 9</td><td>&lt;i&gt;class 0</td><td class=n>9</td><td>90%</td>" in table


def test_both_say_under_which_labels_and_how_sure_the_change_is(content):
    for text in (page.render(content), markdown.render(content).replace("\\", "")):
        assert text.count("Judged under the labels of now.") == 2
        assert "86.7% → 94.4%, a change of +7.8 points, likely between" in text
        assert "exact p = 0.016" in text.replace("&#x27;", "'")  # 7 fixed, 0 broken: 2 * (1/2)**7
        assert "labels of run-1" in text
        assert "labels of run-2" in text  # the comparison of this fixture is under those
        assert "turbo" in text


def test_without_a_verdict_no_chance_is_claimed(content):
    found = compare(run(0, 12), run(1, 5), names=("1", "2"), split="test", labels={f"{0:024x}": NAMES[1]})
    silent = replace(content, comparison=found)
    for text in (page.render(silent), markdown.render(silent)):
        assert "McNemar" not in text
        assert "no verdict" in text


def test_html_draws_the_difference_of_the_matrices(content):
    text = page.render(content)
    assert text.count('aria-label="Difference of the confusion matrices"') == 1
    found = content.comparison
    moved = found.new_evaluation.matrix - found.old_evaluation.matrix
    for count in moved[moved != 0]:
        assert f": {count:+,}</title>" in text
    assert "taken for" in text
