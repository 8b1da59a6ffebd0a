"""``labelloop import``: what a source holds, shown or brought in."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import documents
from core.cli.command import DatasetName, Json, must_succeed, open_workspace, out
from core.cli.progress import follow
from core.cli.samples import Rule
from core.cli.tables import text_table
from core.domain.errors import BadInput

if TYPE_CHECKING:
    from core.ingest.layouts import Preview
    from core.ingest.readings import Reading
    from core.workspace import Workspace

LABEL_SOURCES = ("folder", "file-name", "table", "prompt", "none")
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)


def import_(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of images, a zip or tar of one, a CSV, JSON Lines or Parquet table of paths and labels, or "
            "fiftyone:NAME for a FiftyOne dataset of this workspace's database."
        ),
    ],
    dataset: DatasetName,
    preview: Annotated[bool, typer.Option("--preview", help="Say what would be read; write nothing.")] = False,
    layout: Annotated[
        str, typer.Option(help="class-folders, split-folders, nested-folders, flat-folder, file-names or table.")
    ] = "auto",
    class_level: Annotated[
        int | None,
        typer.Option("--class-level", help="Which folder is the class: 1 the first below SOURCE, -1 the last."),
    ] = None,
    label_from: Annotated[
        str | None,
        typer.Option("--label-from", help="Where labels come from: folder, file-name, table, prompt or none."),
    ] = None,
    rule: Rule = None,
    stealth: Annotated[
        bool, typer.Option("--stealth", help="Look for prompts that are hidden in the pixels, too.")
    ] = False,
    table: Annotated[str | None, typer.Option(help="The table to read, by its path inside SOURCE.")] = None,
    path_column: Annotated[str | None, typer.Option("--path-column", help="The table's column of paths.")] = None,
    label_column: Annotated[
        str | None, typer.Option("--label-column", help="The table's column of labels, or a FiftyOne dataset's field.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the train/val/test splits, where the source brings none.")] = 0,
    as_json: Json = False,
) -> None:
    """Import images. The files are read only, never moved or changed."""
    reading = _reading(layout, class_level, label_from, table, path_column, label_column)
    rules = _rules(label_from, rule)
    with open_workspace(context) as workspace:
        if preview:
            found = workspace.imports.preview(source, reading)
            document = {**preview_document(found), "prompts": _prompts(workspace, found, rules)}
            out(document, as_json, lambda: _preview_text(found, document["prompts"]))
            return
        job = workspace.imports.start(source, dataset, reading=reading, seed=seed, rules=rules, hidden=stealth)
        view = follow(workspace, job, quiet=as_json)
        must_succeed(view)
        report = workspace.report(view.name) or {}
        whole = {"dataset": documents.dataset(workspace.dataset(view.dataset)), **report, "job": view.name}
        out(whole, as_json, lambda: _import_text(view.dataset, report))


def preview_document(found: "Preview") -> dict[str, Any]:
    """A preview as JSON; it names the first files only, its counts are of all."""
    return {
        "source": str(found.folder),
        "layout": found.layout,
        "layouts": list(found.layouts),
        "sentence": found.sentence,
        "images": len(found.files),
        "classes": list(found.classes),
        "labels": {label: count for label, count in found.counts.items() if label is not None},
        "unlabelled": found.counts.get(None, 0),
        "splits": list(found.splits),
        "levels": [{"level": one.number, "folders": one.count, "names": list(one.names)} for one in found.levels],
        "columns": list(found.columns),
        "path_column": found.path_column,
        "label_column": found.label_column,
        "tables": list(found.tables),
        "skipped": found.skipped_count,
        "skipped_files": [{"path": path, "reason": reason} for path, reason in found.skipped[:500]],
        "notes": list(found.notes),
        "tool": found.tool or None,
        "files": [{"path": f.filepath, "label": f.label, "split": f.split} for f in found.files[:SHOWN]],
    }


def _reading(
    layout: str,
    class_level: int | None,
    label_from: str | None,
    table: str | None,
    path_column: str | None,
    label_column: str | None,
) -> "Reading":
    from core.ingest.readings import Reading, layout_named

    named = layout_named(layout)
    if label_from is not None and label_from not in LABEL_SOURCES:
        raise BadInput(f"Labels cannot come from {label_from!r}; choose one of: {', '.join(LABEL_SOURCES)}.")
    if label_from == "folder" and named is None and class_level is None:
        return Reading(folders=True)
    by_source = {"file-name": "file-names", "table": "table", "none": "flat-folder"}
    if label_from in by_source:
        wanted = layout_named(by_source[label_from])
        if named not in (None, wanted):
            raise BadInput(f"--layout {layout} does not go with --label-from {label_from}; give one of them.")
        named = wanted
    return Reading(named, class_level, table, path_column, label_column)


def _rules(label_from: str | None, rules: list[str] | None) -> list[str]:
    from core.generators.prompt_rules import parse

    if label_from != "prompt":
        if rules:
            raise BadInput("--rule goes with --label-from prompt.")
        return []
    parse(rules or [])
    return rules or []


def _prompts(workspace: "Workspace", found: "Preview", rules: list[str]) -> dict[str, Any]:
    """What a few hundred of the files say of their making, and how far the rules reach in them."""
    from core.generators.prompt_rules import Matched, frequent_words, parse
    from core.workspace.prompts import matched_document, peek

    made = peek(workspace, found)
    prompts = ["" if one is None else one.prompt for one in made]
    matched = parse(rules).match(prompts) if rules else Matched(len(made), sum(map(bool, prompts)))
    tools = Counter(one.tool for one in made if one is not None)
    words = [{"word": word, "images": count} for word, count in frequent_words(prompts, 20)]
    return {"looked_into": len(made), "tools": dict(tools), "words": words, **matched_document(matched)}


def _preview_text(found: "Preview", prompts: dict[str, Any]) -> str:
    lines = [f"{found.sentence}."]
    if prompts["tools"]:
        made = ", ".join(f"{tool} ({count})" for tool, count in prompts["tools"].items())
        lines.append(f"Made by {made}; {prompts['with_prompt']} of {prompts['looked_into']} looked into have a prompt.")
    if prompts["labels"]:
        shares = ", ".join(f"{label} {count}" for label, count in prompts["labels"].items())
        lines.append(f"The rules match {prompts['share_matched']:.0%} of the prompts: {shares}.")
    if found.classes:
        rows = [(name, found.counts.get(name, 0)) for name in found.classes[:50]]
        lines += ["", text_table(("class", "images"), rows)]
    if len(found.levels) > 1:
        lines += [
            "",
            text_table(
                ("level", "folders", "such as"), [(o.number, o.count, ", ".join(o.names)) for o in found.levels]
            ),
        ]
    lines += [f"note: {note}" for note in found.notes]
    if found.skipped_count:
        lines.append(f"{found.skipped_count:,} files would be skipped:")
        lines += [f"  {path!r}: {reason}" for path, reason in found.skipped[:10]]
    return "\n".join([*lines, "Nothing was written."])


def _import_text(dataset: str, report: dict[str, Any]) -> str:
    counts = [
        f"{report[key]:,} {words}"
        for key, words in (
            ("added", "added"),
            ("present", "there already"),
            ("changed", "with new contents"),
            ("duplicate", "added as exact duplicates"),
            ("quarantined", "quarantined"),
            ("skipped", "skipped"),
        )
        if report.get(key) or key == "added"
    ]
    lines = [f"{dataset}: {', '.join(counts)} ({report['seconds']:.1f} s)."]
    lines += [f"  quarantined: {bad['path']!r}: {bad['reason']}" for bad in report["quarantine"][:10]]
    return "\n".join([*lines, *(f"  note: {note}" for note in report["notes"])])
