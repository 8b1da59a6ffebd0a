"""Slices; the fixtures decide which images each run gets wrong."""

import pytest


def test_without_a_run_it_names_the_next_step(open_page, trained_workspace, words):
    app = open_page(trained_workspace, "slices", dataset="fresh")
    assert not app.exception
    assert "No finished run yet" in words(app)


@pytest.mark.parametrize("split", ["test", "train"])
def test_weakest_slices_and_a_field(open_page, trained_workspace, words, split):
    app = open_page(trained_workspace, "slices", dataset="zoo", run="run-1", split=split)
    assert not app.exception
    assert "Weakest slices" in words(app)


def test_a_slice_opens_its_images(open_page, trained_workspace, address):
    found = trained_workspace.understanding.slices("run-1", "train")
    app = open_page(trained_workspace, "slices", dataset="zoo", run="run-1", split="train")
    buttons = [one for one in app.button if one.key == "slices.all-0"]
    assert bool(buttons) == bool(found.worst)
    if buttons:
        buttons[0].click().run()
        assert address(app)["queue"] == "picked"
