"""Slices; the fixtures decide which images each run gets wrong."""

import pytest

from core.domain.decisions import Decision
from core.review.queues import QueueSpec


def test_without_a_run_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "slices", dataset="fresh")
    assert not app.exception
    assert "No finished run yet" in words(app)


@pytest.mark.parametrize("split", ["test", "train"])
def test_weakest_slices_and_a_field(open_page, trained_workspace, words, split):
    app = open_page(trained_workspace, "slices", dataset="zoo", run="run-1", split=split)
    assert not app.exception
    assert "Weakest slices" in words(app)


def test_slices_are_found_once_while_nothing_changes(corrected_workspace):
    found = corrected_workspace.understanding.slices("run-1", "test")
    assert corrected_workspace.understanding.slices("run-1", "test") is found
    first = corrected_workspace.errors.of("run-1", "test")[0]
    made = Decision(first.sample_id, "relabel", first.predicted, first.label, "better")
    assert corrected_workspace.decide("zoo", [made], source="grid")[0].saved
    assert corrected_workspace.understanding.slices("run-1", "test").right.sum() == found.right.sum() + 1


def test_a_slice_opens_its_images(open_page, generated_workspace, address):
    found = generated_workspace.understanding.slices("run-1", "test")
    weakest = next(one for one in found.worst if one.worse)
    app = open_page(generated_workspace, "slices", dataset="made", run="run-1", split="test")
    app.button(key="slices.all-0").click().run()
    assert not app.exception
    where = address(app)
    assert where["queue"] == "picked"
    shown = generated_workspace.queue("made", QueueSpec.from_params(where)).ids
    assert set(shown) == {found.ids[row] for row in weakest.rows}
