"""`labelloop up` for real: mongod, dashboard and FiftyOne server; killed one by one and all at once; stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import psutil
import pymongo
import pytest

from core.domain.errors import BadInput
from core.runs.atomic import read_json
from core.runs.layout import WorkspacePaths
from core.services import mongod, stack, up_record
from core.services.app_client import AppClient
from core.services.processes import ProcessId
from tests import processes
from tests.waiting import until

LAUNCH = """
import sys
from pathlib import Path
from core.runs.layout import WorkspacePaths
from core.services.stack import run_stack
def say(sentence):
    sys.stdout.write(sentence + "\\n")
    sys.stdout.flush()
sys.exit(run_stack(WorkspacePaths(Path(sys.argv[1])), port=None, open_browser=False, announce=say))
"""


@pytest.fixture
def paths(tmp_path):
    paths = WorkspacePaths(tmp_path / "ws")
    paths.root.mkdir()
    yield paths
    processes.kill(*ours(paths))


@pytest.fixture
def launch(paths):
    started = []

    def go():
        command = [sys.executable, "-c", LAUNCH, str(paths.root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def ours(paths):
    """Every living process that belongs to this workspace."""
    found = set()
    for process in psutil.process_iter(["cmdline", "status"]):
        try:
            mine = process.environ().get("LABELLOOP_WORKSPACE") == str(paths.root)
        except psutil.Error:
            continue
        named = any(str(paths.root) in argument for argument in process.info["cmdline"] or [])
        if (mine or named) and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            found.add(process.pid)
    return found


def get(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.loads(response.read())


def mongod_pid(paths):
    return read_json(paths.database / "address.json")["pid"]


@pytest.mark.slow
def test_kill_9_of_each_and_of_all_then_ctrl_c(paths, launch):
    first = launch()
    assert first.stdout.readline().startswith("labelloop is at http://127.0.0.1:")
    up = stack.running(paths)
    assert get(up.url + "/api/alive")["product"] == "labelloop"
    assert os.stat(paths.root / "up.json").st_mode & 0o777 == 0o600

    second = launch()
    said = second.communicate(timeout=120)[0]
    assert said == f"labelloop runs on this workspace already: {up.url}\n"
    assert second.returncode == 0

    uri = mongod.running_uri(paths)
    with pymongo.MongoClient(uri, serverSelectionTimeoutMS=20_000) as client:
        client.labelloop.kept.insert_one({"_id": "acknowledged"})
        psutil.Process(mongod_pid(paths)).kill()
        until(lambda: mongod.running_uri(paths) == uri, seconds=30)
        assert client.labelloop.kept.count_documents({}) == 1

    psutil.Process(up.processes["dashboard"].pid).kill()
    again = until(lambda: newer(paths, "dashboard", up.processes["dashboard"]), seconds=60)
    until(lambda: answers(up.url), seconds=60)
    assert again.url == up.url

    app = AppClient(up.app_port, up.app_token)
    until(app.alive, seconds=90)
    psutil.Process(stack.running(paths).processes["app"].pid).kill()
    until(lambda: newer(paths, "app", up.processes.get("app")), seconds=60)

    left = ours(paths)
    assert len(left) >= 4
    first.kill()
    first.wait()
    for pid in (mongod_pid(paths), up_record.read(paths).processes["dashboard"].pid):
        psutil.Process(pid).kill()  # the FiftyOne server lives on, orphaned
    assert stack.running(paths) is None

    third = launch()
    assert third.stdout.readline().startswith("labelloop is at ")
    assert not left & ours(paths)
    with pymongo.MongoClient(mongod.running_uri(paths)) as client:
        assert client.labelloop.kept.count_documents({}) == 1

    third.send_signal(signal.SIGINT)
    assert third.wait(30) == 0
    assert until(lambda: not ours(paths), seconds=30)
    assert stack.running(paths) is None
    assert not (paths.root / "up.json").exists()
    assert list((paths.database / "users").iterdir()) == []


def newer(paths, name, old):
    up = up_record.read(paths)
    found = up.processes.get(name) if up else None
    return up if found is not None and found != old and found.alive() else None


def answers(url):
    try:
        return get(url + "/api/alive")
    except (OSError, urllib.error.URLError):
        return False


def test_a_taken_port_is_a_sentence_and_nothing_is_started(paths):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"Port {port} is taken"):
            stack.run_stack(paths, port=port, open_browser=False, announce=lambda _: None)
    with pytest.raises(BadInput, match="between 1 and 65535"):
        stack.run_stack(paths, port=0, open_browser=False, announce=lambda _: None)
    assert mongod.running_uri(paths) is None


def test_a_dashboard_that_cannot_start_is_a_sentence_and_leaves_nothing(paths, monkeypatch, tmp_path):
    monkeypatch.setattr("core.services.child._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("core.services.child._MOST_DEATHS", 2)
    monkeypatch.setattr(stack, "_dashboard", lambda: tmp_path)
    with pytest.raises(Exception, match="dashboard did not start"):
        stack.run_stack(paths, port=None, open_browser=False, announce=lambda _: None)
    assert not ours(paths)
    assert not (paths.root / "up.json").exists()


def test_a_workspace_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="cannot be written"):
        stack.run_stack(WorkspacePaths(tmp_path / "file"), port=None, open_browser=False, announce=lambda _: None)


def test_a_record_that_speaks_of_strangers_harms_nobody(paths):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        known = ProcessId.of(stranger.pid)
        info = up_record.UpInfo("http://127.0.0.1:1", 1, 2, "token", known, {"dashboard": known, "app": known}, True)
        up_record.write(paths, info)
        assert up_record.read(paths) == info
        stack._clear_leftovers(paths)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    (paths.root / "up.json").write_text('{"launcher": []}')
    assert stack.running(paths) is None


def test_two_stacks_never_take_one_port():
    first, second = stack._reserve(5161), stack._reserve(5161)
    assert first.getsockname()[1] != second.getsockname()[1]
    assert not stack.is_free(first.getsockname()[1])
    first.close()
    second.close()


def test_signals_outside_the_main_thread_are_left_alone():
    found = []

    def look():
        with stack._signals() as stop:
            found.append(stop.is_set())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [False]
