"""Review from the command line: ``queue``, ``journal``, ``undo``, ``redo``, ``classes``."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.command import DatasetName, Json, checked_split, open_workspace, out
from core.cli.tables import csv_text, text_table, write_csv
from core.domain.errors import BadInput

if TYPE_CHECKING:  # `up` and `doctor` are to start at once: the workspace brings pandas along
    from core.domain.decisions import JournalEntry, Outcome
    from core.review.classes import ClassChange
    from core.review.queues import QueueItem
    from core.workspace import Workspace

Since = Annotated[str | None, typer.Option(help='A run ("run-7": since it was started) or a time (2026-11-22T14:30).')]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(queue)
    app.command()(journal)
    app.command()(undo)
    app.command()(redo)
    classes = typer.Typer(help="List, add, rename, merge and remove classes.", invoke_without_command=True)
    classes.callback()(list_classes)
    classes.command("add")(add_class)
    classes.command("rename")(rename_class)
    classes.command("merge")(merge_class)
    classes.command("remove")(remove_class)
    app.add_typer(classes, name="classes")


def queue(
    context: typer.Context,
    dataset: DatasetName,
    kind: Annotated[
        str, typer.Option(help="merged, suspicious, unlabelled, misclassified, ... or a kind of finding.")
    ] = "merged",
    run: Annotated[str | None, typer.Option(help="The run, for queues of a run.")] = None,
    other: Annotated[str | None, typer.Option(help="The older run, for fixed, broken and disagreement.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test.")] = None,
    true: Annotated[str | None, typer.Option("--true", help="For a cell: the label.")] = None,
    pred: Annotated[str | None, typer.Option("--pred", help="For a cell: the prediction.")] = None,
    label: Annotated[str | None, typer.Option(help="For the kind class: the class.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    kinds: Annotated[bool, typer.Option("--kinds", help="List the queues with their counts instead.")] = False,
    as_json: Json = False,
) -> None:
    """The images of a queue, the most doubtful first: id, file, label, suggestion, score and why."""
    from core.review.queues import KINDS, NAMES_RUN, QueueSpec

    wanted = None if split is None else checked_split(split)
    with open_workspace(context) as workspace:
        workspace.reconcile(dataset)
        if kinds:
            _kinds(workspace, dataset, as_json=as_json)
            return
        newest = workspace.newest_with_predictions(dataset)
        if kind not in KINDS and kind in workspace.review.finding_kinds(dataset):
            spec = QueueSpec(kind="finding", finding=kind, split=wanted)
        else:
            given = workspace.run(run).name if run else newest if kind in NAMES_RUN else None
            older = workspace.run(other).name if other else None
            if kind in ("fixed", "broken") and older is None:
                raise BadInput(f"A queue of the kind {kind!r} compares two runs: name the older one with --other.")
            cell = {"true": true, "pred": pred, "label": label}
            spec = QueueSpec(kind=kind, run=given, other=older, split=wanted, **cell)  # type: ignore[arg-type]
        items = workspace.queue(dataset, spec)
        listed = [_item(item) for item in items[:limit]]
        document = {"dataset": dataset, "queue": spec.title(), "count": len(items), "items": listed}
        headers = ("image", "label", "suggestion", "score", "why")
        lines = [(i["filepath"], i["label"] or "", i["suggestion"] or "", i["score"], i["reason"]) for i in listed]
        text = f"{spec.title()}: {len(items):,} images" + (f"\n{text_table(headers, lines)}" if lines else "")
        out(document, as_json, lambda: text)


def journal(
    context: typer.Context,
    dataset: DatasetName,
    who: Annotated[str | None, typer.Option(help="Of this person only.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="relabel, confirm, exclude, restore, skip, unsure, rename, class, undo.")
    ] = None,
    since: Since = None,
    sample: Annotated[str | None, typer.Option(help="Of this sample only.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most; all for CSV and JSON Lines.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, on standard output or with --out.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="As JSON Lines, on standard output or with --out.")] = False,
    to: Annotated[Path | None, typer.Option("--out", help="The file that --csv or --jsonl writes.")] = None,
    as_json: Json = False,
) -> None:
    """What was decided, by whom and when, newest first."""
    from core.review import journal as reading
    from core.runs.atomic import written_aside

    if csv + jsonl + as_json > 1:
        raise BadInput("Choose one of --csv, --jsonl and --json.")
    if to and (not (csv or jsonl) or to.is_dir() or not to.absolute().parent.is_dir()):
        raise BadInput("--out names a file in a folder that exists, together with --csv or --jsonl.")

    with open_workspace(context) as workspace:
        workspace.reconcile(dataset)
        wanted = reading.Filter(who=who, kind=kind, samples=frozenset([sample]) if sample else None)
        wanted = replace(wanted, since=_moment(workspace, since) if since else None)
        found = [entry for entry in workspace.review.entries(dataset, since=wanted.since) if wanted.takes(entry)]
        found = found[: limit or (None if csv or jsonl or as_json else 50)]
        frame = workspace.samples(dataset)
        files = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
        records = [reading.record(entry, files) for entry in found]
        if csv and to:
            write_csv(to, reading.COLUMNS, reading.rows(records))
        elif csv or jsonl:
            lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in records)
            text = csv_text(reading.COLUMNS, reading.rows(records)) if csv else lines
            if to is None:
                typer.echo(text, nl=bool(text))
                return
            with written_aside(to) as aside:
                aside.write_text(f"{text}\n" if text else "", encoding="utf-8")
        if to:
            typer.echo(f"{len(records):,} decisions written to {to}")
            return
        lines_of = [(r["at"][:19], r["who"], _what(r), r["filepath"] or r["sample_id"]) for r in records]
        headers = ("when (UTC)", "who", "what", "image")
        text = text_table(headers, lines_of) if lines_of else "Nothing was decided yet."
        out({"dataset": dataset, "entries": records}, as_json, lambda: text)


def undo(
    context: typer.Context,
    dataset: DatasetName,
    entry: Annotated[list[str] | None, typer.Option("--entry", help="A decision by its id; may come often.")] = None,
    batch: Annotated[str | None, typer.Option(help="All that one key press decided.")] = None,
    since: Since = None,
    who: Annotated[str | None, typer.Option(help="With --since: of this person only.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken back.")] = False,
    as_json: Json = False,
) -> None:
    """Take back the newest decision, one or many by id, a batch, or everything since a run or a time."""
    with open_workspace(context) as workspace:
        if sum(map(bool, (entry, batch, since))) > 1:
            raise BadInput("Give one of --entry, --batch and --since.")
        workspace.reconcile(dataset)
        chosen = _chosen(workspace, dataset, entry=entry, batch=batch, since=since, who=who)
        if dry_run:
            text = f"{len(chosen)} decisions would be taken back."
            out({"dataset": dataset, "entries": [one.id for one in chosen]}, as_json, lambda: text)
            return
        outcomes = workspace.review.undo_entries(dataset, chosen, source="cli")
        _tell(outcomes, "taken back", "There is nothing to undo.", as_json=as_json)


def redo(
    context: typer.Context,
    dataset: DatasetName,
    batch: Annotated[str | None, typer.Option(help="The undoing, by its batch; by default the newest.")] = None,
    as_json: Json = False,
) -> None:
    """Do again what the newest undo took back."""
    with open_workspace(context) as workspace:
        workspace.reconcile(dataset)
        outcomes = workspace.review.redo(dataset, batch=batch, source="cli")
        _tell(outcomes, "done again", "There is nothing to do again.", as_json=as_json)


def list_classes(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="The dataset's name.")] = None,
    as_json: Json = False,
) -> None:
    """List the classes with their counts; add, rename, merge and remove change them."""
    if context.invoked_subcommand is not None:
        return
    if dataset is None:
        raise BadInput("Name the dataset with --dataset.")
    with open_workspace(context) as workspace:
        info = workspace.dataset(dataset)
        counts = {name: info.labels.get(name, 0) for name in info.classes}
        out(
            {"dataset": dataset, "classes": counts}, as_json, lambda: text_table(("class", "images"), [*counts.items()])
        )


def add_class(context: typer.Context, name: str, dataset: DatasetName, as_json: Json = False) -> None:
    """Add a class at the end of the list. Undone like any decision."""
    with open_workspace(context) as workspace:
        workspace.add_class(dataset, name, source="cli")
        classes = list(workspace.dataset(dataset).classes)
        out({"dataset": dataset, "classes": classes}, as_json, lambda: f"{name.strip()!r} is a class now.")


def rename_class(
    context: typer.Context,
    old: str,
    new: str,
    dataset: DatasetName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Rename a class; its images follow. Undone like any decision."""
    with open_workspace(context) as workspace:
        known = workspace.dataset(dataset).classes
        if old in known and new.strip() in known:  # where the old one is gone, this finishes what was broken off
            raise BadInput(f"There is a class {new.strip()!r} already; to join the two: classes merge.")
        _change(workspace, dataset, old, new, dry_run=dry_run, as_json=as_json)


def merge_class(
    context: typer.Context,
    old: str,
    into: str,
    dataset: DatasetName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Merge a class into another one. Undone like any decision."""
    with open_workspace(context) as workspace:
        if into not in workspace.dataset(dataset).classes:
            raise BadInput(f"There is no class {into!r} in {dataset!r}; to give {old!r} another name: classes rename.")
        _change(workspace, dataset, old, into, dry_run=dry_run, as_json=as_json)


def remove_class(context: typer.Context, name: str, dataset: DatasetName, as_json: Json = False) -> None:
    """Remove a class that no image carries. Undone like any decision."""
    with open_workspace(context) as workspace:
        workspace.remove_class(dataset, name, source="cli")
        classes = list(workspace.dataset(dataset).classes)
        out({"dataset": dataset, "classes": classes}, as_json, lambda: f"{name!r} is no class any more.")


def _change(workspace: "Workspace", dataset: str, old: str, new: str, *, dry_run: bool, as_json: bool) -> None:
    review = workspace.review
    done: ClassChange = (
        review.preview_class_change(dataset, old, new)
        if dry_run
        else review.change_class(dataset, old, new, source="cli")
    )
    document = {
        "kind": done.kind, "old": done.old, "new": done.new, "samples": done.samples, "excluded": done.excluded,
        "classes": list(done.classes), "batch": done.batch or None,
    }  # fmt: skip
    text = f"{done.samples:,} images {'would be' if dry_run else 'are'} labelled {done.new!r} instead of {done.old!r}."
    out(document, as_json, lambda: text)


def _chosen(
    workspace: "Workspace",
    dataset: str,
    *,
    entry: list[str] | None,
    batch: str | None,
    since: str | None,
    who: str | None,
) -> list["JournalEntry"]:
    """The standing decisions that are meant."""
    from core.review.journal import Filter

    store, dataset_id = workspace.store, workspace.dataset(dataset).id
    if entry:
        found = store.journal_by_ids(entry)
        unknown = [one for one in entry if one not in found or found[one].dataset_id != dataset_id]
        if unknown:
            raise BadInput(f"There is no decision {unknown[0]!r} in the journal of {dataset!r}.")
        return [one for one in found.values() if Filter(standing=True).takes(one)]
    if since:
        wanted = Filter(since=_moment(workspace, since), who=who, standing=True)
        return [one for one in workspace.review.entries(dataset, since=wanted.since) if wanted.takes(one)]
    if batch is None:
        newest = store.journal_newest(dataset_id, who=who)
        if newest is None:
            return []
        batch = newest.batch
    return [one for one in store.journal_by_batch(dataset_id, batch) if one.undoes is None]


def _moment(workspace: "Workspace", text: str) -> datetime:
    from core.review.journal import moment

    if text.startswith("run-") or text.isdecimal():
        return datetime.fromtimestamp(workspace.run(text).created_at, UTC)
    return moment(text)


def _kinds(workspace: "Workspace", dataset: str, *, as_json: bool) -> None:
    listed = [
        {
            "kind": offer.spec.source if offer.spec.kind == "finding" else offer.spec.kind,
            "label": offer.spec.label,
            "title": offer.spec.title(),
            "count": offer.count,
            "decided": offer.rate.decided if offer.rate else 0,
            "wrong": offer.rate.wrong if offer.rate else 0,
        }
        for offer in workspace.review.offers(dataset)
    ]
    lines = [(one["kind"], one["title"], one["count"], one["wrong"], one["decided"]) for one in listed]
    text = text_table(("kind", "queue", "images", "wrong", "of decided"), lines)
    out({"dataset": dataset, "queues": listed}, as_json, lambda: text)


def _item(item: "QueueItem") -> dict[str, Any]:
    return {
        "id": item.sample_id,
        "filepath": item.filepath,
        "label": item.label,
        "suggestion": item.suggestion,
        "score": round(float(item.score), 4),
        "reason": item.reason,
        "reasons": [one for one in item.evidence.split("\n") if one],
        "split": item.split,
        "reviewed": item.reviewed,
    }


def _what(record: dict[str, Any]) -> str:
    labels = f"{record['old'] or 'no label'} -> {record['new'] or 'no label'}"
    said = labels if record["kind"] in ("relabel", "rename") else f"{record['kind']} {record['new'] or 'no label'}"
    if record["kind"] == "class":
        old, new = record["old"], record["new"]
        said = f"class {old} -> {new}" if old and new else f"class {new} added" if new else f"class {old} removed"
    return ("undo: " if record["undoes"] else "redo: " if record["redoes"] else "") + said


def _tell(outcomes: Iterable["Outcome"], done: str, nothing: str, *, as_json: bool) -> None:
    found = list(outcomes)
    refused = [one for one in found if not one.saved]
    document = {
        "saved": len(found) - len(refused),
        "refused": [{"sample": one.sample_id, "label": one.label, "reason": one.reason} for one in refused],
    }
    text = f"{document['saved']} decisions {done}" + (
        f", {len(refused)} refused: {refused[0].reason}" if refused else "."
    )
    out(document, as_json, lambda: text if found else nothing)
