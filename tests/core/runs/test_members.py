"""Members of a team: who writes, what the one outcome is, and that a team of the past writes nothing."""

import pytest

from core.domain.errors import BadInput, StartAgain, Superseded, WorkerLost
from core.runs import members
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import AGAIN, LOST_WORKER, REFUSED, SUCCEEDED, SUPERSEDED, Progress, run_worker


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose fence is "now"; this process would else ask to die with its parent."""
    paths = RunPaths(tmp_path.resolve())
    write_json(paths.fence, "now")
    monkeypatch.setattr(members, "die_with_parent", lambda: None)
    return paths


@pytest.fixture
def member(monkeypatch):
    """``member(1, "now")``: this process is that member of a team of two."""

    def become(rank, fence="now"):
        for name, value in {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 2}.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setenv(members.FENCE, fence)
        return members.this_member()

    return become


def ends_with(error):
    def work(paths, progress):
        if error is not None:
            raise error

    return work


def test_a_plain_worker_is_alone_whatever_others_environment_says(monkeypatch, run):
    monkeypatch.setenv("RANK", "3")  # of somebody's torchrun around the whole of labelloop
    monkeypatch.delenv(members.FENCE, raising=False)
    assert members.this_member() == members.Member()
    assert members.this_member().alone
    assert run_worker(run.folder, ends_with(None)) == SUCCEEDED
    assert members.outcome(run) is None


def test_the_first_member_writes_the_status_and_tells_the_outcome(run, member):
    assert not member(1).first
    assert run_worker(run.folder, ends_with(None)) == SUCCEEDED
    assert not run.status.exists()
    assert members.outcome(run) is None
    member(0)
    assert run_worker(run.folder, ends_with(None)) == SUCCEEDED
    assert read_json(run.status)["phase"] == "done"
    assert members.outcome(run) == SUCCEEDED


def test_a_members_own_fault_is_the_teams_outcome_and_what_follows_is_its_echo(run, member):
    member(1)
    assert run_worker(run.folder, ends_with(BadInput("No GPU here."))) == SUCCEEDED
    member(0)
    assert run_worker(run.folder, ends_with(WorkerLost("connection closed"))) == SUCCEEDED
    assert members.outcome(run) == REFUSED
    assert read_json(run.error) == {"sentence": "No GPU here."}


def test_the_loss_of_a_member_is_a_death_and_no_error_of_the_run(run, member):
    member(0)
    assert run_worker(run.folder, ends_with(WorkerLost("connection closed"))) == LOST_WORKER
    assert not run.error.exists()
    assert run_worker(run.folder, ends_with(StartAgain())) == SUCCEEDED
    assert members.outcome(run) == AGAIN


@pytest.mark.parametrize("fence", ["another", None])
def test_a_team_whose_run_goes_on_elsewhere_writes_nothing(run, member, fence):
    before = member(0, "before")
    if fence is None:
        run.fence.unlink()
    assert run_worker(run.folder, ends_with(Superseded())) == SUPERSEDED
    with pytest.raises(Superseded), Progress(run) as progress:
        progress.check()
    members.tell(run, before, SUCCEEDED)
    assert {path.name for path in run.folder.iterdir()} == ({"fence.json"} if fence else set())
