"""The queue before a device: its order, who holds it, and that the dead do not block the living."""

import threading

import pytest
from filelock import FileLock

from core.jobs import devices
from core.runs.atomic import write_json
from core.runs.layout import WorkspacePaths
from tests.waiting import until


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_gpus", list)
    return WorkspacePaths(tmp_path)


class _Waiter(threading.Thread):
    """A supervisor in a thread: holds its run's lock, waits for its turn, keeps the device until it is let go."""

    def __init__(self, workspace, name, order):
        super().__init__(daemon=True)
        self.paths, self.order, self.done = workspace.run(name), order, threading.Event()
        write_json(self.paths.spec, {})

    def run(self):
        with FileLock(self.paths.lock), devices.turn(self.paths, "auto") as device:
            self.order.append((self.paths.name, device))
            self.done.wait(20)


def test_runs_take_turns_in_the_order_that_people_see_and_change(workspace):
    order, waiters = [], []
    for number in range(1, 5):
        waiter = _Waiter(workspace, f"run-{number}", order)
        waiters.append(waiter)
        waiter.start()
        until(lambda: order and devices.waiting(workspace, "cpu") == [f"run-{n}" for n in range(2, len(waiters) + 1)])
    assert order == [("run-1", "cpu")]
    assert devices.move(workspace, "run-4", 0)
    assert devices.queues(workspace) == {"cpu": ["run-4", "run-2", "run-3"]}
    waiters[1].paths.cancel.touch()
    until(lambda: devices.waiting(workspace, "cpu") == ["run-4", "run-3"])
    assert not devices.move(workspace, "run-2", 0)
    for place, name in ((0, "run-4"), (3, "run-3")):
        waiters[place].done.set()
        until(lambda name=name: order[-1] == (name, "cpu"))
    waiters[2].done.set()
    for waiter in waiters:
        waiter.done.set()
        waiter.join(20)
    assert [name for name, device in order if device] == ["run-1", "run-4", "run-3"]
    assert ("run-2", None) in order
    assert devices.queues(workspace) == {}


def test_a_name_whose_supervisor_is_gone_blocks_nobody(workspace):
    write_json(workspace.queue / "cpu.json", ["run-9", "run-8"])
    with FileLock(workspace.run("run-1").lock), devices.turn(workspace.run("run-1"), "cpu") as device:
        assert device == "cpu"


@pytest.mark.parametrize("spoilt", ["", "{}", "[3]"])
def test_a_spoilt_queue_is_begun_anew(workspace, spoilt):
    workspace.queue.mkdir()
    (workspace.queue / "cpu.json").write_text(spoilt)
    with FileLock(workspace.run("run-1").lock), devices.turn(workspace.run("run-1"), "cpu") as device:
        assert device == "cpu"


def test_who_takes_any_gpu_waits_at_the_shortest_queue(workspace, monkeypatch):
    monkeypatch.setattr(devices, "_gpus", lambda: [0, 1])
    assert devices.devices() == ["gpu-0", "gpu-1", "cpu"]
    assert (devices.suited("auto"), devices.suited("cuda:1"), devices.suited("cpu")) == (
        ["gpu-0", "gpu-1"],
        ["gpu-1"],
        ["cpu"],
    )
    one, other = workspace.run("run-1"), workspace.run("run-2")
    locks = FileLock(one.lock), FileLock(other.lock)
    with locks[0], locks[1], devices.turn(one, "auto") as first, devices.turn(other, "auto") as second:
        assert (first, second) == ("gpu-0", "gpu-1")


def test_a_team_holds_a_gpu_a_worker_and_waits_for_all_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_gpus", lambda: [0, 1, 2])
    workspace = WorkspacePaths(tmp_path)
    run = workspace.run("run-1")
    write_json(run.spec, {})
    held = []

    def team():
        with FileLock(run.lock), devices.turn(run, "auto", workers=2) as names:
            held.append(names)

    workspace.queue.mkdir(parents=True)
    with FileLock(workspace.device_lock("gpu-1")):
        thread = threading.Thread(target=team, daemon=True)
        thread.start()
        until(lambda: devices.is_held(workspace.device_lock("gpu-0")))
        assert held == []
    thread.join(20)
    assert held == ["gpu-0 gpu-1"]
    assert not devices.is_held(workspace.device_lock("gpu-0"))
    assert not devices.is_held(workspace.device_lock("gpu-1"))
