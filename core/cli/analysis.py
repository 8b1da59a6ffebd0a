"""Commands that say what a run is worth: calibrate, slices, report, export-model (which brings its model card)."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import documents
from core.cli.command import (
    Json,
    JudgedBy,
    RunName,
    SplitName,
    checked_labels,
    checked_split,
    open_workspace,
    out,
)
from core.cli.tables import text_table
from core.domain.errors import BadInput

if TYPE_CHECKING:
    from core.workspace.understanding import Sliced


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(calibrate)
    app.command()(slices)
    app.command()(report)
    app.command("export-model")(export_model)


def calibrate(
    context: typer.Context,
    run: RunName,
    accuracy: Annotated[
        float | None,
        typer.Option(help='Say "not sure" as often as it takes for this share of the answers to be right: 0.99.'),
    ] = None,
    abstain_below: Annotated[
        float | None, typer.Option(help='Say "not sure" below this confidence; 0 answers always.')
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a run's temperature on its validation images, and set when it says "not sure" in later predictions."""
    if accuracy is not None and abstain_below is not None:
        raise BadInput("Give either --accuracy or --abstain-below.")
    with open_workspace(context) as workspace:
        fitted = workspace.understanding.calibrate(run, abstain_below=abstain_below, accuracy=accuracy)
        name = workspace.run(run).name
        document: dict[str, Any] = {"run": name, **asdict(fitted), "splits": {}}
        lines = [
            f"{name}: temperature {fitted.temperature:.2f} on {fitted.samples:,} validation images, log loss "
            f"{fitted.loss_before:.3f} -> {fitted.loss_after:.3f}."
        ]
        for split in ("val", "test"):
            found = workspace.understanding.sureness(name, split)
            if found is None:
                continue
            covered, right = found.answered
            document["splits"][split] = {
                "ece_before": documents.estimate(found.before.ece),
                "ece": documents.estimate(found.after.ece),
                "answered": documents.estimate(covered),
                "right_of_answered": documents.estimate(right),
            }
            lines.append(
                f"{split}: calibration error {found.before.ece.value:.3f} -> {found.after.ece.value:.3f}; answers "
                f"{covered.value:.1%}, of these {right.value:.1%} right (95 % interval {right.low:.1%} to "
                f"{right.high:.1%})."
            )
        if fitted.abstain_below:
            lines.append(f"Below a confidence of {fitted.abstain_below:.2f} it says that it is not sure.")
        out(document, as_json, lambda: "\n".join(lines))


def slices(
    context: typer.Context,
    run: RunName,
    split: SplitName = "test",
    by: Annotated[str | None, typer.Option(help='Accuracy by a field instead, such as "folder" or "model".')] = None,
    labels: JudgedBy = "now",
    as_json: Json = False,
) -> None:
    """Say where a run is weak: its worst slices, what gives classes away, how it does on each kind of source."""
    where, judge = checked_split(split), checked_labels(labels)
    with open_workspace(context) as workspace:
        name = workspace.run(run).name
        found = workspace.understanding.slices(name, where, labels=judge)
        if found is None:
            raise BadInput(f"{name} has no labelled {split} images.")
    document = documents.sliced(name, where, judge, found)
    if by is not None and by not in found.fields:
        raise BadInput(f"There is no field {by!r} here; choose one of: {', '.join(found.fields) or 'none'}.")
    out(document, as_json, lambda: _by_field(by, found) if by is not None else _weak(found))


def report(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN [RUN]", help="A run, or two to compare, the older first.")],
    out_file: Annotated[Path, typer.Option("--out", "-o", help="The file: .html, or .md for Markdown (a model card).")],
    split: Annotated[str | None, typer.Option(help="train, val or test; by default test, else val.")] = None,
    labels: JudgedBy = "now",
    as_json: Json = False,
) -> None:
    """Write one self-contained file on a run or on two compared: figures, plots, pictures. It opens offline."""
    where, judge = checked_split(split) if split is not None else None, checked_labels(labels)
    with open_workspace(context) as workspace:
        written = workspace.reporting.write(runs, out_file, split=where, labels=judge)
    size = written.stat().st_size
    document = {"runs": runs, "labels": judge, "file": str(written), "bytes": size}
    out(document, as_json, lambda: f"Report on {' and '.join(runs)} written to {written} ({size / 1024:,.0f} kB).")


def export_model(
    context: typer.Context,
    run: RunName,
    to: Annotated[Path, typer.Option("--to", help="The zip to write.")],
    as_json: Json = False,
) -> None:
    """Write a run's model as ONNX in a zip, with its calibration and its model card."""
    with open_workspace(context) as workspace:
        written = workspace.reporting.export_model(run, to)
        name = workspace.run(run).name
    size = written.stat().st_size
    document = {"run": name, "file": str(written), "bytes": size}
    out(document, as_json, lambda: f"The model of {name} is in {written} ({size / 1024:,.0f} kB).")


def _weak(found: "Sliced") -> str:
    weak = [one.sentence() for one in found.worst if one.worse][:20]
    lines = [f"Weak beyond chance, after correction for {found.looks:,} looks:", *weak]
    if not weak:
        lines = [f"Of {found.looks:,} slices none is weaker than the rest beyond chance. The weakest:"]
        lines += [one.sentence() for one in found.worst[:5]]
    lines += ["", *(one.sentence() for one in found.shortcuts if one.warns)]
    lines += ["", *(one.sentence() for one in found.domains)] if len(found.domains) > 1 else []
    return "\n".join(lines).strip()


def _by_field(field: str, found: "Sliced") -> str:
    from core.evaluation import slices as slicing  # brings NumPy along, which `up` does without

    rows = [
        (one.terms[0][1], one.samples, one.accuracy.value, f"{one.accuracy.low:.3f} to {one.accuracy.high:.3f}")
        for one in slicing.by_field(found.right, found.fields[field], field)
    ]
    return text_table((field, "images", "accuracy", "95 % interval"), rows)
