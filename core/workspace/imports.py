"""Imports of a workspace: the preview of a source, and the job that brings it in."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.samples import Split
from core.ingest.layouts import Preview
from core.ingest.readings import Reading
from core.ingest.sources import recognise
from core.jobs import folders
from core.workspace.requests import dataset_name

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


class Imports:
    """What a workspace can take in."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def preview(self, source: str | Path, reading: Reading | None = None) -> Preview:
        """What an import of ``source`` would read; nothing is written. Names and tables are looked at, no image.

        Raises:
            BadInput: no such source, nothing in it, or it cannot be read as asked.
        """
        return recognise(source, reading, uploads=self._workspace.paths.uploads, labelled=self._labelled)

    def start(self, source: str | Path, dataset: str, *, reading: Reading | None = None, seed: int = 0) -> str:
        """Import in the background, then embed; returns the job's name.

        The same request while such a job waits or works returns that job.

        Raises:
            BadInput: no such source, no images in it, or a name that a dataset cannot have.
        """
        workspace, reading = self._workspace, reading or Reading()
        name = dataset_name(dataset)
        root = str(self.preview(source, reading).folder)
        used = any(view.state == "succeeded" for view in workspace.runs(name))
        spec = {
            "kind": "import",
            "dataset": name,
            "folder": root,
            "reading": reading.as_json(),
            "seed": seed,
            "frozen_test": used,
        }
        with folders.lock_of(workspace.paths.jobs):
            for view in workspace.jobs(name):
                if view.active and view.kind == "import" and view.spec.get("folder") == root:
                    return view.name
            job = folders.make(workspace.paths.jobs, "job", spec)
        workspace.launch(job)
        return job.name

    def _labelled(
        self, name: str, field: str | None
    ) -> tuple[str, Sequence[str], Iterable[tuple[str, str | None, Split | None]]]:
        store = self._workspace.store
        fields = store.label_fields(name)
        chosen = field or ("ground_truth" if "ground_truth" in fields or not fields else fields[0])
        return chosen, fields, store.labelled_files(name, chosen)
