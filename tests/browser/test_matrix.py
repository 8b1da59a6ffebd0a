"""The matrix in Chromium: what it draws and saves, by pointer and by keyboard, with classes of hostile names."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from core.domain.decisions import Decision
from core.domain.runs import TrainOptions
from core.domain.samples import NewSample
from core.evaluation.ordering import order
from tests.runs import finished_run
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

DRAW = Path(__file__).parents[2] / "dashboard" / "widgets" / "matrix" / "draw.js"
INK = {
    "empty": "#eeeeee",
    "right": ["#d5e5f2", "#2170a8"],
    "wrong": ["#f9dccb", "#c9531a"],
    "accent": "#123456",
    "muted": "#777777",
    "font": "#111111",
}
NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "=1+1",
    "+x",
    "-x",
    "@x",
    "\tq",
    "a,b",
    'a"b',
    "'&",
]
EACH = 6  # images a class of the page's dataset
CLASSES = ["<img src=x onerror=window.hacked=1>", "=1+1", *(f"class {at:02d}" for at in range(98))]
ROOT = "[...document.querySelectorAll('*')].map((one) => one.shadowRoot).find((one) => one?.querySelector('.matrix'))"


def sparse(matrix):
    rows, columns = np.nonzero(matrix)
    return {"rows": rows.tolist(), "columns": columns.tolist(), "counts": matrix[rows, columns].tolist()}


def data(matrix, names=None, before=None, **changes):
    names = names or [f"name {at}" for at in range(len(matrix))]
    return {
        "kind": "counts",
        "values": "counts",
        "classes": names,
        "short": names,
        "order": list(range(len(matrix))),
        "before": None if before is None else sparse(before),
        "ink": INK,
        **sparse(matrix),
        **changes,
    }


@pytest.fixture(scope="module")
def pen(browser):
    """A tab that has the matrix's drawing and nothing else."""
    tab = browser.new_page()
    tab.set_content("<p>")
    tab.add_script_tag(content=DRAW.read_text(encoding="utf-8"))
    yield tab
    tab.close()


def texts(pen, drawn):
    """What a drawing says, and that nothing in it could be run."""
    return pen.evaluate(
        """(drawn) => {
          const read = new DOMParser().parseFromString(drawn, "image/svg+xml");
          const all = [...read.querySelectorAll("*")];
          const kinds = new Set(all.map((one) => one.tagName));
          const bad = all.some((one) => [...one.attributes].some((each) => /^on|href/i.test(each.name)));
          if (bad || [...kinds].some((kind) => !["svg", "rect", "text"].includes(kind))) return null;
          return [...read.querySelectorAll("text")].map((one) => one.textContent);
        }""",
        drawn,
    )


def svg(pen, given):
    return pen.evaluate("(given) => asSvg(makeScene(given), '#ffffff')", given)


def test_a_drawing_escapes_every_name(pen):
    said = texts(pen, svg(pen, data(np.eye(len(NAMES), dtype=int) * 3, NAMES)))
    assert said is not None
    assert {name: said.count(name) for name in NAMES} == dict.fromkeys(NAMES, 2)
    assert "bell\ufffd" in texts(pen, svg(pen, data(np.eye(2, dtype=int), ["bell\x07", "b"])))  # XML knows no such sign


@pytest.mark.parametrize(("values", "expected"), [("counts", "3"), ("percent", "0.75"), ("column", "1")])
def test_a_table_is_no_formula_and_holds_what_is_shown(pen, values, expected):
    matrix = np.eye(len(NAMES), dtype=int) * 3
    matrix[0, 1] = 1
    text = pen.evaluate("(given) => asCsv(makeScene(given))", data(matrix, NAMES, values=values))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    guarded = [f"'{name}" if name[0] in "=+-@\t" else name for name in NAMES]
    assert rows[0] == ["label \\ predicted", *guarded]
    assert [row[0] for row in rows[1:]] == guarded
    assert rows[1][1] == expected
    assert {"counts": "1", "percent": "0.25", "column": "0.25"}[values] == rows[1][2]


@pytest.mark.parametrize("size", [41, 86, 100, 150, 1000])
def test_a_saved_matrix_names_all_its_classes(pen, size):
    matrix = np.eye(size, dtype=int) * 123
    matrix[0, 1] = 7
    said = texts(pen, svg(pen, data(matrix)))
    assert all(said.count(f"name {at}") == 2 for at in range(size))
    assert ("123" in said) == (size <= 150)
    width, height = pen.evaluate(
        """async (given) => {
          const made = await createImageBitmap(await asPng(makeScene(given), "#ffffff"));
          return [made.width, made.height];
        }""",
        data(matrix),
    )
    assert 700 < width <= 8000
    assert 700 < height <= 8000


@pytest.mark.parametrize("values", ["counts", "percent", "column"])
@pytest.mark.parametrize("size", [2, 8, 30, 120])
def test_what_changed_is_marked_at_any_size_and_in_any_numbers(pen, size, values):
    before = np.eye(size, dtype=int) * 12
    matrix = before.copy()
    matrix[0, 0], matrix[0, 1] = 10, 2
    drawn = svg(pen, data(matrix, before=before, values=values))
    marked = [one for one in texts(pen, drawn) if one.startswith("was ")]
    if size <= 8 and values == "counts":  # room for words
        assert marked == ["was 12", "was 0"]
    else:
        assert marked == []
        assert drawn.count(f'fill="{INK["accent"]}"') == 2


@pytest.fixture(scope="module")
def many(workspace):
    """Dataset "many": 100 classes, all in test. run-1 takes two images of the class at place 2 for that at place 5, and
    one of 0 for 1; run-2 only the last.
    """
    info = workspace.store.create("many", CLASSES)
    workspace.store.insert(
        info.id,
        [
            NewSample(workspace.picture, name, "test", f"{at:032x}{row:032x}", 1, 1, 40, 30, "image/png", "/")
            for at, name in enumerate(CLASSES)
            for row in range(EACH)
        ],
    )
    frame = workspace.samples("many")
    labels = [CLASSES.index(label) for label in frame["label"]]
    for ago, wrong in ((60, {(2, 0): 5, (2, 1): 5, (0, 0): 1}), (30, {(0, 0): 1})):
        rows = np.full((len(frame), len(CLASSES)), 0.01, dtype=np.float32)
        for at, label in enumerate(labels):
            rows[at, wrong.get((label, labels[:at].count(label)), label)] = 0.77
        finished_run(workspace, "many", rows, options=TrainOptions(model="cnn"), ago=ago)
    return workspace


@pytest.fixture
def see(tab, url, many):
    tab.set_viewport_size({"width": 1600, "height": 1000})

    def go(page="matrix", **params):
        query = "&".join(f"{name}={value}" for name, value in {"dataset": "many", "run": "run-1", **params}.items())
        tab.goto(f"{url}/{page}?{query}")
        matrix = tab.locator("[role=application]").first
        matrix.wait_for()
        return matrix

    return go


@pytest.fixture
def tiles(tab):
    """``tiles(ids)`` waits until the grid shows exactly these images."""

    def wait(ids):
        shown = "(all) => all.map((one) => one.id.replace('tile-', ''))"
        wait_for(tab, lambda: set(tab.locator(".tile").evaluate_all(shown)) == set(ids))

    return wait


def in_cell(many, row, column, run="run-1"):
    rows = many.predictions(run)
    labels = [CLASSES.index(label) for label in rows.label]
    return [
        i for i, true, said in zip(rows.sample_id, labels, rows.chosen, strict=True) if (true, said) == (row, column)
    ]


def saved(tab):
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save as a table").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def press(tab, words):
    """Click one of a row of buttons."""
    tab.get_by_role("radio", name=words).or_(tab.get_by_role("button", name=words)).first.click()


def over(tab, matrix, row, column):
    """Move the pointer onto a cell; returns the tip's words."""
    matrix.scroll_into_view_if_needed()
    place = matrix.evaluate("(it, [row, column]) => it.labelloopPlace(row, column)", [row, column])
    tab.mouse.move(place["x"] - 2, place["y"] - 1)
    tab.mouse.move(place["x"], place["y"])
    return tab.locator(".matrix .tip").inner_text()


def test_a_cell_is_chosen_and_left_by_keyboard(tab, see, many, tiles):
    matrix = see()
    assert tab.get_by_text("By keyboard: arrows, Enter, Esc").is_visible()
    wrong = in_cell(many, 2, 5) + in_cell(many, 0, 1)
    tiles(wrong)
    matrix.focus()
    for key in ("ArrowDown", "ArrowDown", *["ArrowRight"] * 5):
        matrix.press(key)
    assert "Label class 00, predicted class 03: 2 of 6" in tab.locator(".matrix .said").inner_text()
    matrix.press("Enter")
    tiles(in_cell(many, 2, 5))
    assert "true=class" in tab.url
    matrix.press("Escape")
    tiles(wrong)
    assert "true=" not in tab.url


def test_a_class_is_searched_and_the_matrix_zoomed(tab, see):
    see()
    wide = f"() => {ROOT}.querySelector('.space').offsetWidth"
    whole = tab.evaluate(wide)
    tab.get_by_role("button", name="Larger").click()
    larger = tab.evaluate(wide)
    assert larger > whole * 1.2
    tab.get_by_role("button", name="Show the whole matrix").click()
    assert tab.evaluate(wide) == whole
    search = tab.locator(".matrix").get_by_role("searchbox")
    search.fill("CLASS 1")
    assert tab.locator(".matrix .said").inner_text() == "10 classes found"
    search.fill("no such class")
    assert tab.locator(".matrix .said").inner_text() == "0 classes found"


def test_numbers_and_order_are_switched_and_saved(tab, see, many):
    figures = many.evaluation("run-1", "test")
    see()
    rows = saved(tab)
    assert rows[0][1:3] == [CLASSES[0], "'=1+1"]
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == figures.matrix.tolist()
    for words, axis in (("Row %", 1), ("Column %", 0)):
        press(tab, words)
        shares = figures.matrix / np.maximum(figures.matrix.sum(axis=axis, keepdims=True), 1)
        wait_for(
            tab,
            lambda wanted=shares: np.allclose(
                [[float(cell) for cell in row[1:]] for row in saved(tab)[1:]], wanted, atol=1e-5
            ),
        )
    press(tab, "Most errors")
    wanted = [CLASSES[at] for at in order(figures.matrix, "error")]
    wait_for(tab, lambda: [name.removeprefix("'") for name in saved(tab)[0][1:]] == wanted)


def test_as_trained_leaves_out_what_was_relabelled_since(tab, see, many):
    first = in_cell(many, 2, 5)[0]
    made = Decision(first, "relabel", CLASSES[5], CLASSES[2], "matrix-trained")
    assert many.decide("many", [made], source="grid")[0].saved
    total = len(CLASSES) * EACH
    try:
        see()
        tab.get_by_text(f"{total - 2} of {total}").first.wait_for()
        press(tab, "As trained")
        tab.get_by_text(f"{total - 3} of {total}").first.wait_for()
    finally:
        many.undo("many")


def test_images_of_the_cell_under_the_pointer_are_shown(tab, see, many):
    matrix = see()

    def pictured():
        tab.locator(".matrix .tip .pictures img").first.wait_for()
        sources = [one.get_attribute("src") for one in tab.locator(".matrix .tip .pictures img").all()]
        return {source.rsplit("/", 1)[1] for source in sources}

    assert "2 of 6" in over(tab, matrix, 2, 5)
    assert pictured() == set(in_cell(many, 2, 5))
    assert CLASSES[0] in over(tab, matrix, 0, 0)  # a cell of the diagonal, and a name that is no HTML
    tab.wait_for_function(
        f"() => !{ROOT}.querySelector('.pictures') || {ROOT}.querySelectorAll('.pictures img').length === 3"
    )
    assert pictured() <= set(in_cell(many, 0, 0))
    matrix = see("compare", old="run-1", new="run-2", split="test")
    assert "2 → 0" in over(tab, matrix, 2, 5)
    assert pictured() == set(in_cell(many, 2, 5))


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_wide_matrix_fits_and_has_its_images_beside_it_where_there_is_room(browser, url, many, look):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=look)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(f"{url}/matrix?dataset=many&run=run-1")
    tab.locator(".tile").first.wait_for()
    wider = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    for width in (390, 1280, 2560):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_function(f"() => window.innerWidth === {width}")
        tab.wait_for_function(wider)
        matrix, images = (tab.locator(f".st-key-matrix-{name}").bounding_box() for name in ("whole", "images"))
        assert (images["x"] >= matrix["x"] + matrix["width"]) == (width == 2560), (width, matrix, images)
        assert (images["y"] >= matrix["y"] + matrix["height"]) == (width < 2560), (width, matrix, images)
    context.close()
