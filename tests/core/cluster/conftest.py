"""Teams of workers in tests: recipes, starting them as a supervisor does, and finding their processes."""

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from core.runs.atomic import read_json
from tests import processes

# Without BatchNorm, dropout and random variations, the batch is all that a step depends on.
EXACT = {
    "model": "layer-cnn",
    "layers": "conv 8 plain, pool, conv 16 plain, average",
    "image_size": 32,
    "batch_size": 10,
    "epochs": 3,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "augmentation": "none",
    "balance": "weights",
    "precision": "fp32",
    "clip": 1.0,
}
USUAL = {"model": "cnn", "image_size": 32, "batch_size": 8, "epochs": 25, "ema": 0.9, "mixup": 0.2}


@pytest.fixture
def teams():
    """``teams.run_to_its_end(run)``, ``teams.started(run)``, ``teams.members(run)``, recipes."""
    return SimpleNamespace(run_to_its_end=run_to_its_end, started=started, members=members_of, exact=EXACT, usual=USUAL)


def run_to_its_end(run):
    """As the supervisor does it."""
    subprocess.run([sys.executable, "-m", "core.jobs.supervisor", str(run.folder)], check=False, timeout=900)
    return read_json(run.exit)["returncode"]


def members_of(run):
    """The workers of a team by their rank."""
    found = {}
    for process, line in processes.with_argument(run.folder):
        if "core.training" in line and "torch.distributed.run" not in line:
            try:
                found[process.environ().get("RANK", "alone")] = process
            except psutil.Error:
                continue
    return found


def started(run):
    return subprocess.Popen([sys.executable, "-m", "core.jobs.supervisor", str(run.folder)])
