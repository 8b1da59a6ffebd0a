"""Notes of a run: fields change one by one, and a spoilt file costs the notes, not the page."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.domain.errors import BadInput
from core.runs import notes
from core.runs.layout import RunPaths
from core.runs.notes import Notes


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run-1"
    folder.mkdir()
    return RunPaths(folder)


def test_what_was_noted_is_read_again(run, hostile_name):
    assert notes.read(run) == Notes()
    notes.change(run, text=hostile_name, star=True)
    notes.change(run, tags=[" best ", "best", "", "猫"])
    assert notes.read(run) == Notes(text=hostile_name, star=True, tags=("best", "猫"), archived=False)


def test_two_who_change_different_fields_both_win(run):
    def change(number):
        notes.change(run, **({"text": "one"} if number % 2 else {"archived": True}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(20)))
    assert notes.read(run) == Notes(text="one", archived=True)


@pytest.mark.parametrize("spoilt", ["", "[1, 2]", '{"tags": 3, "text": null}', "{"])
def test_a_spoilt_file_counts_as_none(run, spoilt):
    run.notes.write_text(spoilt)
    assert notes.read(run) == Notes()


@pytest.mark.parametrize("tag", ["a,b", "x" * 41, "two\nlines"])
def test_what_cannot_be_a_tag_is_refused_and_nothing_changes(run, tag):
    notes.change(run, tags=["kept"])
    with pytest.raises(BadInput, match="tag"):
        notes.change(run, tags=[tag])
    assert notes.read(run).tags == ("kept",)
