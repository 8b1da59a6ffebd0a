"""The command line through its entry point."""

import json
import sys

import pytest

from core.cli import main


@pytest.fixture
def labelloop(workspace, monkeypatch, capfd):
    """``labelloop("runs", "--json")`` returns (exit status, parsed JSON or text, standard error)."""

    def run(*arguments, lines=False):
        monkeypatch.setattr(sys, "argv", ["labelloop", "--workspace", str(workspace.paths.root), *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capfd.readouterr()
        return ending.value.code or 0, _parsed(out, lines) if "--json" in arguments else out, err

    return run


def _parsed(out, lines):
    return [json.loads(line) for line in out.splitlines()] if lines else json.loads(out)
