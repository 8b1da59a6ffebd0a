"""``python -m core.workspace.import_job FOLDER``: the worker of an import. It lives here since it needs the store."""

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.domain.errors import BadInput, Cancelled, LabelloopError, NotFound
from core.domain.samples import DatasetInfo
from core.ingest.importer import import_folder
from core.ingest.layouts import recognise
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.store.base import FRAME_COLUMNS
from core.workspace.facade import Workspace

STATUS_EVERY = 0.3  # seconds
log = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Run the job; 0 done, 1 a bug, 2 the person can mend it, 3 cancelled."""
    paths = RunPaths(Path(arguments[0]))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    try:
        run(paths)
    except Cancelled as error:
        write_json(paths.error, {"sentence": str(error)})
        return 3
    except LabelloopError as error:
        write_json(paths.error, {"sentence": str(error)})
        return 2
    except Exception:
        log.exception("The import failed.")
        write_json(paths.error, {"sentence": "The import stopped through a fault in labelloop; its log says more."})
        return 1
    return 0


def run(paths: RunPaths) -> None:
    """Import the folder that the spec names, then start the embedding of what came in."""
    spec = read_json(paths.spec)
    status = _Status(paths)
    status.write("reading names")
    preview = recognise(spec["folder"])
    with Workspace.open(paths.workspace.root) as workspace:
        name = spec["dataset"]
        is_new = name not in workspace.names()

        def open_dataset(classes: Sequence[str]) -> DatasetInfo:
            status.write("saving")
            if is_new:
                return workspace.store.create(name, classes)
            info = workspace.store.dataset(name)
            new = [label for label in classes if label not in info.classes]
            if new:
                workspace.store.set_classes(info.id, [*info.classes, *new])
            return workspace.store.dataset(name)

        report = import_folder(
            workspace.store,
            preview,
            existing=_existing(workspace, name),
            open_dataset=open_dataset,
            thumbnail_folder=paths.workspace.thumbnails,
            seed=int(spec.get("seed", 0)),
            frozen_test=bool(spec.get("frozen_test")),
            progress=status.progress,
        )
        if report.count("quarantined") == len(report.outcomes):
            first = report.outcomes[0]
            raise BadInput(f"None of the {len(report.outcomes)} files could be read; the first: {first.reason}.")
        write_json(paths.report, report.as_json())
        workspace.start_embedding(name)
    status.write("done")


def _existing(workspace: Workspace, name: str) -> pd.DataFrame:
    try:
        return workspace.samples(name)
    except NotFound:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})


class _Status:
    """Writes status.json a few times a second and looks for the cancel file."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._started = time.monotonic()
        self._written = 0.0
        self._done = self._total = 0

    def progress(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        now = time.monotonic()
        if now - self._written >= STATUS_EVERY or done == total:
            self._written = now
            self.write("reading images")
            if self._paths.cancel.exists():
                raise Cancelled("The import was cancelled; nothing was added.")

    def write(self, phase: str) -> None:
        rate = self._done / max(1e-6, time.monotonic() - self._started)
        left = (self._total - self._done) / rate if self._done else None
        write_json(
            self._paths.status,
            {
                "phase": phase,
                "done": self._done,
                "total": self._total,
                "rate": rate,
                "seconds_left": left,
                "message": "",
                "heartbeat": time.time(),
            },
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
