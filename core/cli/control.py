"""Steering runs: ``pause``, ``resume``, ``stop``, ``retry``, ``waiting``."""

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import documents
from core.cli.cluster import Here, Ray, Workers, go_on
from core.cli.command import Json, RunName, open_workspace, out
from core.cli.tables import text_table

if TYPE_CHECKING:
    from core.workspace import RunView

PATIENCE = 60.0  # seconds


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pause, resume, stop, retry, waiting):
        app.command()(command)


def pause(context: typer.Context, run: RunName, as_json: Json = False) -> None:
    """Have a run save where it is and let its device go; resume has it go on there."""
    with open_workspace(context) as workspace:
        workspace.control.pause(run)
        _tell(workspace.wait(run, timeout=PATIENCE), as_json)


def resume(
    context: typer.Context,
    run: RunName,
    ray: Ray = None,
    workers: Workers = None,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Have a paused run go on at its last epoch, here or elsewhere."""
    with open_workspace(context) as workspace:
        go_on(workspace, run, ray=ray, workers=workers, here=here)
        workspace.control.resume(run)
        _tell(workspace.run(run), as_json)


def stop(context: typer.Context, run: RunName, as_json: Json = False) -> None:
    """End a run here and keep its best epoch."""
    with open_workspace(context) as workspace:
        workspace.control.stop(run)
        _tell(workspace.wait(run, timeout=PATIENCE), as_json)


def retry(
    context: typer.Context,
    run: RunName,
    ray: Ray = None,
    workers: Workers = None,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Start a run or job that failed, was cancelled or was lost once more, at its last epoch if it has one."""
    with open_workspace(context) as workspace:
        go_on(workspace, run, ray=ray, workers=workers, here=here)
        workspace.control.retry(run)
        _tell(workspace.run(run), as_json)


def waiting(
    context: typer.Context,
    first: Annotated[str | None, typer.Option("--first", metavar="RUN", help="Make this run the next.")] = None,
    as_json: Json = False,
) -> None:
    """Show what runs and who waits for which device, the next one first."""
    with open_workspace(context) as workspace:
        if first is not None:
            workspace.control.move(first, 0)
        queues = workspace.control.queues()
        names = {view.name for views in queues.values() for view in views}
        going = [
            view
            for view in [*workspace.runs(trials=True), *workspace.jobs(), *workspace.searches.all()]
            if view.active and view.name not in names
        ]
        rows = [("runs", view.name, view.title, view.dataset) for view in going]
        for device, views in queues.items():
            rows += [(f"{place}. for {device}", v.name, v.title, v.dataset) for place, v in enumerate(views, 1)]
        document = {
            "running": [documents.run(view) for view in going],
            "waiting": {device: [documents.run(view) for view in views] for device, views in queues.items()},
        }
        headers = ("", "run", "model", "dataset")
        out(document, as_json, lambda: text_table(headers, rows) if rows else "Nothing runs and nothing waits.")


def _tell(view: "RunView", as_json: bool) -> None:
    out(
        documents.run(view), as_json, lambda: f"{view.name} is {view.state}." + (f" {view.error}" if view.error else "")
    )
