"""``tracking``, ``mirror`` and ``alerts``: MLflow, Comet, TensorBoard, and who is told when something is wrong."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.command import Json, RunName, open_workspace, out
from core.cli.tables import text_table
from core.domain.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (tracking, mirror, alerts):
        app.command()(command)


def tracking(
    context: typer.Context,
    mlflow: Annotated[str | None, typer.Option(help='A tracking URI, such as sqlite:///mlflow.db; "" is off.')] = None,
    comet: Annotated[str | None, typer.Option(help='A folder for offline experiments, or "online"; "" is off.')] = None,
    tensorboard: Annotated[str | None, typer.Option(help='A folder for event files; "" is off.')] = None,
    accuracy_below: Annotated[float | None, typer.Option(help="Alert under this share of test (else val).")] = None,
    loss_rising: Annotated[int | None, typer.Option(help="Alert when the loss rises so many epochs in a row.")] = None,
    run_failed: Annotated[bool | None, typer.Option(help="Alert when a run fails.")] = None,
    webhook: Annotated[str | None, typer.Option(help="An address that alerts are posted to, as JSON.")] = None,
    command: Annotated[str | None, typer.Option(help="A program that gets alerts: JSON on its input.")] = None,
    desktop: Annotated[bool | None, typer.Option(help="A notice of the desktop when a network has ended.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change where runs are mirrored and when somebody is told."""
    given = {
        "mlflow": mlflow,
        "comet": comet,
        "tensorboard": tensorboard,
        "accuracy_below": accuracy_below,
        "loss_rising": loss_rising,
        "run_failed": run_failed,
        "webhook": webhook,
        "command": command,
        "desktop": desktop,
    }
    with open_workspace(context) as workspace:
        changes = asked_from(Path.cwd(), {name: value for name, value in given.items() if value is not None})
        found = workspace.tracking.change(**changes) if changes else workspace.tracking.settings()
        document = asdict(found)
        rows = [(name.replace("_", " "), str(value or "off")) for name, value in document.items()]
        out(document, as_json, lambda: text_table(("", "setting"), rows))


def asked_from(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, with files and folders named from where the person is."""
    from core.tracking.settings import Settings, rooted

    whole = asdict(rooted(Settings(**given), folder))
    return {name: whole[name] for name in given}


def mirror(context: typer.Context, run: RunName, as_json: Json = False) -> None:
    """Write a run that has ended to the mirrors that are on, as it happens by itself at the end of each."""
    with open_workspace(context) as workspace:
        said = workspace.tracking.mirror(run)
        failed = [f"{name} {words}" for name, words in said.items() if words.startswith("failed")]
        if failed:
            raise BadInput("; ".join(failed))
        out({"run": run, "mirrors": said}, as_json, lambda: "\n".join(f"{name}: {w}" for name, w in said.items()))


def alerts(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Of this dataset only.")] = None,
    as_json: Json = False,
) -> None:
    """List the alerts, newest first."""
    with open_workspace(context) as workspace:
        found = workspace.tracking.alerts(dataset)
        rows = [(alert.run, alert.dataset, alert.rule, alert.sentence) for alert in found]
        document = {"alerts": [asdict(alert) for alert in found]}
        out(document, as_json, lambda: text_table(("run", "dataset", "rule", ""), rows) if rows else "No alerts.")
