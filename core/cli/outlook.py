"""``labelloop progress``: how far the work on a dataset is, and what more of it is likely to bring."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from core.cli.command import DatasetName, Json, open_workspace, out
from core.cli.tables import text_table

if TYPE_CHECKING:
    from core.suspicion.learning import Gain
    from core.workspace.suspicion import Outlook


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(progress)


def progress(context: typer.Context, dataset: DatasetName, as_json: Json = False) -> None:
    """Say how much is decided, how many wrong labels are left, and whether more images or corrections would help."""
    with open_workspace(context) as workspace:
        found = workspace.suspicion.outlook(dataset)
    out(_document(dataset, found), as_json, lambda: _text(dataset, found))


def _document(dataset: str, found: "Outlook") -> dict[str, Any]:
    document = {"dataset": dataset, **asdict(found), "done": found.done}
    document["pace"] = {**document["pace"], "per_hour": found.pace.per_hour}
    return document


def _text(dataset: str, found: "Outlook") -> str:
    lines = [f"{dataset}: {found.decided} of {found.total} decided, {found.total - found.labelled} without a label."]
    if found.pace.per_hour is not None:
        lines.append(f"{found.pace.per_hour:.0f} images an hour.")
    if found.errors is None or found.next_hits is None:
        return "\n".join([*lines, "How many labels are wrong is known after the first run: labelloop train."])
    lines.append(
        f"About {found.errors.expected:.0f} wrong labels left ({found.errors.low} to {found.errors.high}); "
        f"of the next {found.next} suspicious ones about {found.next_hits.expected:.0f} are wrong."
    )
    if found.corrections is not None:
        lines.append(f"Correcting those: {_points(found.corrections)} points of accuracy.")
    rows = [
        (
            one.name,
            str(one.images),
            f"{one.errors.expected:.0f} ({one.errors.low} to {one.errors.high})",
            _points(one.more) if one.more else "",
            _points(one.corrected) if one.corrected else "",
        )
        for one in found.classes
    ]
    by = f"points by {found.more} more images", f"by the next {found.next} corrections"
    lines.append(text_table(("class", "images in train", "wrong labels", *by), rows))
    if found.done is not None:
        lines.append("Done: nothing here promises half a point." if found.done else "Not done: more work would pay.")
    return "\n".join(lines)


def _points(gain: "Gain") -> str:
    return f"{100 * gain.expected:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
