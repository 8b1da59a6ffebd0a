"""A Ray cluster of two local nodes: a team over both, nodes and whole clusters that die, a token that is not theirs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.cluster import place
from core.cluster.look import look
from core.cluster.place import Place
from core.domain.errors import BadInput
from core.embedding.blocks import EmbeddingStore
from core.jobs.restart import restart
from core.runs import predictions
from core.runs.atomic import read_json, read_json_lines, write_json
from core.runs.states import state
from core.runs.worker import REFUSED, SUCCEEDED
from tests import processes
from tests.waiting import until

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="Ray's local clusters are for Linux"),
]
TOKEN = "a-token-of-these-tests-and-of-nothing-else"


class Nodes:
    """The cluster's process."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("two_nodes.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = ""
        while ":" not in self.address:
            line = self.process.stdout.readline()
            assert line, "Ray did not start"
            self.address = line.strip().rpartition(" ")[2]

    def __call__(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        while self.process.stdout.readline().strip() != "done":
            assert self.process.poll() is None

    def end(self, *, at_once: bool = False) -> None:
        parts = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        if at_once:  # as when the power goes
            self.process.kill()
            processes.kill(*parts)
        self.process.stdin.close()
        self.process.wait(timeout=60)
        processes.kill(*psutil.wait_procs(parts, timeout=20)[1])


@pytest.fixture
def nodes(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    made = Nodes()
    try:
        made("add")
        made("add")
        yield made
    finally:
        made.end()


def test_a_team_over_two_nodes_outlives_a_node_and_then_the_cluster(
    nodes, make_run, shapes, tmp_path, monkeypatch, teams
):
    here = Place(nodes.address, workers=2)
    found = look(here)
    assert (found.nodes, found.cpus, found.gpus, found.token) == (2, 2, 0, True)

    samples = shapes(tmp_path / "images", 15)
    run = make_run(samples, **{**teams.usual, "epochs": 40})
    place.move(run, here)
    with teams.started(run) as supervisor:
        until(lambda: len(read_json_lines(run.metrics)) >= 2, seconds=600)
        assert set(teams.members(run)) == {"0", "1"}
        assert "2 workers on Ray at" in read_json(run.status)["place"]
        nodes("add")
        nodes("kill")  # with the worker on it
        epochs = len(read_json_lines(run.metrics))
        kept = until(lambda: len(lines := read_json_lines(run.metrics)) > epochs + 2 and lines, seconds=600)
        assert [line["epoch"] for line in kept] == list(range(1, len(kept) + 1))
        crashed = [line for line in read_json_lines(run.attempts) if "returncode" in line]
        assert len(crashed) == 1
        nodes.end(at_once=True)
        assert supervisor.wait(timeout=120) == REFUSED
    assert state(run) == "failed"
    assert f"labelloop retry {run.name} --here" in read_json(run.error)["sentence"]
    until(lambda: not teams.members(run), seconds=600)

    there = len(read_json_lines(run.metrics))
    assert there < 40
    place.move(run, Place())
    assert restart(run, lambda _: None, by="person")
    assert teams.run_to_its_end(run) == SUCCEEDED, read_json(run.error)
    assert [line["epoch"] for line in read_json_lines(run.metrics)] == list(range(1, 41))


def test_two_nodes_embed_and_learn_what_one_learns_and_a_cluster_of_others_is_not_entered(
    nodes, make_run, shapes, tmp_path, monkeypatch, teams
):
    samples = shapes(tmp_path / "images", 8)
    job = make_run(samples, name="job-1")
    samples[["filepath", "content_hash"]].to_parquet(job.folder / "samples.parquet")
    spec = {"kind": "embed", "dataset": "shapes", "samples": "samples.parquet", "created_at": 0.0}
    write_json(job.spec, {**spec, "place": {"ray": nodes.address, "workers": 2}})
    assert teams.run_to_its_end(job) == SUCCEEDED, read_json(job.error)
    assert read_json(job.report) == {"embedded": 24, "present": 0, "unreadable": []}
    _, stored = EmbeddingStore(job.workspace.embeddings).load(samples["content_hash"].tolist())
    assert stored.all()

    alone, both = make_run(samples, **teams.exact), make_run(samples, **teams.exact)
    place.move(both, Place(nodes.address, workers=2))
    assert teams.run_to_its_end(alone) == SUCCEEDED
    assert teams.run_to_its_end(both) == SUCCEEDED, read_json(both.error)
    found = [predictions.read(run.predictions).probabilities for run in (alone, both)]
    assert np.abs(found[0] - found[1]).max() < 1e-3

    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(BadInput, match="does not take our token"):
        look(Place(nodes.address))
