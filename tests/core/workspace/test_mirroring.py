"""What follows a run's end, from its folder to the mirrors: read back through their own clients."""

import numpy as np
import pytest

from core.jobs import afterwards, supervisor
from core.runs import predictions, used
from core.runs.atomic import append_json_line, read_json, write_json
from core.runs.identity import identity
from core.runs.layout import RunPaths, WorkspacePaths
from core.tracking import alerts, settings
from core.tracking.settings import Settings
from core.workspace import mirroring
from tests.waiting import until


@pytest.fixture
def ended(tmp_path):
    """``ended("ann", 7)``: a run of that person's workspace, which is called "labelloop" like everybody's."""

    def make(person: str, number: int, *, code: int = 0, started: float = 1_000.0, options=None) -> RunPaths:
        run = WorkspacePaths(tmp_path / person / "labelloop").run(f"run-{number}")
        spec = {"kind": "train", "dataset": "pets", "snapshot": "abc", "options": options or {"model": "cnn"}}
        write_json(run.spec, {**spec, "versions": {"torch": "2.0"}, "created_at": started})
        append_json_line(run.metrics, {"epoch": 1, "train_loss": 0.5, "val_loss": 0.4, "seconds": 2.0})
        write_json(run.exit, {"returncode": code, "signal": None, "ended_at": started + 9})
        rows = predictions.make(
            classes=("cat", "dog"),
            sample_id=["1", "2", "3"],
            split=["test"] * 3,
            label=["cat", "dog", "dog"],
            probabilities=np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], dtype=np.float32),
        )
        predictions.write(run.predictions, rows)
        return run

    return make


def test_what_is_mirrored_is_what_ran(ended):
    recipe = {"model": "resnet18", "find_rate": True, "batch_size": 64, "precision": "auto", "optimizer": "adamw"}
    run = ended("ann", 1, options=recipe)
    used.note(run, device="cuda:0", precision="bf16", threads=8, workers=1, weights="none", learning_rate=0.0021)
    used.note(run, batch_size=32)
    record = mirroring.record_of(run)
    expected = {"model": "resnet18", "find_rate": True, "batch_size": 32, "precision": "bf16", "learning_rate": 0.0021}
    expected |= {"device": "cuda:0", "weights": "none", "threads": 8, "optimizer": "adamw"}
    assert expected.items() <= record.params.items()
    assert not {"layers", "blocks", "momentum", "head_factor", "rotation", "tolerance"} & record.params.keys()
    assert mirroring.record_of(ended("ann", 2, options={"model": "instant", "seed": 3})).params == {
        "model": "instant",
        "seed": 3,
    }
    assert mirroring.record_of(ended("ann", 3, options={"model": "cnn", "of old": 1})).params["of old"] == 1
    assert (record.figures["test_macro_f1"], record.matrix) == (pytest.approx(2 / 3), [[1, 0], [1, 1]])


def test_an_identity_is_made_once_and_is_another_for_each_workspace(tmp_path):
    one, two = (WorkspacePaths(tmp_path / person / "labelloop") for person in ("ann", "bob"))
    for paths in (one, two):
        paths.root.mkdir(parents=True)
    assert identity(one) == identity(one) != identity(two)
    one.identity.write_text("[spoilt", encoding="utf-8")
    assert identity(one) == identity(one) != identity(two)


def test_two_people_with_workspaces_of_one_name_keep_their_runs_in_one_mlflow(ended, tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    client.create_experiment("pets", artifact_location=(tmp_path / "artifacts").as_uri())
    chosen = Settings(mlflow=uri)
    ann, bob = ended("ann", 1), ended("bob", 1)
    first = mirroring.mirror(ann, chosen)["mlflow"]
    assert mirroring.mirror(bob, chosen)["mlflow"] not in ("", first)
    write_json(bob.exit, {"returncode": 1, "signal": None, "ended_at": 1_050.0})  # it went on, and failed
    second = mirroring.mirror(bob, chosen)["mlflow"]
    again = ended("ann", 1, started=5_000.0)  # the run of that number was removed, and the number came again
    third = mirroring.mirror(again, chosen)["mlflow"]
    found = client.search_runs([client.get_experiment_by_name("pets").experiment_id])
    assert {run.info.run_id: run.info.status for run in found} == {
        first: "FINISHED",
        second: "FAILED",
        third: "FINISHED",
    }
    assert {run.data.tags["workspace"] for run in found} == {"labelloop"}
    assert client.get_run(first).data.metrics["test_accuracy"] == pytest.approx(2 / 3)


def test_a_run_that_failed_went_on_and_failed_again_is_written_anew(ended, tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    client.create_experiment("pets", artifact_location=(tmp_path / "artifacts").as_uri())
    run = ended("ann", 1, code=1)
    mirroring.mirror(run, Settings(mlflow=uri))
    append_json_line(run.metrics, {"epoch": 2, "train_loss": 0.3, "val_loss": 0.2, "seconds": 2.0})
    write_json(run.exit, {"returncode": 1, "signal": None, "ended_at": 1_050.0})
    mirroring.mirror(run, Settings(mlflow=uri))
    (found,) = client.search_runs([client.get_experiment_by_name("pets").experiment_id])
    assert found.data.metrics["val_loss"] == 0.2


def test_tensorboard_removes_no_event_file_but_its_own(ended, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    chosen = Settings(tensorboard=str(tmp_path / "board"))
    ann, bob = ended("ann", 1), ended("bob", 1)
    folders = [mirroring.mirror(run, chosen)["tensorboard"] for run in (ann, bob)]
    assert len(set(folders)) == 2
    foreign = tmp_path / "board" / folders[0].rsplit("/", 2)[1] / "run-1" / "events.out.tfevents.1.host.1.0"
    foreign.write_bytes(b"")
    append_json_line(ann.metrics, {"epoch": 2, "train_loss": 0.3, "val_loss": 0.2, "seconds": 2.0})
    mirroring.mirror(ann, chosen)
    assert foreign.exists()
    assert [event.step for event in EventAccumulator(folders[0]).Reload().Scalars("val_loss")] == [1, 2]
    assert [event.step for event in EventAccumulator(folders[1]).Reload().Scalars("val_loss")] == [1]


def _told(run):
    return [(one.rule, one.sentence) for one in alerts.told(run.workspace)]


def test_the_end_of_a_run_is_mirrored_and_told_by_a_process_of_its_own(ended, tmp_path):
    pytest.importorskip("tensorboard")
    run = ended("ann", 1)
    settings.write(run.workspace, Settings(tensorboard=str(tmp_path / "board"), accuracy_below=0.9, run_failed=True))
    afterwards.follow_up(run)
    until(lambda: _told(run), seconds=90)
    assert _told(run) == [("accuracy-below", "run-1 reached 66.7% on test, below 90.0%.")]
    assert len(list((tmp_path / "board").glob("*/run-1/events.*"))) == 1  # mirrors come first


def test_a_failed_run_is_told_once_with_its_reason_and_a_trial_not_at_all(ended):
    run, trial = ended("ann", 1, code=2), ended("ann", 2, code=2)
    settings.write(run.workspace, Settings(run_failed=True, accuracy_below=0.9))
    write_json(run.error, {"sentence": "The disk is full."})
    run.predictions.unlink()
    write_json(trial.spec, {**read_json(trial.spec), "trial": 3, "search": "search-1"})
    for _ in range(2):
        assert mirroring.main(run.folder) == 0
        assert mirroring.main(trial.folder) == 0
    assert _told(run) == [("run-failed", "run-1 failed: The disk is full.")]


def test_a_mirror_that_cannot_be_written_costs_the_run_and_its_alerts_nothing(ended, tmp_path, caplog):
    pytest.importorskip("tensorboard")
    run = ended("ann", 1)
    (tmp_path / "file").touch()
    settings.write(run.workspace, Settings(tensorboard=str(tmp_path / "file" / "board"), accuracy_below=0.9))
    assert mirroring.main(run.folder) == 0
    assert "the mirror in tensorboard failed" in caplog.text
    assert [rule for rule, _ in _told(run)] == ["accuracy-below"]


def test_a_rising_loss_is_told_while_the_run_goes(ended):
    run = ended("ann", 1)
    run.exit.unlink()
    settings.write(run.workspace, Settings(loss_rising=2))
    watch = supervisor._Watch(run)
    for epoch, loss in ((2, 0.5), (3, 0.6)):
        watch.look()
        assert not _told(run)
        append_json_line(run.metrics, {"epoch": epoch, "val_loss": loss})
    for _ in range(3):
        watch.look()
    until(lambda: _told(run), seconds=90)
    assert _told(run) == [("loss-rising", "The loss of run-1 rose 2 epochs in a row.")]
