"""``labelloop datasets``: listed, renamed, exported, put away, brought back, deleted for good."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import documents
from core.cli.command import FormName, Json, checked_form, open_workspace, out
from core.cli.tables import text_table
from core.domain.errors import BadInput
from core.domain.samples import SPLITS

if TYPE_CHECKING:
    from core.workspace.keeping import PutAway

Away = Annotated[str, typer.Argument(metavar="NAME", help="Its name, or its id where several had that name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    datasets = typer.Typer(
        help="List, rename, export, put away, bring back and delete datasets.", invoke_without_command=True
    )
    datasets.callback()(list_datasets)
    datasets.command("rename")(rename)
    datasets.command("export")(export)
    datasets.command("put-away")(put_away)
    datasets.command("bring-back")(bring_back)
    datasets.command("delete")(delete)
    app.add_typer(datasets, name="datasets")


def list_datasets(
    context: typer.Context,
    away: Annotated[bool, typer.Option("--put-away", help="Those that are put away instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the datasets; rename, export, put-away, bring-back and delete do something with one."""
    if context.invoked_subcommand is not None:
        return
    with open_workspace(context) as workspace:
        if away:
            hidden = workspace.keeping.away()
            out({"put_away": [asdict(one) for one in hidden]}, as_json, lambda: _away_text(hidden))
            return
        infos = workspace.datasets()
        rows = [(i.name, i.samples, len(i.classes), *(i.splits.get(s, 0) for s in SPLITS)) for i in infos]
        headers = ("dataset", "images", "classes", *SPLITS)
        empty = "No datasets yet: labelloop import FOLDER --dataset NAME"
        out(
            {"datasets": [documents.dataset(info) for info in infos]},
            as_json,
            lambda: text_table(headers, rows) if rows else empty,
        )


def rename(context: typer.Context, name: str, new_name: str, as_json: Json = False) -> None:
    """Give a dataset another name; its runs and its journal go with it."""
    with open_workspace(context) as workspace:
        called = workspace.keeping.rename(name, new_name)
        out({"dataset": called, "was": name}, as_json, lambda: f"{name!r} is called {called!r} now.")


def export(
    context: typer.Context,
    name: str,
    to: Annotated[Path, typer.Option("--to", help="A folder or file that is not there yet.")],
    form: FormName = "folders",
    as_json: Json = False,
) -> None:
    """Write a dataset as it is now: copies in class folders, a zip of them, or a table. What is excluded stays out."""
    with open_workspace(context) as workspace:
        done = workspace.keeping.export(name, to, checked_form(form))
        out({"dataset": name, **documents.exported(done)}, as_json, lambda: documents.exported_text(done))


def put_away(context: typer.Context, name: str, as_json: Json = False) -> None:
    """Have a dataset out of sight, with its runs; bring-back has it here again, as it was."""
    with open_workspace(context) as workspace:
        workspace.keeping.put_away(name)
        text = f"{name!r} is put away, with its labels, journal and runs: labelloop datasets bring-back {name!r}"
        out({"put_away": name}, as_json, lambda: text)


def bring_back(
    context: typer.Context,
    name: Away,
    new_name: Annotated[str | None, typer.Option("--as", help="Another name, where its own is taken by now.")] = None,
    as_json: Json = False,
) -> None:
    """Have a dataset that was put away here again, as it was."""
    with open_workspace(context) as workspace:
        called = workspace.keeping.bring_back(workspace.keeping.find(name).id, new_name)
        out({"dataset": called}, as_json, lambda: f"{called!r} is here again.")


def delete(
    context: typer.Context,
    name: Away,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a dataset that was put away for good: labels, journal, runs. Image files stay."""
    with open_workspace(context) as workspace:
        found = workspace.keeping.find(name)
        what = f"{found.name!r}: {_extent(found)}"
        if not yes:
            raise BadInput(f"This would delete {what}. Nothing brings that back; say so with --yes.")
        workspace.keeping.delete(found.id)
        out({"deleted": asdict(found)}, as_json, lambda: f"Deleted {what}.")


def _away_text(hidden: "list[PutAway]") -> str:
    rows = [
        (one.name, one.samples, one.decisions, one.runs, f"{one.size_bytes / 1e6:.1f}", _day(one.since), one.id)
        for one in hidden
    ]
    headers = ("dataset", "images", "decisions", "runs", "MB of runs", "put away", "id")
    return text_table(headers, rows) if rows else "No dataset is put away."


def _extent(one: "PutAway") -> str:
    return (
        f"the labels of {one.samples:,} images, {one.decisions:,} entries of the journal, "
        f"{one.runs:,} runs ({one.size_bytes / 1e6:.1f} MB)"
    )


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")
