"""A run in MLflow: recipe as parameters, metrics by epoch, model and confusion matrix as artefacts."""

import json
import os
import tempfile
from pathlib import Path

from core.tracking.record import Record, moments, series
from core.tracking.settings import database_file

KEY = "labelloop.key"
_BATCH = 500  # MLflow takes at most 1,000 metrics a call
_LONGEST = 5000  # characters of a parameter
_STATUS = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED", "lost": "FAILED"}


def mirror(record: Record, uri: str) -> str:
    """Write the run to the tracking server or store at ``uri`` and return its id there; written once, then kept."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # else its makers are told
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(record.dataset)
    if experiment is None:
        place = client.create_experiment(record.dataset, artifact_location=_beside(uri))
    else:
        place = experiment.experiment_id
    started, ended = int(record.started * 1000), int(record.ended * 1000)
    status = _STATUS.get(record.state, "FINISHED")
    for known in client.search_runs([place], f"tags.`{KEY}` = '{record.key}'"):
        if known.info.start_time != started:
            continue  # an earlier run of the same number, whose folder was removed
        if (known.info.status, known.info.end_time) == (status, ended):
            return str(known.info.run_id)
        client.delete_run(known.info.run_id)  # an earlier attempt: a mirror that was cut off, a run that went on
    tags = {KEY: record.key, "mlflow.runName": record.name, **record.tags}
    run = client.create_run(place, start_time=started, tags=tags, run_name=record.name)
    run_id = run.info.run_id
    params = [Param(name, str(value)[:_LONGEST]) for name, value in record.params.items()]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    when = moments(record)
    metrics = [
        Metric(name, value, int(when[epoch] * 1000), epoch)
        for name, points in series(record).items()
        for epoch, value in points
    ]
    last = max(when, default=0)
    metrics += [Metric(name, value, ended, last) for name, value in record.figures.items()]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    for file in record.files:
        client.log_artifact(run_id, str(file))
    if record.matrix:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "confusion_matrix.json"
            table.write_text(json.dumps({"classes": list(record.classes), "matrix": record.matrix}), encoding="utf-8")
            client.log_artifact(run_id, str(table))
    client.set_terminated(run_id, status, end_time=ended)
    return str(run_id)


def _beside(uri: str) -> str | None:
    """Where the files of an experiment go whose numbers are in a file of SQLite: left to MLflow, that is a folder of
    wherever this process happens to be.
    """
    path = database_file(uri)
    return (Path(path).absolute().parent / "mlruns").as_uri() if path else None
