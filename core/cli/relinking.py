"""``labelloop relink``: images whose files were moved get their new paths, with all that is known of them."""

from dataclasses import asdict
from typing import Annotated

import typer

from core.cli.command import DatasetName, Json, open_workspace, out
from core.domain.errors import BadInput

SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(relink)


def relink(
    context: typer.Context,
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="[OLD] NEW", help="NEW is where the files lie now; with OLD, only what lay below it is looked for."
        ),
    ],
    dataset: DatasetName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be found; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Find missing files, by their contents, in the folder that they were moved to. Labels, splits and history stay."""
    if len(folders) > 2:
        raise BadInput("Name the folder where the files lie now, or the old one and that.")
    where, old = folders[-1], folders[0] if len(folders) == 2 else None
    with open_workspace(context) as workspace:
        if dry_run:
            found = workspace.relinking.preview(dataset, where, old=old)
        else:
            found = workspace.relinking.relink(dataset, where, old=old, source="cli")
        lines = [f"{move.old} -> {move.new}" for move in found.moves[:SHOWN]]
        if len(found.moves) > SHOWN:
            lines.append(f"and {len(found.moves) - SHOWN:,} more")
        if found.moves:
            lines.append("Nothing was changed." if dry_run else "Their images have the new paths.")
        document = {
            "dataset": dataset,
            "changed": bool(found.moves) and not dry_run,
            "missing": found.missing,
            "kept": found.kept,
            "moves": [asdict(move) for move in found.moves],
        }
        out(document, as_json, lambda: "\n".join([found.sentence, *lines]))
