"""What is in a dataset: ``samples`` as JSON Lines, ``prompts`` and the labels that rules draw out of them."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.command import DatasetName, Json, checked_split, open_workspace, out
from core.cli.tables import text_table
from core.domain.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.workspace import Workspace

SHOWN = 30

Rule = Annotated[
    list[str] | None,
    typer.Option("--rule", help='Words and the class they speak for: "dog, puppy -> dog"; may come many times.'),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(samples)
    app.command()(prompts)


def samples(
    context: typer.Context,
    dataset: DatasetName,
    split: Annotated[str | None, typer.Option(help="train, val or test only.")] = None,
    label: Annotated[str | None, typer.Option(help="Of this label only.")] = None,
    tool: Annotated[str | None, typer.Option(help="Made by this image generator only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, sample by sample.")] = False,
) -> None:
    """List the samples with their labels, and what image generators wrote into their files."""
    wanted = None if split is None else checked_split(split)
    with open_workspace(context) as workspace:
        found = (
            sample
            for sample in _samples(workspace, dataset)
            if (wanted is None or sample["split"] == wanted)
            and (label is None or sample["label"] == label)
            and (tool is None or (sample["generation"] or {}).get("tool") == tool)
        )
        if as_json:
            for sample in found:
                typer.echo(json.dumps(sample, ensure_ascii=False))
            return
        rows = [
            (s["id"], s["label"] or "", s["split"], (s["generation"] or {}).get("tool", ""), s["filepath"])
            for s in found
        ]
        shown = text_table(("id", "label", "split", "made by", "file"), rows[:SHOWN])
        more = f"\n… and {len(rows) - SHOWN:,} more; --json lists all." if len(rows) > SHOWN else ""
        typer.echo(shown + more if rows else "No such samples.")


def prompts(
    context: typer.Context,
    dataset: DatasetName,
    rule: Rule = None,
    label: Annotated[bool, typer.Option("--label", help="Label the unlabelled images by the rules.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --label: those that have a label, too.")] = False,
    read_again: Annotated[bool, typer.Option("--read-again", help="Read the files' metadata anew first.")] = False,
    stealth: Annotated[
        bool, typer.Option("--stealth", help="With --read-again: look for prompts hidden in the pixels, too.")
    ] = False,
    run: Annotated[str | None, typer.Option(help="Compare the prompts with this run's predictions.")] = None,
    as_json: Json = False,
) -> None:
    """Say what the prompts of a dataset hold, label by rules, and find where prompt and picture disagree."""
    if stealth and not read_again:
        raise BadInput("--stealth goes with --read-again.")
    with open_workspace(context) as workspace:
        if read_again:
            workspace.prompts.read_again(dataset, hidden=stealth)
        document = _prompts(workspace, dataset, rule or [], label=label, everything=everything, run=run)
    lines = [f"{document['with_prompt']:,} of {document['samples']:,} images have a prompt."]
    if document["rules"]:
        lines.append(f"{document['matched']:,} of them ({document['share_matched']:.0%}) are matched by the rules:")
        lines.append(text_table(("class", "images"), list(document["labels"].items())))
    else:
        words = ", ".join(f"{word['word']} ({word['images']})" for word in document["words"][:20])
        lines.append(f"Frequent words: {words}" if words else "There is nothing to write rules by.")
    if document["relabelled"] is not None:
        lines.append(f"{document['relabelled']:,} labelled by their prompts.")
    if document["mismatches"] is not None:
        lines.append(f"{document['mismatches']:,} pictures show another class than their prompt names.")
    out(document, as_json, lambda: "\n".join(lines))


def _prompts(
    workspace: "Workspace", dataset: str, given: list[str], *, label: bool, everything: bool, run: str | None
) -> dict[str, Any]:
    from core.generators.prompt_rules import frequent_words

    asked = workspace.prompts
    rules = given or asked.rules(dataset)
    texts = asked.frame(dataset)["prompt"]
    if label and not rules:
        raise BadInput('Name the rules: --rule "dog, puppy -> dog"')
    found = asked.match(dataset, rules) if rules else None
    relabelled = None
    if label:
        relabelled = sum(one.saved for one in asked.label(dataset, rules, everything=everything, source="cli"))
    elif given:
        asked.keep_rules(dataset, given)
    finished = any(view.state == "succeeded" for view in workspace.runs(dataset))
    compared = rules and (run is not None or finished)
    with_prompt = int((texts != "").sum())
    return {
        "dataset": dataset,
        "samples": len(workspace.samples(dataset)),
        "with_prompt": with_prompt,
        "tools": dict(Counter(asked.frame(dataset)["tool"])),
        "rules": list(rules),
        "matched": found.matched if found else 0,
        "share_matched": found.matched / max(1, found.with_prompt) if found else 0.0,
        "several_classes": found.both if found else 0,
        "labels": dict(found.labels) if found else {},
        "words": [{"word": word, "images": count} for word, count in frequent_words(texts)],
        "relabelled": relabelled,
        "mismatches": asked.find_mismatches(dataset, run, rules) if compared else None,
    }


def _samples(workspace: "Workspace", dataset: str) -> "Iterator[dict[str, Any]]":
    """One after the other, both sides ordered by id: nothing but the table of samples is in memory."""
    frame = workspace.samples(dataset)
    made = workspace.store.generations(workspace.dataset(dataset).id)
    following = next(made, None)
    names = ("sample_id", "filepath", "label", "split", "width", "height", "reviewed", "excluded")
    for sample_id, filepath, label, split, width, height, reviewed, excluded in frame[list(names)].itertuples(
        index=False
    ):
        while following is not None and following[0] < sample_id:  # added since the table was read
            following = next(made, None)
        own = following is not None and following[0] == sample_id
        yield {
            "id": sample_id,
            "filepath": filepath,
            "label": label,
            "split": split,
            "width": int(width),
            "height": int(height),
            "reviewed": bool(reviewed),
            "excluded": bool(excluded),
            "generation": following[1].as_json() if own and following is not None else None,
        }
