"""Background work: it outlives who started it, says how it ended, and is found again. Real processes, really killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.domain.runs import TrainOptions
from core.jobs.launcher import Launcher
from core.runs import members
from core.runs.atomic import read_json, read_json_lines
from core.runs.states import is_held
from core.workspace import Workspace
from tests import processes
from tests.waiting import until

LONG = TrainOptions(model="cnn", epochs=500, image_size=64, batch_size=8)


@pytest.fixture
def training(workspace):
    """A network that trains; cancelled at the end, whatever the test did."""
    name = workspace.retrain("shapes", LONG)
    paths = workspace.run_paths(name)
    until(lambda: workspace.run(name).status.get("phase") == "training" and workspace.run(name).metrics)
    yield workspace.run(name)
    workspace.cancel(name)
    workspace.wait(name, timeout=60)
    processes.kill(*processes.of_run(paths).values())


def test_a_killed_worker_is_started_again_and_after_three_crashes_the_run_has_failed(workspace, training):
    paths, killed = workspace.run_paths(training.name), []
    for _ in range(3):
        worker = until(lambda: (found := processes.of_run(paths).get("worker")) and found.pid not in killed and found)
        killed.append(worker.pid)
        worker.kill()
    view = workspace.wait(training.name, timeout=120)
    assert view.state == "failed"
    assert "crashed 3 times" in view.error
    assert "signal 9" in view.error
    assert workspace.control.recover() == []  # it is not lost: nobody starts it again by itself
    workspace.control.retry(training.name)  # a person does, and the crashes count anew
    workspace.control.retry(training.name)  # the second click of a double click
    until(lambda: processes.of_run(paths).get("worker")).kill()
    time.sleep(1)
    assert workspace.run(training.name).active


@pytest.mark.skipif(sys.platform != "linux", reason="the worker is told of its parent's death on Linux only")
def test_a_killed_supervisor_takes_its_worker_along_and_the_run_is_lost(workspace, training):
    paths = workspace.run_paths(training.name)
    both = until(lambda: len(found := processes.of_run(paths)) == 2 and found)
    both["supervisor"].kill()
    view = workspace.wait(training.name, timeout=120)
    assert view.state == "lost"
    assert "kept" in view.error
    until(lambda: not processes.of_run(paths), seconds=10)
    assert not is_held(workspace.paths.device_lock("cpu"))  # the next network may train
    with Workspace.open(workspace.paths.root) as again:  # whoever opens the workspace next has it go on
        assert again.run(training.name).state in ("queued", "running")
        assert again.control.recover() == []
        until(lambda: again.run(training.name).state == "running")


def test_cancel_stops_it_within_seconds(workspace, training):
    workspace.cancel(training.name)
    view = workspace.wait(training.name, timeout=120)
    assert view.state == "cancelled"
    until(lambda: not processes.of_run(workspace.run_paths(training.name)), seconds=10)


def test_it_goes_on_when_its_starter_is_killed_and_is_found_again(workspace):
    code = (
        "import sys; from pathlib import Path; from core.workspace import Workspace;"
        "from core.domain.runs import TrainOptions;"
        "w = Workspace.open(Path(sys.argv[1]));"
        "print(w.retrain('shapes', TrainOptions(model='cnn', epochs=400, image_size=64, seed=5)), flush=True);"
        "import time; time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.paths.root)], stdout=subprocess.PIPE, text=True
    )
    with starter:
        name = starter.stdout.readline().strip()
        until(lambda: workspace.run(name).metrics)
        starter.kill()
    epochs = len(workspace.run(name).metrics)
    with Workspace.open(workspace.paths.root) as found:
        assert found.run(name).state == "running"
        until(lambda: len(found.run(name).metrics) > epochs + 1)
        found.cancel(name)
        assert found.wait(name, timeout=120).state == "cancelled"


def test_a_second_network_waits_for_the_device(workspace, training):
    name = workspace.retrain("shapes", TrainOptions(model="cnn", epochs=1, image_size=32, seed=9))
    time.sleep(2)
    assert workspace.run(name).state == "queued"
    workspace.cancel(training.name)
    workspace.wait(training.name, timeout=120)
    assert workspace.wait(name, timeout=120).state == "succeeded"


def test_a_queued_run_can_be_cancelled(workspace, training):
    name = workspace.retrain("shapes", TrainOptions(model="cnn", epochs=1, image_size=32, seed=10))
    until(lambda: is_held(workspace.run_paths(name).lock))
    workspace.cancel(name)
    assert workspace.wait(name, timeout=120).state == "cancelled"
    assert workspace.run(training.name).state == "running"


@pytest.fixture
def launcher():
    made = Launcher(spare="light")
    yield made
    made.close()


def _first_attempt(workspace, name):
    return read_json_lines(workspace.run_paths(name).attempts)[0]


def test_the_spare_takes_one_instant_run_after_another(trained, launcher, monkeypatch):
    spare = launcher._spares["light"]
    monkeypatch.setattr(trained, "_launcher", launcher)
    for seed in (41, 43):
        name = trained.retrain("shapes", TrainOptions(seed=seed))
        assert trained.wait(name, timeout=120).state == "succeeded"
        assert _first_attempt(trained, name)["warm"]
        until(trained.run_paths(name).judgements.exists)  # by a fork, too
    assert launcher._spares["light"] is spare
    assert spare.poll() is None


def test_the_spare_takes_an_import_and_what_follows_on_it(workspace, write_shapes, tmp_path, launcher, monkeypatch):
    spare = launcher._spares["light"]
    monkeypatch.setattr(workspace, "_launcher", launcher)
    monkeypatch.setenv(members.PLACE, "here")  # what status.json says of where a job works
    job = workspace.start_import(write_shapes(tmp_path / "taken", each=4), "taken")
    assert workspace.wait(job, timeout=120).state == "succeeded"
    assert len(workspace.samples("taken")) == 4 * len(workspace.dataset("taken").classes)
    # Forked from it: what dies with a bad file is not the spare.
    assert _first_attempt(workspace, job)["pid"] != spare.pid
    views = workspace.jobs("taken")
    assert {view.kind for view in views} == {"import", "embed", "check"}
    for view in views:
        assert workspace.wait(view.name, timeout=120).state == "succeeded"
        assert _first_attempt(workspace, view.name)["warm"]
        assert read_json(workspace.run_paths(view.name).status)["place"] == "here"


def test_a_spare_ends_with_whoever_keeps_it(launcher):
    spare = launcher._spares["light"]
    launcher.close()
    assert spare.wait(timeout=60) == 0


def test_a_dead_spare_is_no_obstacle(trained, launcher, monkeypatch):
    launcher._spares["light"].kill()
    launcher._spares["light"].wait()
    monkeypatch.setattr(trained, "_launcher", launcher)
    view = trained.wait(trained.retrain("shapes", TrainOptions(seed=42)), timeout=120)
    assert view.state == "succeeded"


def test_an_import_can_be_cancelled_and_nothing_is_there(workspace, write_shapes, tmp_path):
    folder = write_shapes(tmp_path / "many", each=400)
    job = workspace.start_import(folder, "cancelled")
    workspace.cancel(job)
    view = workspace.wait(job, timeout=60)
    assert view.state == "cancelled"
    assert "cancelled" not in workspace.names()


def test_an_import_of_what_cannot_be_read_fails_with_one_sentence(workspace, tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_bytes(b"no")
    view = workspace.wait(workspace.start_import(tmp_path, "bad"), timeout=60)
    assert view.state == "failed"
    assert "could be read" in view.error
    assert workspace.report(view.name)["quarantined"] == 1
    assert "bad" not in workspace.names()


def test_a_folder_that_vanishes_before_its_import_starts(workspace, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    (folder / "1.png").touch()
    started = []
    monkeypatch.setattr(workspace._launcher, "start", lambda paths, **_: started.append(paths))
    job = workspace.start_import(folder, "gone")
    (folder / "1.png").unlink()
    folder.rmdir()
    monkeypatch.undo()
    Launcher().start(started[0])
    view = workspace.wait(job, timeout=60)
    assert (view.state, Path(view.spec["folder"]).exists()) == ("failed", False)
    assert "no folder" in view.error
