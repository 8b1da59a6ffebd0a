"""``python -m core.training RUNDIR``: train the run in that folder. Exit codes as in :mod:`core.runs.worker`."""

import sys
from pathlib import Path

from core.runs.layout import RunPaths
from core.runs.worker import Progress, run_worker
from core.training.task import read_task


def train(paths: RunPaths, progress: Progress) -> None:
    """Read the task and hand it to its gear; only a network's gear imports torch."""
    task = read_task(paths)
    if task.options.model == "instant":
        from core.training import instant

        instant.train(paths, task, progress)
    else:
        from core.training import network

        network.train(paths, task, progress)


def main(folder: Path) -> int:
    """Train the run in ``folder`` and return the process's exit code."""
    return run_worker(folder, train)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
