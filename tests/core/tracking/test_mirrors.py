"""Each mirror read back through its own client: what was asked for, epoch by epoch, and the artefacts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from core.tracking import mlflow_mirror
from core.tracking.record import Record

METRICS = [
    {"epoch": 1, "train_loss": 0.9, "val_loss": 0.8, "val_accuracy": 0.6, "seconds": 2.0, "note": "x", "nothing": None},
    {"epoch": 2, "train_loss": 0.5, "val_loss": 0.6, "val_accuracy": 0.7, "seconds": 2.0},
]
MATRIX = [[5, 1], [2, 4]]


@pytest.fixture
def record(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"the model")
    return Record(
        key="0f1e2d3c4b5a/run-7",
        workspace="ws",
        name="run-7",
        dataset="pets",
        state="succeeded",
        started=1_700_000_000.0,
        ended=1_700_000_010.0,
        params={"model": "cnn", "epochs": 2, "learning_rate": 0.003, "flip": True},
        metrics=METRICS,
        figures={"test_accuracy": 0.75},
        classes=["cat|dog", "猫"],
        matrix=MATRIX,
        tags={"snapshot": "abc"},
        files=[model],
    )


def test_mlflow(record, tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    client.create_experiment("pets", artifact_location=(tmp_path / "artifacts").as_uri())
    run_id = mlflow_mirror.mirror(record, uri)
    assert mlflow_mirror.mirror(record, uri) == run_id  # written once
    (run,) = client.search_runs([client.get_experiment_by_name("pets").experiment_id])
    assert run.data.params == {"model": "cnn", "epochs": "2", "learning_rate": "0.003", "flip": "True"}
    assert (run.info.status, run.info.start_time, run.info.run_name) == ("FINISHED", 1_700_000_000_000, "run-7")
    for name in ("train_loss", "val_loss", "val_accuracy"):
        found = [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run_id, name)]
        expected = [(line["epoch"], line[name], 1_700_000_000_000 + 2000 * line["epoch"]) for line in METRICS]
        assert found == expected
    assert run.data.metrics["test_accuracy"] == 0.75
    assert {file.path for file in client.list_artifacts(run_id)} == {"model.onnx", "confusion_matrix.json"}
    table = client.download_artifacts(run_id, "confusion_matrix.json", str(tmp_path))
    assert json.loads(Path(table).read_text(encoding="utf-8")) == {"classes": ["cat|dog", "猫"], "matrix": MATRIX}


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("sqlite:////srv/runs/mlflow.db", "file:///srv/runs/mlruns"),
        ("sqlite:////srv/runs/mlflow.db?timeout=30", "file:///srv/runs/mlruns"),
        ("sqlite:///:memory:", None),
        ("sqlite:///", None),
        ("postgresql://ann:secret@db.example/mlflow", None),
        ("postgresql://ann:secret@db.example/mlflow?sslmode=require", None),
        ("https://mlflow.example/?team=pets", None),
        ("databricks", None),
    ],
)
def test_files_of_an_experiment_lie_beside_a_database_file_and_for_all_else_where_mlflow_puts_them(uri, folder):
    assert mlflow_mirror._beside(uri) == folder


def test_comet_offline(record, tmp_path, monkeypatch):
    """By Comet's own sender: what it would tell its server of the archive, every message of its schema."""
    pytest.importorskip("comet_ml")
    from comet_ml.offline import OfflineSender, unzip_offline_archive

    from core.tracking import comet_mirror

    monkeypatch.setenv("HOME", str(tmp_path))
    comet_mirror.mirror(record, str(tmp_path / "comet"))
    (archive,) = (tmp_path / "comet").glob("*.zip")
    server, rest, uploads = Mock(), Mock(), Mock()
    sender = OfflineSender("key", unzip_offline_archive(str(archive)), connection=server, rest_api_client=rest)
    sender.run_id = sender.project_id = "there"
    sender.file_upload_manager = uploads
    sender._send_messages()
    rest.update_experiment_error_status.assert_not_called()
    server.report.assert_not_called()

    def told(called):
        return [item.message for call in called.call_args_list for item in call.kwargs["items"]]

    params = {one.param["paramName"]: one.param["paramValue"] for one in told(server.log_parameters_batch)}
    assert {name: params[name] for name in record.params} == record.params
    metrics = [
        (one.metric["metricName"], one.metric["step"], one.metric["metricValue"])
        for one in told(server.log_metrics_batch)
    ]
    for line in METRICS:
        assert ("val_loss", line["epoch"], line["val_loss"]) in metrics
    assert ("test_accuracy", 2, 0.75) in metrics
    others = {call.kwargs["key"]: call.kwargs["value"] for call in rest.log_experiment_other.call_args_list}
    assert (others["Name"], others["state"], others["labelloop.key"]) == ("run-7", "succeeded", record.key)
    assert sender.metadata_project_name == "pets"
    sent = {
        call.kwargs["options"].upload_type: call.kwargs["options"] for call in uploads.upload_file_thread.call_args_list
    }
    matrix = json.loads(Path(sent["confusion-matrix"].file_path).read_text(encoding="utf-8"))
    assert (matrix["labels"], matrix["matrix"]) == (record.classes, MATRIX)
    assert Path(sent["model-element"].file_path).read_bytes() == b"the model"


def test_tensorboard(record, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from core.tracking import tensorboard_mirror

    folder = tensorboard_mirror.mirror(record, str(tmp_path / "tb"))
    assert tensorboard_mirror.mirror(record, str(tmp_path / "tb")) == folder
    read = EventAccumulator(folder).Reload()
    assert set(read.Tags()["scalars"]) == {"train_loss", "val_loss", "val_accuracy", "seconds", "test_accuracy"}
    assert [(e.step, round(e.value, 4)) for e in read.Scalars("val_loss")] == [(1, 0.8), (2, 0.6)]
    words = read.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| learning_rate | 0.003 |" in words
    matrix = read.Tensors("confusion matrix/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| cat\\|dog | 5 | 1 |" in matrix


ASKED = """
import atexit, logging, random, socket, time
from pathlib import Path

asked, real = [], socket.getaddrinfo
def noted(host, *rest, **more):
    asked.append(host)
    return real(host, *rest, **more)
socket.getaddrinfo = noted
atexit.register(lambda: Path("asked").write_text(" ".join(map(str, asked))))  # last of all: the clients' own come first

random.random = lambda: 0.9  # Comet tosses a coin whether it tells of errors

from core.tracking import comet_mirror, mlflow_mirror, tensorboard_mirror
from core.tracking.record import Record

record = Record(
    key="0f1e/run-1", workspace="ws", name="run-1", dataset="pets", state="succeeded", started=1.0, ended=2.0,
    params={}, metrics=[{"epoch": 1, "val_loss": 0.5}], figures={}, classes=["a", "b"],
    matrix=[[1, 0], [0, 1]], tags={}, files=[],
)
mlflow_mirror.mirror(record, "sqlite:///mlflow.db")
comet_mirror.mirror(record, "comet")
tensorboard_mirror.mirror(record, "board")
logging.getLogger("comet_ml").error("something that Comet would tell its makers")
time.sleep(2)
"""


def test_mirrors_on_this_computer_ask_no_host(tmp_path):
    """The clients would tell their makers of their use, and of what went wrong."""
    for name in ("comet_ml", "mlflow", "tensorboard"):
        pytest.importorskip(name)
    told = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("MLFLOW", "COMET", "CI", "GITHUB", "PYTEST"))
    }
    subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=tmp_path,
        env={**told, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        check=True,
        timeout=200,
    )
    assert (tmp_path / "asked").read_text() == ""
