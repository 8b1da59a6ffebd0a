"""The Journal page: what was decided, filtered, taken back and done again."""

import json
import uuid

import pytest

from core.domain.decisions import Decision
from core.review import journal as reading
from dashboard import journal_export


@pytest.fixture
def decided(trained_workspace):
    """Three decisions by two people, taken back afterwards."""
    workspace = trained_workspace
    ids = workspace.samples("zoo")["sample_id"].tolist()[:3]
    labels = workspace.samples("zoo")["label"].tolist()
    other = next(name for name in workspace.dataset("zoo").classes if name != labels[0])
    wanted = [Decision(ids[0], "relabel", other, labels[0], uuid.uuid4().hex)]
    workspace.decide("zoo", wanted, source="grid", queue="=Worth a look", who="ann")
    wanted = [
        Decision(i, "exclude", None, label, uuid.uuid4().hex) for i, label in zip(ids[1:], labels[1:], strict=False)
    ]
    workspace.decide("zoo", wanted, source="grid", who="<b>bob")
    yield workspace
    everything = workspace.review.entries("zoo")
    workspace.review.undo_entries("zoo", everything)


def button(app, label):
    return next(one for one in app.button if one.label == label)


def lines(app):
    return app.dataframe[0].value


def test_everything_is_listed_newest_first(open_page, decided):
    app = open_page(decided, "journal", dataset="zoo")
    assert not app.exception
    shown = lines(app)
    assert shown["What"].tolist()[:3] == ["Excluded", "Excluded", "Relabelled"]
    assert shown["Who"].tolist()[:3] == ["<b>bob", "<b>bob", "ann"]


def test_the_address_filters(open_page, decided):
    app = open_page(decided, "journal", dataset="zoo", who="ann", kind="relabel")
    assert not app.exception
    assert set(lines(app)["Who"]) == {"ann"}
    nothing = open_page(decided, "journal", dataset="zoo", who="<b>bob", kind="relabel")
    assert [one.value for one in nothing.caption][-1] == "No decision is like that."


def test_all_that_is_shown_is_undone_and_redone(open_page, decided):
    before = decided.dataset("zoo").excluded
    app = open_page(decided, "journal", dataset="zoo", who="<b>bob", kind="exclude")
    button(app, "Undo them").click().run()
    assert not app.exception
    assert decided.dataset("zoo").excluded == before - 2
    button(app, "Redo").click().run()
    assert not app.exception
    assert decided.dataset("zoo").excluded == before


def test_the_export_holds_every_column_and_no_formula(decided):
    records = [reading.record(entry, {}) for entry in decided.review.entries("zoo")]
    text = journal_export.as_csv(records)
    assert text.splitlines()[0].split(",") == list(reading.COLUMNS)
    assert "'=Worth a look" in text
    read = [json.loads(line) for line in journal_export.as_json_lines(records).splitlines()]
    assert [one["entry"] for one in read] == [one["entry"] for one in records]
