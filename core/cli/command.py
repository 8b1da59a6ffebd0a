"""What every command shares: opening the workspace, one JSON document or text, the options that come again."""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.domain.errors import BadInput
from core.domain.samples import LABELS, SPLITS

if TYPE_CHECKING:
    from core.domain.samples import Labels, Split
    from core.snapshots.export import Form
    from core.workspace import RunView, Workspace

W = TypeVar("W", bound=str)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output and nothing else there.")]
DatasetName = Annotated[str, typer.Option("--dataset", "-d", help="The dataset's name.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help='A run\'s name, such as "run-7", or its number.')]
SplitName = Annotated[str, typer.Option("--split", help="train, val or test.")]
JudgedBy = Annotated[
    str, typer.Option("--labels", help='Judge under the labels of "now", as the pages do, or those of the "run".')
]

FormName = Annotated[str, typer.Option("--as", help="folders, zip or csv.")]

FORMS: tuple["Form", ...] = ("folders", "zip", "csv")
GLOBAL = ("--workspace", "-w", "--user", "--public-address", "--user-header")


def globals_first(arguments: Sequence[str]) -> list[str]:
    """``arguments`` with the options of labelloop itself before the command, wherever they were written."""
    moved: list[str] = []
    kept: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one == "--":  # what follows are no options
            kept += [one, *rest]
        elif one in GLOBAL:
            value = list(islice(rest, 1))
            if not value:
                return [one]  # what is missing is then told, and no command taken for the value
            moved += [one, *value]
        elif "=" in one and one.partition("=")[0] in GLOBAL:
            moved.append(one)
        else:
            kept.append(one)
    return moved + kept


def open_workspace(context: typer.Context) -> "Workspace":
    """The workspace that ``--workspace`` names."""
    from core.workspace import Workspace  # `up` and `doctor` are to start at once: the workspace brings pandas along

    folder, user = context.obj
    return Workspace.open(folder, user=user)


def out(document: dict[str, Any], as_json: bool, text: Callable[[], str]) -> None:
    """Write the document, or the text for people."""
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else text())


def checked_split(name: str) -> "Split":
    """The split of that name.

    Raises:
        BadInput: there is none.
    """
    return _one_of(SPLITS, name, f"There is no split {name!r}; choose train, val or test.")


def checked_form(name: str) -> "Form":
    """The form of an export.

    Raises:
        BadInput: there is none of that name.
    """
    return _one_of(FORMS, name, f"There is no form {name!r}; choose folders, zip or csv.")


def checked_labels(name: str) -> "Labels":
    """Which labels judge.

    Raises:
        BadInput: no such word.
    """
    return _one_of(LABELS, name, f"There are no labels {name!r} to judge by; choose now or run.")


def must_succeed(view: "RunView") -> None:
    """Refuse a run or job that ended in another way.

    Raises:
        BadInput: it did; the sentence says how.
    """
    if view.state == "cancelled":
        raise BadInput(f"{view.name} was cancelled.")
    if view.state != "succeeded":
        raise BadInput(view.error or f"{view.name} ended as {view.state}.")


def seconds(value: float | None) -> str:
    """A duration for a table's cell."""
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"


def _one_of(choices: Sequence[W], name: str, refusal: str) -> W:
    """The one of ``choices`` that is called so."""
    for one in choices:
        if one == name:
            return one
    raise BadInput(refusal)
