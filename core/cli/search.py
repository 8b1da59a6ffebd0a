"""``labelloop search``: a search for hyperparameters, or what one has found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import documents
from core.cli.cluster import Here, Ray, Workers
from core.cli.command import DatasetName, Json, must_succeed, open_workspace, out
from core.cli.health import heed_leaks, tell_without_class
from core.cli.progress import follow
from core.cli.tables import text_table

if TYPE_CHECKING:
    from core.workspace.searches import SearchView


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(search)
    app.command()(searches)


def search(
    context: typer.Context,
    dataset: DatasetName,
    space: Annotated[Path, typer.Option(help="JSON or YAML: fields with a range, a list of choices or a value.")],
    trials: Annotated[int, typer.Option(help="How many points are tried.")] = 20,
    method: Annotated[str, typer.Option(help="tpe, random or grid.")] = "tpe",
    objective: Annotated[str, typer.Option(help="accuracy, macro_f1 or loss, on val.")] = "accuracy",
    prune: Annotated[bool, typer.Option("--prune/--no-prune", help="Stop trials that lag behind early.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the points.")] = 0,
    ray: Ray = None,
    workers: Workers = None,
    here: Here = False,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Say nothing where a picture lies in two splits.")
    ] = False,
    refuse_leaks: Annotated[
        bool, typer.Option("--refuse-leaks", help="Check first; do not search where a picture lies in two splits.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end and show the trials.")] = False,
    as_json: Json = False,
) -> None:
    """Search for a better recipe: trials are runs in the queue, chosen on val; test is looked at once, at the end."""
    from core.search.space import read_file, rooted

    with open_workspace(context) as workspace:
        fields = rooted(read_file(space), Path.cwd())
        heed_leaks(workspace, dataset, allowed=allow_leaks, refused=refuse_leaks, quiet=as_json)
        name = workspace.searches.start(
            dataset,
            fields,
            trials=trials,
            method=method,  # type: ignore[arg-type]  # checked by start
            objective=objective,  # type: ignore[arg-type]
            prune=prune,
            seed=seed,
            where=workspace.cluster.asked(ray=ray, workers=workers, here=here),
        )
        tell_without_class(workspace.run(name))
        if wait:
            must_succeed(follow(workspace, name, quiet=as_json))
        found = workspace.searches.read(name)
        started = f"{name} started; labelloop searches {name} tells how it goes."
        out(documents.search(found), as_json, lambda: _text(found) if wait else started)


def searches(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[SEARCH]", help="Show the trials of this one.")] = None,
    as_json: Json = False,
) -> None:
    """List the searches, or show the trials of one."""
    with open_workspace(context) as workspace:
        if name is not None:
            found = workspace.searches.read(f"search-{name}" if name.isdecimal() else name)
            out(documents.search(found), as_json, lambda: _text(found))
            return
        views = [workspace.searches.read(view.name) for view in workspace.searches.all()]
        rows = [
            (v.view.name, v.view.dataset, v.view.state, f"{len(v.trials)} of {v.view.spec['trials']}") for v in views
        ]
        empty = "No searches yet: labelloop search --dataset NAME --space FILE"
        document = {"searches": [documents.search(view) for view in views]}
        out(document, as_json, lambda: text_table(("search", "dataset", "state", "trials"), rows) if rows else empty)


def _text(found: "SearchView") -> str:
    names = list(dict.fromkeys(name for trial in found.trials for name in trial["params"]))
    rows = [
        (
            f"{trial['trial']}{' *' if trial['trial'] == found.best else ''}",
            trial["run"] or "",
            trial["state"],
            "" if trial["value"] is None else f"{trial['value']:.4f}",
            *(_shown(trial["params"].get(name)) for name in names),
        )
        for trial in found.trials
    ]
    lines = [f"{found.view.name}: {found.view.state}. {found.view.error}".rstrip()]
    lines += [text_table(("trial", "run", "state", str(found.view.spec["objective"]), *names), rows)] if rows else []
    if found.result:
        lines.append(f"The best recipe on all splits: {found.result['run']}; labelloop show {found.result['run']}")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
