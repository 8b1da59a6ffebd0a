"""What follows a run's end: its labels are judged unless a newer run makes that pointless."""

import threading
import time

import pytest

from core.jobs import afterwards
from core.runs.atomic import write_json
from core.runs.layout import WorkspacePaths
from tests.waiting import until

JUDGE = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "begun").touch()
for _ in range(600):
    if (folder / "enough").exists():
        (folder / "judged").touch()
        break
    time.sleep(0.05)
"""


@pytest.fixture
def make(tmp_path):
    def run(number, dataset="pets", *, code=None, **more):
        paths = WorkspacePaths(tmp_path).run(f"run-{number}")
        write_json(paths.spec, {"kind": "train", "dataset": dataset, **more})
        if code is not None:
            write_json(paths.exit, {"returncode": code})
        return paths

    return run


@pytest.fixture
def judge(tmp_path, monkeypatch):
    (tmp_path / "slow_judge.py").write_text(JUDGE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(afterwards, "JUDGE", "slow_judge")


def test_only_a_newer_run_that_succeeded_on_the_same_dataset_supersedes(make):
    mine = make(5, code=0)
    make(4, code=0)
    make(6, code=2)
    make(7)
    make(8, "birds", code=0)
    make(9, code=0, search="search-1", trial=0)
    assert not afterwards.superseded(mine)
    make(10, code=0, search="search-1", final=True)
    assert afterwards.superseded(mine)


def test_judging_ends_as_soon_as_a_newer_run_has_succeeded(make, judge):
    mine = make(1, code=0)
    judging = threading.Thread(target=afterwards.judge, args=(mine,))
    judging.start()
    until((mine.folder / "begun").exists, seconds=60)
    make(2)  # it goes on: these labels may be the newest for a while
    time.sleep(3 * afterwards._LOOK)
    assert judging.is_alive()
    make(2, code=0)
    judging.join(timeout=10)
    assert not judging.is_alive()
    assert not (mine.folder / "judged").exists()


def test_judging_that_nobody_supersedes_comes_to_its_end(make, judge):
    mine = make(1, code=0)
    (mine.folder / "enough").touch()
    afterwards.judge(mine)
    assert (mine.folder / "judged").exists()
