"""``labelloop health``, ``split``, ``exclude`` and ``restore``."""

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.command import DatasetName, Json, must_succeed, open_workspace, out
from core.cli.progress import follow
from core.cli.tables import text_table
from core.domain.errors import BadInput
from core.domain.samples import SPLITS

if TYPE_CHECKING:
    from core.workspace import RunView, Workspace

MEND = "Mend it with labelloop split --mend, or look with labelloop health."
SampleIds = Annotated[list[str] | None, typer.Option("--sample", help="A sample's id; repeat it for more.")]
Finding = Annotated[str | None, typer.Option("--finding", help='All samples of a kind of finding, such as "blurred".')]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(health)
    app.command()(split)
    app.command()(exclude)
    app.command()(restore)


def health(
    context: typer.Context,
    dataset: DatasetName,
    check: Annotated[bool, typer.Option("--check", help="Look again, at files too, even if nothing is new.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a dataset's pictures, files and splits. Looks at what was not looked at yet first."""
    with open_workspace(context) as workspace:
        compare(workspace, dataset, quiet=as_json, anyway=check)
        document = _document(workspace, dataset)
        rows = [(kind, len(found), _ids(found)) for kind, found in document["findings"].items()]
        out(document, as_json, lambda: text_table(("finding", "findings", "images"), rows))


def compare(workspace: "Workspace", dataset: str, *, quiet: bool, anyway: bool = False) -> None:
    """Wait until every image was compared with the others; ``anyway`` looks again even if nothing is new.

    Raises:
        BadInput: the check did not succeed.
    """
    if anyway or workspace.health.coverage(dataset).unseen:
        embedding = workspace.start_embedding(dataset)
        must_succeed(follow(workspace, workspace.health.start_check(dataset, after=embedding), quiet=quiet))


def heed_leaks(workspace: "Workspace", dataset: str, *, allowed: bool, refused: bool, quiet: bool) -> None:
    """Say where a picture lies in two splits, and what is not known of that yet, before something trains on it.

    ``allowed`` says nothing. ``refused`` waits until every image was compared with the others.

    Raises:
        BadInput: with ``refused``, where a picture lies in two splits or the check did not succeed.
    """
    if refused:
        compare(workspace, dataset, quiet=quiet)
    gate = workspace.splits.gate(dataset)
    if gate.pending and refused:  # what came in meanwhile
        raise BadInput(f"{gate.pending} Try again once they are.")
    if gate.shut and refused:
        raise BadInput(f"{gate.sentence} {MEND}")
    if gate.shut and not allowed:
        typer.echo(f"{gate.sentence} {MEND}", err=True)
    if gate.pending and not allowed:
        typer.echo(f"{gate.pending} To look first: --refuse-leaks, or labelloop health.", err=True)


def tell_without_class(view: "RunView") -> None:
    """Say which labels a run, or a search, takes for none."""
    from core.workspace.requests import told_without_class

    for sentence in told_without_class(view.spec.get("without_class") or {}):
        typer.echo(f"{sentence} labelloop classes add, or relabel them.", err=True)


def split(
    context: typer.Context,
    dataset: DatasetName,
    mend: Annotated[bool, typer.Option("--mend", help="Put copies that lie in several splits into one.")] = False,
    exclude_twins: Annotated[
        bool, typer.Option("--exclude-twins", help="With --mend: exclude the twins from train instead of moving them.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Draw the splits anew, copies kept together.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the newest move between splits.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of --again.")] = 0,
    as_json: Json = False,
) -> None:
    """Show a dataset's splits and leaks; mend them, or draw splits anew. A test split stays as it is once used."""
    if mend + again + undo > 1:
        raise BadInput("Give one of --mend, --again and --undo.")
    with open_workspace(context) as workspace:
        changed = 0
        if mend:
            changed = workspace.splits.mend(dataset, how="exclude" if exclude_twins else "move", source="cli")
        elif again:
            changed = workspace.splits.redraw(dataset, seed=seed).total()
        elif undo:
            changed = workspace.splits.undo(dataset)
        gate, info = workspace.splits.gate(dataset), workspace.dataset(dataset)
        kept = workspace.splits.kept_together(dataset) if as_json else []
        sizes = {name: info.splits.get(name, 0) for name in SPLITS}
        document = {
            "dataset": dataset,
            "splits": sizes,
            "changed": changed,
            "frozen_test": gate.frozen_test,
            "unchecked": gate.unseen,
            "leaks": [
                {"group": leak.group, "why": leak.why, "samples": [{"id": i, "split": s} for i, s in leak.samples]}
                for leak in gate.leaks
            ],
            "groups": [
                {"group": one.group, "why": one.why, "samples": [{"id": i, "split": s} for i, s in one.samples]}
                for one in kept
            ],
        }
        counts = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
        lines = [f"{dataset}: {counts}" + (f"; {changed:,} images changed." if mend or again or undo else ".")]
        if gate.frozen_test:
            lines.append("Test was used by a run: its images stay.")
        if gate.unseen:
            lines.append(f"{gate.pending} To look now: labelloop health --dataset {dataset}")
        out(document, as_json, lambda: "\n".join([*lines, gate.sentence]))


def exclude(
    context: typer.Context,
    dataset: DatasetName,
    sample: SampleIds = None,
    finding: Finding = None,
    cull: Annotated[bool, typer.Option("--copies", help="All copies but the best of each cluster.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Say what would go; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Leave images out of queues, training and figures. Their files stay; ``restore`` brings them back."""
    with open_workspace(context) as workspace:
        ids = list(sample or ())
        if finding:
            ids += workspace.health.findings(dataset, finding)["sample_id"].tolist()
        if cull:
            ids += workspace.health.plan_cull(dataset).drop
        if not (sample or finding or cull):
            raise BadInput("Name the images: --sample ID, --finding KIND or --copies.")
        _decide(workspace, dataset, "exclude", ids, preview=preview, as_json=as_json)


def restore(
    context: typer.Context,
    dataset: DatasetName,
    sample: SampleIds = None,
    everything: Annotated[bool, typer.Option("--all", help="Every excluded image.")] = False,
    as_json: Json = False,
) -> None:
    """Take excluded images back in."""
    with open_workspace(context) as workspace:
        ids = list(sample or ())
        if everything:
            frame = workspace.samples(dataset)
            ids += frame[frame["excluded"]]["sample_id"].tolist()
        elif not sample:
            raise BadInput("Name the images: --sample ID, or --all.")
        _decide(workspace, dataset, "restore", ids, preview=False, as_json=as_json)


def _decide(workspace: "Workspace", dataset: str, kind: str, ids: list[str], *, preview: bool, as_json: bool) -> None:
    from core.cli import documents

    ids = list(dict.fromkeys(ids))
    if preview:
        text = f"{len(ids):,} images of {dataset} would be excluded."
        out({"dataset": dataset, "would_exclude": ids}, as_json, lambda: text)
        return
    if kind == "exclude":
        outcomes = workspace.health.exclude(dataset, ids, source="cli")
    else:
        outcomes = workspace.health.restore(dataset, ids, source="cli")
    saved = sum(outcome.saved for outcome in outcomes)
    word = "excluded" if kind == "exclude" else "restored"
    text = f"{saved:,} images of {dataset} {word}."
    out({"dataset": dataset, **documents.outcomes(outcomes)}, as_json, lambda: text)


def _document(workspace: "Workspace", dataset: str) -> dict[str, Any]:
    from core.checks.kinds import KINDS
    from core.workspace.prompts import MISMATCH

    seen, limits = workspace.health.coverage(dataset), workspace.health.thresholds(dataset)
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        rows = workspace.health.findings(dataset, kind.key).to_dict("records")
        entries: dict[str, dict[str, Any]] = {}
        for row in rows:
            key = str(row["group"]) if kind.grouped else str(row["sample_id"])
            entry = entries.setdefault(
                key, {"score": row["score"], "detail": row["detail"], "value": None, "group": None, "sample_ids": []}
            )
            entry["sample_ids"].append(row["sample_id"])
            entry["group"] = row["group"] if kind.grouped else None
            entry["value"] = None if math.isnan(row["value"]) else row["value"]
        found[kind.key] = list(entries.values())
    if MISMATCH in workspace.review.finding_kinds(dataset):
        found[MISMATCH] = [
            {key: row[key] for key in ("score", "detail", "value")} | {"group": None, "sample_ids": [row["sample_id"]]}
            for row in workspace.review.findings(dataset, MISMATCH).to_dict("records")
        ]
    return {
        "dataset": dataset,
        "samples": seen.samples,
        "measured": seen.measured,
        "compared": seen.compared,
        "embedded": seen.embedded,
        "unasked": seen.unasked,
        "checked_at": seen.checked_at,
        "thresholds": limits,
        "findings": found,
    }


def _ids(found: list[dict[str, Any]]) -> int:
    return sum(len(entry["sample_ids"]) for entry in found)
