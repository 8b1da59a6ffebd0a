"""Imports in the test's own process: no job, no embedding, no check."""

from core.ingest.importer import import_folder
from core.ingest.sources import recognise
from core.workspace.import_job import frame_or_empty


def bring_in(workspace, name, folder, wishes=None):
    """Import ``folder`` into the dataset ``name``, made if it is new; returns the report."""
    return import_folder(
        workspace.store,
        recognise(folder),
        existing=frame_or_empty(workspace, name),
        open_dataset=lambda classes: workspace.store.create(name, classes).id,
        thumbnail_folder=workspace.paths.thumbnails,
        seed=0,
        frozen_test=False,
        progress=lambda done, total: None,
        wishes=wishes,
    )
