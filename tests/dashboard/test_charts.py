import json

import numpy as np
import pytest

from dashboard import charts

HOSTILE = "<b>x</b><script>alert(1)</script>"
MATRIX = np.array([[50, 2, 0], [1, 9, 0], [0, 4, 4]])
NAMES = ["cat", HOSTILE, "a class with a name that goes on and on and on 001"]


def trace(figure, name):
    return next(one for one in figure.data if one.name == name)


def everything_written(figure):
    """Every string that Plotly would draw or read."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str):
            found.append(value)

    walk(json.loads(figure.to_json()))
    return found


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        ("two\nlines\there", "two lines here"),
        ("\"quotes\" 'too'", "\"quotes\" 'too'"),  # Plotly knows no &quot;: it would be shown letter by letter
        ("", "(no name)"),
    ],
)
def test_text_is_safe_for_plotly(name, shown):
    assert charts.text(name) == shown


def test_text_wraps_between_words():
    assert charts.text("aaa <bb ccc", width=7) == "aaa &lt;bb<br>ccc"


def test_shorten_keeps_both_ends():
    assert charts.shorten("abcdefghij", 10) == "abcdefghij"
    assert charts.shorten("abcdefghijk", 6) == "abc…jk"
    assert len(charts.shorten("x" * 300)) == charts.TICK_LENGTH


@pytest.mark.parametrize(
    "figure",
    [
        charts.confusion(NAMES, MATRIX, before=MATRIX + 1),
        charts.confusion(NAMES, MATRIX, percent=True, template="dark"),
        charts.difference(NAMES, MATRIX, MATRIX.T),
        charts.shares(NAMES, [0.5] * 3, [0.4] * 3, [0.6] * 3),
        charts.class_counts(dict.fromkeys(NAMES, 3)),
    ],
    ids=["confusion", "percent", "difference", "shares", "counts"],
)
def test_no_name_reaches_plotly_unescaped(figure):
    written = everything_written(figure)
    assert any("&lt;b&gt;x" in text for text in written)
    assert not [text for text in written if "<b>x" in text or "<script" in text]


def test_diagonal_and_errors_have_scales_of_their_own():
    figure = charts.confusion(NAMES, MATRIX)
    errors, right = trace(figure, "errors"), trace(figure, "right")
    assert np.isnan(np.diag(errors.z)).all()
    assert errors.z[2][1] == 1.0  # the largest error is the strongest, though 50 are right elsewhere
    assert errors.z[1][0] == pytest.approx(0.5)  # 1 of 4, by the root
    assert right.z[0][0] == 1.0
    assert np.isnan(right.z[0][1])
    assert errors.colorscale[-1] != right.colorscale[-1]


def test_cells_are_numbered_and_zeros_left_empty():
    figure = charts.confusion(NAMES, MATRIX)
    shown = [["" for _ in NAMES] for _ in NAMES]
    for numbers in (one for one in figure.data if one.texttemplate):
        for i, row in enumerate(numbers.text):
            for j, word in enumerate(row):
                shown[i][j] += word
    assert shown == [["50", "2", ""], ["1", "9", ""], ["", "4", "4"]]


def test_percent_is_of_the_row():
    figure = charts.confusion(NAMES, np.array([[998, 2, 0], [5, 5, 0], [0, 0, 0]]), percent=True)
    words = {word for one in figure.data if one.texttemplate for row in one.text for word in row}
    assert words == {"", "100%", "&lt;1%", "50%"}


def test_what_a_cell_was_is_shown_where_it_changed():
    before = MATRIX.copy()
    before[1] = [2, 8, 0]
    figure = charts.confusion(NAMES, MATRIX, before=before)
    words = [word for one in figure.data if one.texttemplate for row in one.text for word in row if "was" in word]
    assert sorted(word.split("<")[0] for word in words) == ["1", "9"]
    assert "was 2" in trace(figure, charts.CLICK_TRACE).hovertext[3]


def test_every_cell_can_be_clicked_and_says_what_it_is():
    cells = trace(charts.confusion(NAMES, MATRIX, chosen=(2, 1)), charts.CLICK_TRACE)
    assert [tuple(place) for place in cells.customdata] == [(i, j) for i in range(3) for j in range(3)]
    assert [(y, x) for x, y in zip(cells.x, cells.y, strict=True)] == [(i, j) for i in range(3) for j in range(3)]
    assert list(cells.selectedpoints) == [7]
    assert "4 of 8 (50.0%)" in cells.hovertext[7]


def test_first_class_is_on_top_and_names_stand_at_their_rows():
    axis = charts.confusion(NAMES, MATRIX).layout.yaxis
    assert axis.range[0] > axis.range[1]
    assert axis.ticktext[0] == "cat"
    assert len(axis.ticktext) == len(axis.tickvals) == 3


def test_numbers_contrast_with_their_cells():
    """Near-black on the pale cells, white on the dark ones."""
    figure = charts.confusion(["a", "b"], np.array([[100, 1], [0, 100]]))
    white = next(one for one in figure.data if one.texttemplate and one.textfont.color == "#ffffff")
    assert white.text[0][0] == "100"


def test_many_classes_leave_the_numbers_out():
    figure = charts.confusion([f"c{i}" for i in range(60)], np.eye(60, dtype=int))
    assert {word for one in figure.data if one.texttemplate for row in one.text for word in row} == {""}


def test_difference_is_coloured_by_better_and_worse():
    old, new = np.array([[5, 5], [0, 10]]), np.array([[8, 2], [1, 9]])
    change = trace(charts.difference(["a", "b"], old, new), "change")
    assert change.z[0][0] < 0  # three more right: better
    assert change.z[0][1] < 0  # three fewer errors: better
    assert change.z[1][0] > 0
    assert change.z[1][1] > 0
    words = {
        word for one in charts.difference(["a", "b"], old, new).data if one.texttemplate for r in one.text for word in r
    }
    assert words - {""} == {"+3", "−3", "+1", "−1"}


def test_aligned_matrices_have_the_classes_of_both():
    names, old, new = charts.aligned(["a", "c"], np.array([[1, 2], [3, 4]]), ["a", "b"], np.array([[5, 6], [7, 8]]))
    assert names == ("a", "b", "c")
    assert old.tolist() == [[1, 0, 2], [0, 0, 0], [3, 0, 4]]
    assert new.tolist() == [[5, 6, 0], [7, 8, 0], [0, 0, 0]]


def test_curve_marks_the_best_epoch_and_spans_all_epochs():
    metrics = [
        {"epoch": 1, "train_loss": 1.0, "val_loss": 0.9, "train_accuracy": 0.5, "val_accuracy": 0.6},
        {"epoch": 2, "train_loss": 0.5, "val_loss": 0.7, "train_accuracy": 0.8, "val_accuracy": 0.7},
    ]
    figure = charts.curve(metrics, "accuracy", epochs=10, best=2)
    assert list(trace(figure, "validation").y) == [0.6, 0.7]
    assert trace(figure, "best, epoch 2: 70.0%").x == (2,)
    assert figure.layout.xaxis.range == (0.5, 10.5)


def test_curve_without_a_val_split():
    figure = charts.curve([{"epoch": 1, "train_loss": 1.0, "val_loss": None}], "loss", epochs=3, best=1)
    assert [one.name for one in figure.data] == ["train", "best, epoch 1: 1.000"]


def test_templates_differ():
    light, dark = (charts.confusion(NAMES, MATRIX, template=one) for one in ("light", "dark"))
    assert trace(light, "right").colorscale != trace(dark, "right").colorscale
    assert light.layout.font.color != dark.layout.font.color


def test_empty_matrix_is_drawn():
    assert trace(charts.confusion(["a", "b"], np.zeros((2, 2), dtype=int)), "right").z[0][0] == 0
