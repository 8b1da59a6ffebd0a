"""The Journal page: what was decided, filtered, taken back and done again."""

import json
import os
import uuid
from datetime import timedelta

import pytest

from core.domain.decisions import Decision
from core.domain.errors import BadInput
from core.review import journal as reading
from core.workspace.review import Review
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


def test_the_address_filters_by_file_id_and_times_of_ones_own(open_page, decided, address):
    entries = decided.review.entries("zoo")
    frame = decided.samples("zoo").set_index("sample_id")
    one = next(entry for entry in reversed(entries) if entry.sample_id)  # changes of the classes have no image
    same = [entry.sample_id for entry in entries if entry.sample_id == one.sample_id]
    app = open_page(decided, "journal", dataset="zoo", file=one.sample_id)
    assert not app.exception
    assert len(lines(app)) == len(same)
    name = os.path.basename(frame.loc[one.sample_id, "filepath"])
    alike = {i for i, path in frame["filepath"].items() if os.path.basename(path) == name}
    app.text_input[0].set_value(name.upper()).run()
    assert len(lines(app)) == len([entry for entry in entries if entry.sample_id in alike])
    assert address(app)["file"] == name.upper()
    begun = (entries[-1].at.astimezone() - timedelta(minutes=2)).replace(tzinfo=None)
    app = open_page(decided, "journal", dataset="zoo", since="times", before=begun.isoformat(timespec="minutes"))
    assert [shown.value for shown in app.caption][-1] == "No decision is like that."
    app.datetime_input[-1].set_value(None).run()
    app.datetime_input[0].set_value(begun).run()
    assert not app.exception
    assert address(app)["after"] == begun.isoformat(timespec="minutes")
    assert len(lines(app)) == len(entries)


def test_everything_since_a_run_is_shown(open_page, decided):
    app = open_page(decided, "journal", dataset="zoo", since="run-3")
    assert len(lines(app)) == len(decided.review.entries("zoo"))
    named = next(one for one in app.selectbox if one.label == "When")
    assert named.value == "run-3"
    assert "Since run-3 began" in named.options


def test_redo_that_cannot_be_is_one_sentence(open_page, decided, monkeypatch):
    decided.review.undo_entries("zoo", decided.review.entries("zoo")[:1])
    app = open_page(decided, "journal", dataset="zoo")
    monkeypatch.setattr(Review, "redo", lambda self, *_, **__: _fail("The class cat is there already."))
    button(app, "Redo").click().run()
    assert not app.exception
    assert app.toast[0].value == "The class cat is there already\\."


def _fail(sentence):
    raise BadInput(sentence)


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
