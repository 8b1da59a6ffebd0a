"""``labelloop cluster``: where networks train; and the options by which a command says so for one run."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.command import Json, open_workspace, out
from core.domain.errors import BadInput

if TYPE_CHECKING:
    from core.workspace import Workspace

Ray = Annotated[str | None, typer.Option("--ray", metavar="HOST:PORT", help="Work on this Ray cluster.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Workers that train together (DDP), a GPU each.")]
Here = Annotated[bool, typer.Option("--here", help="Work on this machine, whatever the settings say.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(cluster)


def cluster(
    context: typer.Context,
    ray: Annotated[str | None, typer.Option("--ray", metavar="HOST:PORT", help='Use this cluster; "" is none.')] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Workers that train together.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change where networks train: this machine or a Ray cluster, by how many workers."""
    with open_workspace(context) as workspace:
        asked = workspace.cluster.asked(ray=ray, workers=workers)
        if asked is not None:
            workspace.cluster.keep(asked)
        where = workspace.cluster.place
        document: dict[str, Any] = {**asdict(where), "where": where.words, "nodes": None, "cpus": None, "gpus": None}
        text = f"Networks train on {where.words}."
        if where.ray:
            try:
                found = workspace.cluster.look(where)
                document |= asdict(found)
                token = "token authentication" if found.token else "NO authentication"
                text += f" It has {found.nodes} nodes that can work, {found.cpus} cores and {found.gpus} GPUs; {token}."
            except BadInput as error:
                document["error"] = str(error)
                text += f" {error}"
        out(document, as_json, lambda: text)


def go_on(workspace: "Workspace", run: str, *, ray: str | None, workers: int | None, here: bool) -> None:
    """Have a run go on where somebody said, before it is resumed or retried; nothing said leaves it where it was."""
    where = workspace.cluster.asked(ray=ray, workers=workers, here=here)
    if where is not None:
        workspace.cluster.move(run, where)
