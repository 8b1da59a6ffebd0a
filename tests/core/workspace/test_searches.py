"""A search on a real workspace: killed and gone on with, chosen on val, test seen by the last run alone."""

import pytest

from core.domain.errors import BadInput
from core.runs import predictions
from core.runs.atomic import read_json_lines
from tests import processes
from tests.waiting import until

SPACE = {"model": "instant", "seed": [0, 1, 2, 3]}


def _end(folder):
    """Kill supervisor and worker of a folder at once."""
    processes.kill(*(process for process, _ in processes.with_argument(folder)))


def test_a_killed_search_goes_on_and_test_is_looked_at_once(workspace):
    name = workspace.searches.start("shapes", SPACE, method="grid", trials=99)
    assert workspace.searches.start("shapes", SPACE, method="grid", trials=99) == name  # a double click
    assert workspace.searches.read(name).view.spec["trials"] == 4
    until(lambda: any(t["value"] is not None for t in workspace.searches.read(name).trials))
    _end(workspace.run_paths(name).folder)
    until(lambda: workspace.run(name).state == "lost")
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
    # A trial that is run again is a run like any other: listed, and measured on test.
    again = workspace.wait(workspace.history.again(complete[0]["run"]), timeout=120)
    assert again.state == "succeeded"
    assert not {"search", "trial"} & set(again.spec)
    assert again.options == workspace.run(complete[0]["run"]).options
    assert workspace.evaluation(again.name, "test").samples > 0
    assert again.name in [run.name for run in workspace.runs("shapes")]
    assert not workspace.stale("shapes").stale


def test_trials_of_networks_take_a_spare_that_loaded_while_the_one_before_trained(workspace):
    fixed = {"model": "layer-cnn", "layers": "conv 4, average", "image_size": 32, "epochs": 1}
    name = workspace.searches.start("shapes", {**fixed, "seed": [0, 1, 2]}, method="grid")
    until(lambda: not workspace.run(name).active, seconds=240)
    assert workspace.run(name).state == "succeeded", workspace.log_tail(name)
    runs = [trial["run"] for trial in workspace.searches.read(name).trials]
    assert any(read_json_lines(workspace.run_paths(run).attempts)[0]["warm"] for run in runs)


def test_what_cannot_be_searched_is_one_sentence(workspace):
    for space, words in (({"epochs": 3}, "Nothing varies"), ({"speed": [1, 2]}, "no field")):
        with pytest.raises(BadInput, match=words):
            workspace.searches.start("shapes", space)
    with pytest.raises(BadInput, match="trials must lie"):
        workspace.searches.start("shapes", SPACE, trials=0)
    with pytest.raises(BadInput, match="Choose a method"):
        workspace.searches.start("shapes", SPACE, method="magic")
