import json

import numpy as np
import pytest

from core.evaluation.intervals import share
from core.evaluation.timeline import Moment
from dashboard import charts
from dashboard.charts import searches

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
    assert len(charts.shorten("x" * 300)) == 18


@pytest.mark.parametrize(
    "figure",
    [
        charts.shares(NAMES, [0.5] * 3, [0.4] * 3, [0.6] * 3),
        charts.class_counts(dict.fromkeys(NAMES, 3)),
    ],
    ids=["shares", "counts"],
)
def test_no_name_reaches_plotly_unescaped(figure):
    written = everything_written(figure)
    assert any("&lt;b&gt;x" in text for text in written)
    assert not [text for text in written if "<b>x" in text or "<script" in text]


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


def test_trials_are_lines_through_their_values_and_the_last_axis_is_what_they_reached():
    trials = [
        {"params": {"rate": 0.0001, "size": 64, "model": HOSTILE, "flip": True}, "value": 0.5},
        {"params": {"rate": 0.1, "size": 128, "model": "cnn", "flip": False}, "value": 0.75},
        {"params": {"rate": 0.01, "size": 64, "model": "cnn", "flip": True}, "value": None},  # failed: no line
    ]
    names = {"rate": "Learning rate", "size": "Image size", "model": "Model", "flip": "Flip"}
    figure = searches.parallel(trials, names, "accuracy")
    (lines,) = figure.data
    rate, size, model, flip, reached = lines.dimensions
    assert [one.label for one in lines.dimensions] == [*names.values(), "accuracy"]
    assert list(rate["values"]) == pytest.approx([-4, -1])  # a wide range is laid out by its logarithm
    assert list(rate.ticktext) == ["0.0001", "0.1"]
    assert list(size["values"]) == [64, 128]
    assert list(model["values"]) == [0, 1]
    assert list(flip.ticktext) == ["True", "False"]
    assert list(reached["values"]) == list(lines.line.color) == [0.5, 0.75]
    assert "<script>" not in "".join(everything_written(figure))


def test_the_better_end_of_the_lines_has_the_same_colour_whether_more_is_better_or_less():
    trials = [{"params": {"rate": 1.0}, "value": value} for value in (0.1, 0.9)]
    more, less = (
        searches.parallel(trials, {"rate": "Rate"}, one).data[0].line.colorscale for one in ("accuracy", "loss")
    )
    assert [more[0][1], more[1][1]] == [less[1][1], less[0][1]]


def test_what_matters_is_a_bar_a_field_most_first():
    figure = searches.importance({"Learning rate": 0.75, HOSTILE: 0.25})
    (bars,) = figure.data
    assert list(bars.x) == [0.75, 0.25]
    assert list(bars.text) == ["75%", "25%"]
    assert figure.layout.yaxis.ticktext[0] == "Learning rate"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first at the top
    assert "<script>" not in "".join(everything_written(figure))


@pytest.mark.parametrize(("corrections", "each"), [(0, True), (1, True), (12, True), (900, False)])
def test_few_corrections_have_a_tick_each_and_none_between(corrections, each):
    moments = [Moment(f"run-{n}", 0.0, n * corrections, share(8, 10), share(9, 10), 10) for n in (0, 1)]
    axis = charts.timeline(moments).layout.xaxis
    assert (axis.dtick == 1) == each
    assert list(trace(charts.timeline(moments), "under the labels of now").x) == [0, corrections]
