"""mongod's life: shared by all who need it, started once, recovered after every kind of death."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pymongo
import pytest

from core.domain.errors import BadInput, MissingProgram, ServiceFailed
from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths
from core.services import mongod
from tests import processes


@pytest.fixture
def paths(tmp_path):
    """A workspace whose mongod is gone after the test, whatever the test did."""
    paths = WorkspacePaths(tmp_path / "work space")
    yield paths
    for process in psutil.process_iter(["cmdline"]):
        if str(paths.database) in (process.info["cmdline"] or []):
            process.kill()
            process.wait(10)


def pid_of(paths):
    return read_json(paths.database / "address.json")["pid"]


def test_the_first_starts_the_others_attach_and_the_last_stops(paths):
    first = mongod.attach_or_start(paths)
    second = mongod.attach_or_start(paths)
    assert (first.started, second.started) == (True, False)
    assert first.uri == second.uri == mongod.running_uri(paths)
    pid = pid_of(paths)
    first.stop()
    first.stop()
    assert second.alive()
    second.stop()
    assert processes.ended(pid)
    assert mongod.running_uri(paths) is None
    assert list((paths.database / "users").iterdir()) == []


def test_it_listens_on_a_private_socket_only(paths):
    with mongod.attach_or_start(paths) as connection:
        process = psutil.Process(pid_of(paths))
        assert process.net_connections("inet") == []
        listening = {one.laddr for one in process.net_connections("unix") if one.laddr}
        where = pymongo.uri_parser.parse_uri(connection.uri)["nodelist"][0][0]
        assert listening == {where}  # not at the usual place in /tmp too, where another's mongod may listen
        assert os.stat(where).st_mode & 0o077 == 0
        assert os.stat(os.path.dirname(where)).st_mode & 0o777 == 0o700
        assert "journal=true" in connection.uri


def test_many_at_once_start_one(paths):
    with ThreadPoolExecutor(4) as pool:
        connections = list(pool.map(lambda _: mongod.attach_or_start(paths), range(4)))
    assert sum(connection.started for connection in connections) == 1
    assert len({connection.uri for connection in connections}) == 1
    for connection in connections:
        connection.stop()
    assert mongod.running_uri(paths) is None


WRITER = """
import sys
from pathlib import Path
import pymongo
from core.runs.layout import WorkspacePaths
from core.services import mongod
connection = mongod.attach_or_start(WorkspacePaths(Path(sys.argv[1])))
written = pymongo.MongoClient(connection.uri).labelloop.written
number = 0
while True:
    written.insert_one({"_id": number})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_every_acknowledged_write_survives_kill_9_and_its_mongod_is_replaced(paths):
    command = [sys.executable, "-c", WRITER, str(paths.root)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)]
    drained = threading.Thread(
        target=lambda: acknowledged.extend(int(line) for line in writer.stdout if line[-1:] == "\n")
    )
    drained.start()
    os.kill(pid_of(paths), signal.SIGKILL)
    writer.kill()
    writer.wait()
    drained.join()
    writer.stdout.close()
    with mongod.attach_or_start(paths) as connection:
        assert connection.started
        with pymongo.MongoClient(connection.uri) as client:
            found = {one["_id"] for one in client.labelloop.written.find()}
        assert set(acknowledged) <= found
        assert len(acknowledged) >= 200


def test_a_mongod_whose_owner_was_killed_is_taken_over_and_stopped_at_the_end(paths):
    command = [sys.executable, "-c", WRITER, str(paths.root)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    owner.stdout.readline()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    pid = pid_of(paths)
    connection = mongod.attach_or_start(paths)
    assert not connection.started
    assert pid_of(paths) == pid
    connection.stop()
    assert processes.ended(pid)


def test_a_mongod_that_died_is_revived_at_the_same_address(paths):
    with mongod.attach_or_start(paths) as connection:
        client = pymongo.MongoClient(connection.uri, serverSelectionTimeoutMS=5000)
        client.labelloop.things.insert_one({"_id": 1})
        uri = connection.uri
        psutil.Process(pid_of(paths)).kill()
        connection.revive()
        assert connection.uri == uri
        assert client.labelloop.things.count_documents({}) == 1
        assert connection.process_alive()
        assert connection.alive()
        client.close()


def test_a_stranger_with_the_recorded_pid_is_neither_trusted_nor_killed(paths):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    created = psutil.Process(stranger.pid).create_time()
    paths.database.mkdir(parents=True)
    write_json(
        paths.database / "address.json", {"uri": "mongodb://127.0.0.1:1", "pid": stranger.pid, "created": created}
    )
    (paths.database / "mongod.lock").write_text(f"{stranger.pid}\n")
    try:
        with mongod.attach_or_start(paths) as connection:
            assert connection.started
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_lost_address_file_does_not_start_a_second_mongod_on_the_data(paths):
    first = mongod.attach_or_start(paths)
    old = pid_of(paths)
    (paths.database / "address.json").write_text("{half")
    with mongod.attach_or_start(paths) as second:
        assert second.alive()
        assert pid_of(paths) != old
        assert processes.ended(old)
        assert first.alive()  # the same socket
    first.stop()


def test_the_users_own_mongodb_is_attached_to_and_left_running(paths, tmp_path, monkeypatch):
    with mongod.attach_or_start(paths) as own:
        monkeypatch.setenv("LABELLOOP_DATABASE_URI", own.uri)
        other = mongod.attach_or_start(WorkspacePaths(tmp_path / "other"))
        assert (other.uri, other.started, other.ours) == (own.uri, False, False)
        other.stop()
        assert own.alive()
    monkeypatch.setenv("LABELLOOP_DATABASE_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200")
    with pytest.raises(ServiceFailed, match="LABELLOOP_DATABASE_URI"):
        mongod.attach_or_start(paths)


def test_a_workspace_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="cannot be written"):
        mongod.attach_or_start(WorkspacePaths(tmp_path / "file"))


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open' >&2; exit 127",
            "library libcurl.so.4 is missing; install it: apt-get install libcurl4",
        ),
        ('echo "version \\`GLIBC_2.34\' not found" >&2; exit 1', "C library is too old"),
        ("kill -ILL $$", "processor with AVX"),
        ("exit 62", "another version of MongoDB"),
        ("echo 'No space left on device'; exit 14", "disk is full"),
        ("exit 3", "exit status 3"),
    ],
)
def test_why_mongod_does_not_start_is_a_sentence(paths, tmp_path, monkeypatch, script, sentence):
    program = tmp_path / "mongod"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("LABELLOOP_MONGOD", str(program))
    with pytest.raises((ServiceFailed, MissingProgram), match=sentence):
        mongod.attach_or_start(paths)


def test_a_mongod_that_is_named_but_not_there_is_a_sentence(paths, monkeypatch):
    monkeypatch.setenv("LABELLOOP_MONGOD", "/no/such/mongod")
    with pytest.raises(MissingProgram, match="/no/such/mongod"):
        mongod.find_mongod()


def test_a_socket_folder_of_somebody_else_is_not_used(paths, tmp_path, monkeypatch):
    runtime = tmp_path.parents[-2] / f"labelloop-test-{os.getpid()}"  # a short path: longer ones are passed over
    runtime.mkdir(exist_ok=True)
    (runtime / "labelloop").unlink(missing_ok=True)
    (runtime / "labelloop").symlink_to(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with pytest.raises(ServiceFailed, match="belongs to somebody else"):
        mongod.attach_or_start(paths)
