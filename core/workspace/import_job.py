"""``python -m core.workspace.import_job FOLDER``: the worker of an import. It lives here since it needs the store."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from core.domain.errors import BadInput, Cancelled, NotFound
from core.ingest import spool
from core.ingest.archives import is_archive, unpack, unpacked_folder
from core.ingest.importer import Wishes, import_folder
from core.ingest.one_pass import Extras
from core.ingest.readings import Reading
from core.ingest.sources import is_upload
from core.ingest.uploaded import unpack_upload
from core.runs import measurements
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.worker import Progress, run_worker
from core.store.base import FRAME_COLUMNS
from core.workspace.facade import Workspace
from core.workspace.honesty import Honesty
from core.workspace.prompts import PromptLabels


def bring_in(paths: RunPaths, progress: Progress) -> None:
    """Import the source that the spec names, write the report, then start the embedding of what came in.

    Raises:
        BadInput: the source is gone, or none of its files can be read.
        Cancelled: somebody asked for a stop; nothing was added.
    """
    spec = read_json(paths.spec)
    source, name = str(spec["folder"]), str(spec["dataset"])
    with Workspace.open(paths.workspace.root) as workspace:
        problems = _unpacked(Path(source), paths, progress)
        progress.phase("reading names")
        preview = workspace.imports.preview(source, Reading.from_json(spec.get("reading")))
        drawn = PromptLabels(spec["rules"]) if spec.get("rules") else None
        folder = spool.folder_of(paths.workspace.imports, name)
        progress.phase("waiting for another import")
        with spool.lock_of(folder):
            progress.phase("reading images", total=len(preview.files))
            report = import_folder(
                workspace.store,
                preview,
                existing=frame_or_empty(workspace, name),
                open_dataset=opener(workspace, name, progress),
                thumbnail_folder=paths.workspace.thumbnails,
                seed=int(spec.get("seed", 0)),
                frozen_test=bool(spec.get("frozen_test")),
                progress=_advance(paths, progress),
                spool_folder=folder,
                wishes=Wishes(
                    extras=Extras(hidden=bool(spec.get("hidden"))),
                    label=None if drawn is None else drawn.label,
                    measured=lambda hashes, values: measurements.add(paths.workspace, hashes, values),
                    skip_copies=bool(spec.get("uploaded")),
                    together=Honesty(workspace, name).together,
                ),
            )
        for path, reason in problems:
            report.skip(path, reason)
        if drawn is not None and name in workspace.names():
            workspace.prompts.keep_rules(name, spec["rules"])
            report.notes.append(drawn.sentence())
        write_json(paths.report, {**report.as_json(), "prompts": None if drawn is None else drawn.as_json()})
        if spec.get("uploaded") and is_archive(Path(source)) and Path(source).is_file():
            Path(source).unlink(missing_ok=True)  # what it held lies unpacked beside it
        first = report.first("quarantined")
        if first is not None and report.count("quarantined") == report.files:
            raise BadInput(f"None of the {report.files} files could be read; the first: {first.reason}.")
        workspace.health.start_check(name, after=workspace.start_embedding(name))


def opener(workspace: Workspace, name: str, progress: Progress) -> Callable[[Sequence[str]], str]:
    """What makes the dataset, or adds to its classes those that an import found; it returns the dataset's id."""
    store = workspace.store

    def open_dataset(classes: Sequence[str]) -> str:
        progress.phase("saving")
        try:
            dataset_id = store.id_of(name)
        except NotFound:
            dataset_id = store.create(name, classes).id
        held = store.classes(dataset_id)
        new = [label for label in classes if label not in held]
        if new:
            store.set_classes(dataset_id, [*held, *new])
        return dataset_id

    return open_dataset


def frame_or_empty(workspace: Workspace, name: str) -> pd.DataFrame:
    """A dataset's samples; no rows where there is no such dataset yet."""
    try:
        return workspace.samples(name)
    except NotFound:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})


def _unpacked(source: Path, paths: RunPaths, progress: Progress) -> list[tuple[str, str]]:
    """Unpack an archive into the workspace, or those among uploaded files; returns what of them cannot be used."""
    uploads = paths.workspace.uploads
    lone = is_archive(source) and source.is_file()
    if not lone and not is_upload(source, uploads):
        return []
    progress.phase("unpacking")

    def advanced(done: int, total: int) -> None:
        progress.update(done=done, total=total)
        if paths.cancel.exists():
            raise Cancelled("The import was cancelled; nothing was added.")

    if lone:
        return unpack(source, unpacked_folder(uploads, source), progress=advanced)
    return unpack_upload(source, progress=advanced)


def _advance(paths: RunPaths, progress: Progress) -> Callable[[int, int], None]:
    seen = 0

    def advanced(done: int, _total: int) -> None:
        nonlocal seen
        progress.advance(done - seen)
        seen = done
        if paths.cancel.exists():
            raise Cancelled("The import was cancelled; nothing was added.")

    return advanced


def main(folder: Path) -> int:
    """Returns the worker's return code."""
    return run_worker(folder, bring_in)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
