"""Options of labelloop itself stand before the command or after it."""

import pytest
from typer.main import get_command

from core.cli.app import app
from core.cli.command import GLOBAL, globals_first


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("demo --workspace W --no-browser", "--workspace W demo --no-browser"),
        ("--workspace W demo", "--workspace W demo"),
        ("runs -w W --json --user=ann", "-w W --user=ann runs --json"),
        ("predict run-1 -- --workspace W", "predict run-1 -- --workspace W"),
        ("datasets --workspace", "--workspace"),  # never a workspace named "datasets"
        ("", ""),
    ],
)
def test_they_are_moved_to_the_front(given, read):
    assert globals_first(given.split()) == read.split()


def test_a_command_heeds_a_workspace_named_after_it(labelloop, tmp_path):
    status, document, _ = labelloop("datasets", "--json", "--workspace", tmp_path / "other")
    assert (status, document) == (0, {"datasets": []})
    assert (tmp_path / "other" / "db").is_dir()


def test_they_are_the_ones_that_no_command_has():
    program = get_command(app)
    ours = {name for one in program.params if not getattr(one, "is_flag", False) for name in one.opts}
    theirs = {name for called in program.commands.values() for one in called.params for name in one.opts}
    assert ours - theirs == set(GLOBAL)
