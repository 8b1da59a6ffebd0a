"""Every command. A person's mistake ends with one sentence on standard error and exit status 2."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import (
    analysis,
    cluster,
    command,
    control,
    documents,
    history,
    importing,
    relabelling,
    relinking,
    review,
    samples,
    search,
    tracking,
    training,
    watching,
)
from core.cli.command import (
    DatasetName,
    Json,
    JudgedBy,
    RunName,
    SplitName,
    checked_labels,
    checked_split,
    must_succeed,
    open_workspace,
    out,
)
from core.cli.health import register as register_health
from core.cli.keeping import register as register_keeping
from core.cli.outlook import register as register_outlook
from core.cli.progress import follow
from core.cli.tables import text_table, write_csv
from core.domain.decisions import USER, USER_HEADER
from core.domain.errors import BadInput, LabelloopError
from core.domain.runs import TrainOptions
from core.services.public_address import ADDRESS
from core.services.public_address import parse as parse_addresses

if TYPE_CHECKING:  # `up` and `doctor` are to start at once: the workspace brings pandas along
    from core.runs.layout import WorkspacePaths
    from core.workspace import RunView

# Typer brings a Click of its own from 0.27 on and does not export these two; they are BadParameter's parents.
UsageError: type[Any] = typer.BadParameter.__mro__[1]
ClickError: type[Any] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Turn a folder of images into a classifier you can trust. Without a command: start the dashboard.",
)

Port = Annotated[int | None, typer.Option(help="The dashboard's port; by default 8501, or the next that is free.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")]

importing.register(app)
analysis.register(app)
watching.register(app)
relinking.register(app)


def main() -> None:
    """The ``labelloop`` script."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        code = app(args=command.globals_first(sys.argv[1:]), standalone_mode=False)
    except LabelloopError as error:
        _fail(str(error))
    except UsageError as error:
        called = error.ctx.command_path if error.ctx else "labelloop"
        _fail(f"{error.format_message().rstrip('.')}; see {called} --help.")
    except ClickError as error:
        _fail(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # `labelloop runs | head`
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace", "-w", envvar="LABELLOOP_WORKSPACE", help="The folder that holds database, runs and caches."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Your name in the journal; by default that of your login.")] = None,
    no_browser: NoBrowser = False,
    port: Port = None,
    public_address: Annotated[
        str | None,
        typer.Option(
            envvar=ADDRESS,
            help="The address under which a reverse proxy shows labelloop, such as https://labels.example.org; "
            "several with commas.",
        ),
    ] = None,
    user_header: Annotated[
        str | None,
        typer.Option(
            envvar=USER_HEADER, help="The header in which the proxy names the person, such as X-Forwarded-User."
        ),
    ] = None,
) -> None:
    """Turn a folder of images into a classifier you can trust. Without a command: start the dashboard."""
    context.obj = (workspace, user)
    if user:
        os.environ[USER] = user  # for the processes that this one starts
    if public_address:
        parse_addresses(public_address)
        os.environ[ADDRESS] = public_address
    if user_header:
        os.environ[USER_HEADER] = user_header
    if context.invoked_subcommand is None:
        raise typer.Exit(_up(context, port=port, no_browser=no_browser))


@app.command()
def up(context: typer.Context, port: Port = None, no_browser: NoBrowser = False) -> None:
    """Start the dashboard, the FiftyOne App and the database, and print the address. Ctrl-C stops them all."""
    raise typer.Exit(_up(context, port=port, no_browser=no_browser))


@app.command()
def show(context: typer.Context, run: RunName, labels: JudgedBy = "now", as_json: Json = False) -> None:
    """Show a run: its state and, per split, accuracy, macro F1, per-class figures and the confusion matrix."""
    judge = checked_labels(labels)
    with open_workspace(context) as workspace:
        view = workspace.run(run)
        document = documents.show(workspace, view, labels=judge)
    out(document, as_json, lambda: _show_text(view, document))


@app.command()
def predictions(
    context: typer.Context,
    run: RunName,
    csv: Annotated[Path, typer.Option("--csv", help="The file to write.")],
    as_json: Json = False,
) -> None:
    """Write every sample's label, prediction and probabilities in a run as CSV."""
    with open_workspace(context) as workspace:
        frozen = workspace.history.snapshot(run).samples
        found = workspace.predictions(run).ordered(frozen["sample_id"])
        filepaths = dict(zip(frozen["sample_id"], frozen["filepath"], strict=True))
        headers = ("sample_id", "filepath", "split", "label", "predicted", "confidence", *found.classes)
        columns = (found.sample_id, found.split, found.label, found.predicted, found.confidence, found.probabilities)
        rows = (
            (
                sample_id,
                filepaths.get(sample_id, ""),
                split,
                label or "",
                name,
                f"{top:.6f}",
                *(f"{p:.6f}" for p in each),
            )
            for sample_id, split, label, name, top, each in zip(*columns, strict=True)
        )
        if csv.is_dir() or not csv.absolute().parent.is_dir():
            raise BadInput(f"{str(csv)!r} cannot be written; name a file in a folder that exists.")
        write_csv(csv, headers, rows)
        name = workspace.run(run).name
        document = {"run": name, "csv": str(csv), "samples": len(found)}
        out(document, as_json, lambda: f"{len(found):,} predictions of {name} written to {csv}")


@app.command()
def predict(
    context: typer.Context,
    run: RunName,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Image files, or folders of them.")],
    by_cost: Annotated[
        bool,
        typer.Option("--by-cost", help="Answer with the class whose expected cost is least, as kept on Thresholds."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Classify images with a finished run."""
    files = [file for path in paths for file in _image_files(path)]
    with open_workspace(context) as workspace:
        results = workspace.predict(run, files, by_cost=by_cost)
    listed = [
        {
            "path": str(file),
            "predicted": result.predicted if not result.error else None,
            "confidence": float(result.confidence) if not result.error else None,
            "probabilities": {name: float(p) for name, p in zip(result.classes, result.probabilities, strict=True)}
            if not result.error
            else {},
            "unsure": result.unsure,
            "error": result.error,
        }
        for file, result in zip(files, results, strict=True)
    ]
    answers = [f"not sure ({r['predicted']})" if r["unsure"] else r["predicted"] or r["error"] for r in listed]
    rows = [(r["path"], answer, r["confidence"]) for r, answer in zip(listed, answers, strict=True)]
    document = {"run": run, "by_cost": by_cost, "predictions": listed}
    out(document, as_json, lambda: text_table(("image", "predicted", "confidence"), rows))


@app.command()
def relabel(
    context: typer.Context,
    dataset: DatasetName,
    to: Annotated[str | None, typer.Option("--to", help="The class that the samples get.")] = None,
    sample: Annotated[list[str] | None, typer.Option("--sample", help="A sample's id; may come many times.")] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="More sample ids.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV with the columns filepath,label.")] = None,
    as_json: Json = False,
) -> None:
    """Relabel samples by id, or many by a CSV file. All or nothing is checked before anything is written."""
    with open_workspace(context) as workspace:
        ids = [*(sample or []), *(more or [])]
        results = relabelling.relabel(workspace, dataset, to=to, ids=ids, file=file)
        document = documents.outcomes(results)
        refused = [result for result in results if not result.saved]
        sentence = f"{document['saved']} relabelled" + (
            f", {len(refused)} refused: {refused[0].reason}" if refused else "."
        )
        out(document, as_json, lambda: sentence)


@app.command()
def compare(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="RUN", help="The earlier run.")],
    new: Annotated[str, typer.Argument(metavar="RUN", help="The later run.")],
    split: SplitName = "test",
    labels: JudgedBy = "now",
    as_json: Json = False,
) -> None:
    """Compare two runs on the same samples under the same labels: what was fixed, what broke."""
    where, judge = checked_split(split), checked_labels(labels)
    with open_workspace(context) as workspace:
        result = workspace.compare(old, new, split=where, labels=judge)
    words = "labels of now" if judge == "now" else f"labels of {result.new}"
    accuracies = f"{result.old} {result.old_accuracy:.1%} -> {result.new} {result.new_accuracy:.1%}"
    out(documents.comparison(result), as_json, lambda: f"{accuracies} under the {words}\n{result.note}")


@app.command()
def cancel(context: typer.Context, run: RunName, as_json: Json = False) -> None:
    """Stop a run or job."""
    with open_workspace(context) as workspace:
        was = workspace.run(run)
        workspace.cancel(run)
        view = workspace.wait(run, timeout=60)
        text = f"{view.name} is {view.state}." if was.active else f"{view.name} had ended already: {view.state}."
        out(documents.run(view), as_json, lambda: text)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from core.services.doctor import examine

    checks = examine(_root(context))
    marks = {True: "ok", False: "MISSING", None: "note"}
    lines = [f"{marks[c.ok]:8}{c.name}: {c.detail}" + (f"\n{'':8}-> {c.remedy}" if c.remedy else "") for c in checks]
    listed = [{"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": c.remedy} for c in checks]
    good = all(check.ok is not False for check in checks)
    out({"ok": good, "checks": listed}, as_json, lambda: "\n".join(lines))
    raise typer.Exit(0 if good else 1)


@app.command()
def demo(
    context: typer.Context,
    port: Port = None,
    no_browser: NoBrowser = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="Prepare the demonstration only.")] = False,
    as_json: Json = False,
) -> None:
    """Import the demonstration dataset, train a first model on it, and start the dashboard."""
    from core.demo.dataset import NAME, unpack

    with open_workspace(context) as workspace:
        if NAME not in workspace.names():
            folder = unpack(workspace.paths.root / "demo-images")
            must_succeed(follow(workspace, workspace.start_import(folder, NAME), quiet=as_json))
        if not any(view.state == "succeeded" for view in workspace.runs(NAME)):
            must_succeed(follow(workspace, workspace.start_embedding(NAME), quiet=as_json))
            must_succeed(follow(workspace, workspace.retrain(NAME, TrainOptions()), quiet=as_json))
        newest = workspace.runs(NAME)[0]
        ready = f"The dataset {NAME!r} is ready, {newest.name} is its newest model."
        out({"dataset": NAME, "run": newest.name}, as_json, lambda: ready)
    if not no_start and not as_json:
        raise typer.Exit(_up(context, port=port, no_browser=no_browser))


def _up(context: typer.Context, *, port: int | None, no_browser: bool) -> int:
    from core.services.stack import run_stack

    before = context.parent.params if context.parent is not None else {}  # `labelloop --port 8600 up` is as good
    port = before.get("port") if port is None else port
    browser = not (no_browser or before.get("no_browser"))
    return run_stack(_root(context), port=port, open_browser=browser, announce=_say)


def _root(context: typer.Context) -> "WorkspacePaths":
    from core.runs.layout import WorkspacePaths
    from core.runs.location import locate

    return WorkspacePaths(locate(context.obj[0]))


def _say(sentence: str) -> None:
    typer.echo(sentence)


def _fail(sentence: str) -> None:
    typer.echo(" ".join(sentence.split("\n")), err=True)
    sys.exit(2)


def _image_files(path: Path) -> list[Path]:
    from core.images.reading import EXTENSIONS

    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())
        if not found:
            raise BadInput(f"There are no images in {str(path)!r}.")
        return found
    if not path.exists():
        raise BadInput(f"There is no file {str(path)!r}.")
    return [path]


def _show_text(view: "RunView", document: dict[str, Any]) -> str:
    lines = [f"{view.name}: {view.title} on {view.dataset}, {view.state}" + (f": {view.error}" if view.error else "")]
    if document["splits"]:
        lines.append(f"Under the labels {'of now' if document['labels'] == 'now' else 'that it was trained with'}:")
    for split, figures in document["splits"].items():
        low, high = figures["accuracy_interval"]
        lines.append(
            f"\n{split}: {figures['correct']} of {figures['samples']} right ({figures['accuracy']:.1%}, "
            f"95 % interval {low:.1%} to {high:.1%}), macro F1 {figures['macro_f1']:.3f}"
        )
    last = document["splits"].get("test") or document["splits"].get("val")
    if last:
        classes, matrix = last["confusion"]["classes"], last["confusion"]["matrix"]
        rows = [(f["class"], f["precision"], f["recall"], f["f1"], f["support"]) for f in last["per_class"]]
        lines += ["", text_table(("class", "precision", "recall", "F1", "support"), rows)]
        lines += [
            "",
            text_table(("label \\ predicted", *classes), [(n, *r) for n, r in zip(classes, matrix, strict=True)]),
        ]
    return "\n".join(lines)


history.register(app)
register_keeping(app)
register_health(app)
register_outlook(app)
training.register(app, show_text=_show_text)
review.register(app)
control.register(app)
search.register(app)
samples.register(app)
tracking.register(app)
cluster.register(app)
