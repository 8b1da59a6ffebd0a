"""``labelloop watch``: images are taken in as they appear in a folder."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.command import Json, open_workspace, out
from core.cli.tables import text_table
from core.domain.errors import BadInput
from core.ingest.readings import Reading, layout_named

if TYPE_CHECKING:
    from core.workspace import Workspace
    from core.workspace.watches import Watch

EVERY = 0.5  # seconds


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)


def watch(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="The folder to watch, such as a generator's output.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Where the images go.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="A finished run that predicts what arrives.")] = None,
    layout: Annotated[str, typer.Option(help="How to read it, as with import.")] = "auto",
    class_level: Annotated[int | None, typer.Option("--class-level", help="Which folder is the class.")] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; it is watched again whenever labelloop starts.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Watch the folder no longer.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List what is watched.")] = False,
    as_json: Json = False,
) -> None:
    """Import images as they appear in a folder, until Ctrl-C. Half-written files wait until they are whole."""
    with open_workspace(context) as workspace:
        if list_:
            watches = workspace.watches.all()
            out({"watches": [_document(one) for one in watches]}, as_json, lambda: _table(watches))
            return
        if folder is None:
            raise BadInput("Name the folder to watch.")
        if stop:
            found = workspace.watches.find(folder, dataset)
            workspace.watches.stop(found.id)
            out(
                {"stopped": found.folder, "dataset": found.dataset},
                as_json,
                lambda: f"{found.folder} is not watched any more.",
            )
            return
        if dataset is None:
            raise BadInput("Say with --dataset where the images go.")
        reading = Reading(layout_named(layout), class_level)
        started = workspace.watches.start(folder, dataset, run=run, reading=reading, lasting=background)
        if background:
            out(_document(started), as_json, lambda: f"{started.folder} is watched; labelloop watch --stop ends it.")
            return
        try:
            _follow(workspace, started, quiet=as_json)
        finally:
            if not started.lasting:  # one that was there before goes on
                workspace.watches.stop(started.id)
        last = workspace.watches.find_job(started)
        out(_document(last), as_json, lambda: _line(last))
        if last.job is not None and last.job.error:
            raise BadInput(last.job.error)


def _follow(workspace: "Workspace", watch: "Watch", *, quiet: bool) -> None:
    """Say what came in until the watch ends or Ctrl-C. A flag, and no exception that a library could swallow."""
    ended = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        _say_what_comes(workspace, watch, ended, quiet=quiet)
    finally:
        signal.signal(signal.SIGINT, before)


def _say_what_comes(workspace: "Workspace", watch: "Watch", ended: threading.Event, *, quiet: bool) -> None:
    shown = not quiet and sys.stderr.isatty()
    said = ""
    while not ended.is_set() and (now := workspace.watches.find_job(watch)).active:
        line = _line(now)
        if shown:
            sys.stderr.write(f"\r\033[K{line}")
        elif not quiet and line != said:
            sys.stderr.write(f"{line}\n")
        said = line
        sys.stderr.flush()
        ended.wait(EVERY)


def _line(watch: "Watch") -> str:
    status = watch.job.status if watch.job else {}
    count = status.get("imported", 0)
    parts = [f"{watch.folder} -> {watch.dataset}: {count:,} image{'' if count == 1 else 's'}"]
    if watch.run:
        parts.append(f"{status.get('predicted', 0):,} predicted by {watch.run}")
    for key in ("waiting", "quarantined"):
        if status.get(key):
            parts.append(f"{status[key]:,} {key}")
    return ", ".join(parts)


def _document(watch: "Watch") -> dict[str, Any]:
    status = watch.job.status if watch.job else {}
    counts = {key: status.get(key, 0) for key in ("imported", "predicted", "quarantined", "waiting")}
    job = watch.job.name if watch.job else None
    return {
        "watch": watch.id,
        "folder": watch.folder,
        "dataset": watch.dataset,
        "run": watch.run or None,
        "active": watch.active,
        "job": job,
        **counts,
    }


def _table(watches: list["Watch"]) -> str:
    if not watches:
        return "Nothing is watched: labelloop watch FOLDER --dataset NAME"
    rows = [(one.folder, one.dataset, one.run, "watching" if one.active else "not now") for one in watches]
    return text_table(("folder", "dataset", "run", ""), rows)
