"""``python -m core.workspace.import_job FOLDER``: the worker of an import. It lives here since it needs the store."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.domain.errors import BadInput, Cancelled, NotFound
from core.domain.samples import DatasetInfo
from core.ingest.importer import import_folder
from core.ingest.layouts import recognise
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import Progress, run_worker
from core.store.base import FRAME_COLUMNS
from core.workspace.facade import Workspace


def bring_in(paths: RunPaths, progress: Progress) -> None:
    """Import the folder that the spec names, write the report, then start the embedding of what came in.

    Raises:
        BadInput: the folder is gone, or none of its files can be read.
        Cancelled: somebody asked for a stop; nothing was added.
    """
    spec = read_json(paths.spec)
    progress.phase("reading names")
    preview = recognise(spec["folder"])
    progress.phase("reading images", total=len(preview.files))
    with Workspace.open(paths.workspace.root) as workspace:
        name = spec["dataset"]

        def open_dataset(classes: Sequence[str]) -> DatasetInfo:
            progress.phase("saving")
            info = workspace.store.create(name, classes)
            new = [label for label in classes if label not in info.classes]
            if new:
                workspace.store.set_classes(info.id, [*info.classes, *new])
            return workspace.store.dataset(name)

        def advanced(_done: int, _total: int) -> None:
            progress.advance(1)
            if paths.cancel.exists():
                raise Cancelled("The import was cancelled; nothing was added.")

        report = import_folder(
            workspace.store,
            preview,
            existing=_existing(workspace, name),
            open_dataset=open_dataset,
            thumbnail_folder=paths.workspace.thumbnails,
            seed=int(spec.get("seed", 0)),
            frozen_test=bool(spec.get("frozen_test")),
            progress=advanced,
        )
        write_json(paths.report, report.as_json())
        if report.count("quarantined") == len(report.outcomes):
            first = report.outcomes[0]
            raise BadInput(f"None of the {len(report.outcomes)} files could be read; the first: {first.reason}.")
        workspace.start_embedding(name)


def _existing(workspace: Workspace, name: str) -> pd.DataFrame:
    try:
        return workspace.samples(name)
    except NotFound:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), bring_in))
