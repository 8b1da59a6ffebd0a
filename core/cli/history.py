"""Past runs: ``runs``, ``diff``, ``note``, ``again``, ``restore-labels``, ``export-dataset``, ``delete-run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from core.cli import documents
from core.cli.command import FormName, Json, RunName, checked_form, must_succeed, open_workspace, out, seconds
from core.cli.progress import follow
from core.cli.tables import text_table
from core.domain.errors import BadInput
from core.domain.runs import RunState

if TYPE_CHECKING:
    from core.workspace.history import RunDifference

SHOWN = 20  # samples of a list in text; --json has them all


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(runs)
    app.command()(diff)
    app.command()(note)
    app.command()(again)
    app.command("restore-labels")(restore_labels)
    app.command("export-dataset")(export_dataset)
    app.command("delete-run")(delete_run)


def runs(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Of this dataset only.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="In this state only; may come many times.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Of this model only; may come many times.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="With this tag; may come many times.")] = None,
    starred: Annotated[bool, typer.Option("--starred", help="With a star only.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Those put away as well.")] = False,
    find: Annotated[str, typer.Option(help="Text in name, note, tags or options.")] = "",
    as_json: Json = False,
) -> None:
    """List the runs, newest first."""
    from core.workspace.history import chosen

    states = get_args(RunState)
    if unknown := [name for name in state or [] if name not in states]:
        raise BadInput(f"There is no state {unknown[0]!r}; the states are {', '.join(states)}.")
    with open_workspace(context) as workspace:
        views = chosen(
            workspace.runs(workspace.dataset(dataset).name if dataset else None),
            workspace.history.notes,
            states=state or (),
            models=model or (),
            tags=tag or (),
            star=starred,
            archived=archived,
            text=find,
        )
        notes = {view.name: workspace.history.notes(view.name) for view in views}
        rows = [
            (
                ("* " if notes[v.name].star else "") + v.name,
                v.dataset,
                v.title,
                v.state,
                seconds(v.seconds),
                ", ".join(notes[v.name].tags),
                v.error or " ".join(notes[v.name].text.split())[:60],
            )
            for v in views
        ]
        headers = ("run", "dataset", "model", "state", "time", "tags", "")
        empty = "No runs yet: labelloop train --dataset NAME" if not workspace.runs() else "No run fits these filters."
        document = {"runs": [{**documents.run(v), "notes": documents.notes(notes[v.name])} for v in views]}
        out(document, as_json, lambda: text_table(headers, rows) if rows else empty)


def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="RUN", help="The earlier run.")],
    new: Annotated[str, typer.Argument(metavar="RUN", help="The later run.")],
    as_json: Json = False,
) -> None:
    """Say what was another way in the later run: recipe, labels, samples, splits, classes, versions."""
    with open_workspace(context) as workspace:
        found = workspace.history.difference(old, new)
        out(documents.difference(found), as_json, lambda: _diff_text(found))


def note(
    context: typer.Context,
    run: RunName,
    text: Annotated[str | None, typer.Option(help="The note, in place of the one that is there.")] = None,
    star: Annotated[bool | None, typer.Option("--star/--no-star", help="Give or take the star.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Add a tag; may come many times.")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Take a tag away; may come many times.")] = None,
    archive: Annotated[bool | None, typer.Option("--archive/--no-archive", help="Put away, or back.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change what people added to a run: note, star, tags, put away."""
    with open_workspace(context) as workspace:
        name = workspace.run(run).name
        found = workspace.history.notes(name)
        fields: dict[str, Any] = {"text": text, "star": star, "archived": archive}
        if tag or untag:
            fields["tags"] = [kept for kept in [*found.tags, *(tag or [])] if kept not in (untag or [])]
        fields = {key: value for key, value in fields.items() if value is not None}
        if fields:
            found = workspace.history.annotate(name, **fields)
        marks = ", ".join([*(["star"] if found.star else []), *(["put away"] if found.archived else []), *found.tags])
        out({"run": name, **documents.notes(found)}, as_json, lambda: f"{name}: {marks or 'no tags'}\n{found.text}")


def again(
    context: typer.Context,
    run: RunName,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end.")] = False,
    as_json: Json = False,
) -> None:
    """Run again exactly: the same recipe, samples, labels and seed, whatever the dataset holds now."""
    with open_workspace(context) as workspace:
        differing = workspace.history.differing(run)
        for sentence in differing:
            typer.echo(f"Not exactly the same: {sentence}", err=True)
        name = workspace.history.again(run)
        if wait:
            must_succeed(follow(workspace, name, quiet=as_json))
        document = {**documents.run(workspace.run(name)), "differing": differing}
        out(document, as_json, lambda: f"{name} {'is done' if wait else 'started'}.")


def restore_labels(context: typer.Context, run: RunName, as_json: Json = False) -> None:
    """Give every sample the label that it had in a run, through the journal; undo takes it back as one."""
    with open_workspace(context) as workspace:
        done = workspace.history.restore_labels(run, source="cli")
        out(documents.restored(done), as_json, lambda: documents.restored_text(done))


def export_dataset(
    context: typer.Context,
    run: RunName,
    to: Annotated[Path, typer.Option("--to", help="A folder or file that is not there yet.")],
    form: FormName = "folders",
    as_json: Json = False,
) -> None:
    """Write the dataset that a run was trained on: copies in class folders, a zip of them, or a table."""
    with open_workspace(context) as workspace:
        done = workspace.history.export(run, to, checked_form(form))
        out({"run": run, **documents.exported(done)}, as_json, lambda: documents.exported_text(done))


def delete_run(
    context: typer.Context,
    run: RunName,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a run that is put away (note RUN --archive) for good: network, predictions, figures, log."""
    with open_workspace(context) as workspace:
        name = workspace.run(run).name
        if not yes:
            raise BadInput(f"This would delete {name}, and nothing brings that back; say so with --yes.")
        size = workspace.history.delete(name)
        out(
            {"deleted": name, "size_bytes": size}, as_json, lambda: f"{name} is deleted: {size / 1e6:,.1f} MB are free."
        )


def _diff_text(found: "RunDifference") -> str:
    data = found.data
    lines = [f"{found.old} -> {found.new}"]
    for title, fields in (("recipe", found.recipe), ("versions", found.versions)):
        if fields:
            lines += ["", text_table((title, found.old, found.new), [(k, *map(_shown, v)) for k, v in fields.items()])]
    counts = [
        (len(data.relabelled), "labels changed"),
        (len(data.added), "samples added"),
        (len(data.removed), "samples removed"),
        (len(data.moved), "samples in another split"),
        (len(data.changed_files), "files with other contents"),
    ]
    lines += ["", ", ".join(f"{count:,} {words}" for count, words in counts if count) or "The same samples and labels."]
    lines += [f"class added: {name}" for name in data.classes_added]
    lines += [f"class removed: {name}" for name in data.classes_removed]
    rows = [(r.filepath, r.split, r.old or "-", r.new or "-") for r in data.relabelled.head(SHOWN).itertuples()]
    if rows:
        lines += ["", text_table(("file", "split", found.old, found.new), rows)]
        if len(data.relabelled) > SHOWN:
            lines.append(f"and {len(data.relabelled) - SHOWN:,} more; --json has them all")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
