"""Where in its images a run saw what it saw: pictures that a worker process makes and the cache keeps."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.runs.atomic import read_json, write_json

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_workers: "dict[Path, subprocess.Popen[bytes]]" = {}
_REQUEST, _ERROR = "request.json", "error.json"
_guard = threading.Lock()


class Explaining:
    """Heat maps of a workspace's runs. torch lives in the worker only."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def known(self, run: str, ids: Sequence[str]) -> dict[str, Path]:
        """The pictures that are there, by sample id."""
        folder = self._folder(run)
        return {i: folder / f"{i}.jpg" for i in ids if (folder / f"{i}.jpg").exists()}

    def start(self, run: str, ids: Sequence[str]) -> bool:
        """Have those made that are not there; returns whether a worker is at it. One worker a run at a time."""
        folder = self._folder(run)
        with _guard:
            worker = _workers.get(folder)
            if worker is not None and worker.poll() is None:
                return True
            known = self.known(run, ids)
            frame = self._workspace.samples(self._workspace.run(run).dataset)
            paths = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
            todo = [(i, paths[i]) for i in ids if i in paths and i not in known]
            if not todo:
                return False
            request = folder / _REQUEST
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _ERROR).unlink(missing_ok=True)
            write_json(request, {"out": str(folder), "samples": todo})
            with (folder / "log.txt").open("ab") as log:
                where = str(self._workspace.run_paths(run).folder)
                _workers[folder] = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "core.training.explain",
                        where,
                        str(request),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=Path.home(),
                    env=os.environ,
                )
        return True

    def problem(self, run: str, sample_id: str) -> str:
        """Why there is no picture although one was asked for, in a sentence; empty while that is not known."""
        folder = self._folder(run)
        asked = read_json(folder / _REQUEST)
        if not isinstance(asked, dict) or self.working(run) or (folder / f"{sample_id}.jpg").exists():
            return ""
        if sample_id not in {str(i) for i, _ in asked.get("samples", ())}:
            return ""
        error = read_json(folder / _ERROR)
        if isinstance(error, dict) and error.get("sentence"):
            return str(error["sentence"])
        worker = _workers.get(folder)
        if worker is not None and worker.returncode:
            return f"The worker ended with {worker.returncode}; {folder / 'log.txt'} may say why."
        return "Its file cannot be read."

    def working(self, run: str) -> bool:
        """Whether a worker is at it."""
        with _guard:
            worker = _workers.get(self._folder(run))
            return worker is not None and worker.poll() is None

    def _folder(self, run: str) -> Path:
        return self._workspace.paths.cache / "explain" / self._workspace.run_paths(run).name
