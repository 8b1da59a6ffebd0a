"""A search on a real workspace: killed and gone on with, chosen on val, test seen by the last run alone."""

import time

import psutil
import pytest

from core.domain.errors import BadInput
from core.runs import predictions

SPACE = {"model": "instant", "seed": [0, 1, 2, 3]}


def _until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)
    return value


def _end(folder):
    """Kill supervisor and worker of a folder at once."""
    for process in psutil.process_iter(["cmdline"]):
        if str(folder) in (process.info["cmdline"] or []):
            process.kill()


def test_a_killed_search_goes_on_and_test_is_looked_at_once(workspace):
    name = workspace.searches.start("shapes", SPACE, method="grid", trials=99)
    assert workspace.searches.start("shapes", SPACE, method="grid", trials=99) == name  # a double click
    assert workspace.searches.read(name).view.spec["trials"] == 4
    _until(lambda: any(t["value"] is not None for t in workspace.searches.read(name).trials))
    _end(workspace.run_paths(name).folder)
    _until(lambda: workspace.run(name).state == "lost")
    before = workspace.searches.read(name).trials
    assert workspace.control.recover() == [name]
    view = workspace.wait(name, timeout=240)
    assert view.state == "succeeded", view.error + workspace.log_tail(name)

    found = workspace.searches.read(name)
    complete = [trial for trial in found.trials if trial["state"] == "complete"]
    assert sorted(trial["params"]["seed"] for trial in complete) == [0, 1, 2, 3]
    assert {t["run"] for t in before if t["value"] is not None} <= {t["run"] for t in complete}
    for trial in complete:
        run = workspace.run(trial["run"])
        seen = predictions.read(workspace.run_paths(run.name).predictions)
        assert set(seen.split) == {"train", "val"}
        assert trial["value"] == pytest.approx(workspace.evaluation(run.name, "val").accuracy)
    last = workspace.run(found.result["run"])
    assert last.options["seed"] == found.result["params"]["seed"]
    assert workspace.evaluation(last.name, "test").samples > 0
    # The trials are no runs that anything else is compared with.
    assert [run.name for run in workspace.runs("shapes")] == [last.name]
    assert workspace.stale("shapes").run == last.name
    assert not workspace.stale("shapes").stale


def test_what_cannot_be_searched_is_one_sentence(workspace):
    for space, words in (({"epochs": 3}, "Nothing varies"), ({"speed": [1, 2]}, "no field")):
        with pytest.raises(BadInput, match=words):
            workspace.searches.start("shapes", space)
    with pytest.raises(BadInput, match="trials must lie"):
        workspace.searches.start("shapes", SPACE, trials=0)
    with pytest.raises(BadInput, match="Choose a method"):
        workspace.searches.start("shapes", SPACE, method="magic")
