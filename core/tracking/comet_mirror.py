"""A run in Comet: an offline experiment, one zip that ``comet upload`` sends when somebody wants that, or online."""

import os
from pathlib import Path

from core.tracking.record import Record, moments, series

ONLINE = "online"


def mirror(record: Record, where: str) -> str:
    """Write the run as an experiment; returns the folder of the archive, or the experiment's address where online."""
    # Nothing of this machine is told that was not asked for: no code, no environment, no command line, no errors.
    os.environ.setdefault("COMET_ERROR_TRACKING_ENABLE", "false")
    import comet_ml

    quiet = {
        "log_code": False,
        "log_graph": False,
        "auto_param_logging": False,
        "auto_metric_logging": False,
        "parse_args": False,
        "auto_output_logging": False,
        "log_env_details": False,
        "log_git_metadata": False,
        "log_git_patch": False,
        "display_summary_level": 0,
    }
    if where == ONLINE:
        experiment = comet_ml.Experiment(project_name=record.dataset, **quiet)
    else:
        folder = Path(where).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        experiment = comet_ml.OfflineExperiment(project_name=record.dataset, offline_directory=str(folder), **quiet)
    experiment.set_name(record.name)
    experiment.log_other("labelloop.key", record.key)
    for name, said in {**record.tags, "state": record.state}.items():
        experiment.log_other(name, said)
    experiment.log_parameters(dict(record.params))
    for name, points in series(record).items():
        for epoch, value in points:
            experiment.log_metric(name, value, step=epoch, epoch=epoch)
    last = max(moments(record), default=0)
    for name, value in record.figures.items():
        experiment.log_metric(name, value, step=last)
    if record.matrix:
        matrix = [list(row) for row in record.matrix]
        experiment.log_confusion_matrix(matrix=matrix, labels=list(record.classes), max_categories=len(record.classes))
    for file in record.files:
        if file.suffix == ".onnx":
            experiment.log_model(record.name, str(file))
        else:
            experiment.log_asset(str(file), file_name=file.name)
    experiment.end()
    return str(experiment.url) if where == ONLINE else where
