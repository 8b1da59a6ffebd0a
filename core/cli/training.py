"""``labelloop train`` with a flag for every field of a recipe, and ``labelloop recipes``."""

import inspect
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import documents
from core.cli.cluster import Here, Ray, Workers
from core.cli.command import DatasetName, Json, must_succeed, open_workspace, out
from core.cli.health import heed_leaks, tell_without_class
from core.cli.progress import follow
from core.cli.tables import text_table
from core.domain.errors import BadInput
from core.domain.models import MODEL_INFO, model_info, model_title
from core.domain.recipes import PRESETS, as_toml, preset, read_recipe
from core.domain.runs import FIELDS, TrainOptions

if TYPE_CHECKING:
    from core.workspace import RunView

_KINDS = {"whole": int, "number": float, "switch": bool}
_PX = model_info("timm:NAME").size  # of any network of a library
_LIBRARIES = (
    (
        "torchvision:NAME",
        "",
        _PX,
        "Any network of torchvision's that classifies, such as torchvision:efficientnet_b3.",
    ),
    ("timm:NAME", "", _PX, "Any network of timm's."),
)
ShowText = Callable[["RunView", dict[str, Any]], str]


def register(app: typer.Typer, *, show_text: ShowText) -> None:
    """Add the commands; ``show_text`` puts a finished run's figures into words."""
    app.command("train")(_train_command(show_text))
    app.command("recipes")(recipes)


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[PRESET]", help="Show this one as a recipe file.")] = None,
    as_json: Json = False,
) -> None:
    """List the recipes that come with labelloop, and the fields of a recipe."""
    if name is not None:
        one = preset(name)
        out(_preset(one), as_json, lambda: as_toml(one.options).rstrip())
        return
    document = {
        "presets": [_preset(one) for one in PRESETS],
        "models": [
            {
                "name": info.name,
                "title": info.title,
                "meaning": info.meaning,
                "image_size": info.size,
                "parameters": info.parameters,
                "weights": list(info.starts),
            }
            for info in MODEL_INFO.values()
        ],
        "fields": [{"name": field, **asdict(described)} for field, described in FIELDS.items()],
    }
    out(document, as_json, _recipes_text)


def _preset(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "meaning": one.meaning,
        "model": one.options.model,
        "network": model_title(one.options.model),
        "parameters": one.parameters,
        "source": one.source,
        "options": asdict(one.options),
    }


def _recipes_text() -> str:
    presets = [
        (one.name, model_title(one.options.model), f"{one.parameters:,}", one.options.image_size, one.meaning)
        for one in PRESETS
    ]
    models = [(info.name, f"{info.parameters:,}", info.size, info.meaning) for info in MODEL_INFO.values()]
    fields = [(name, json.dumps(one.default), _range(name), one.meaning) for name, one in FIELDS.items()]
    return "\n\n".join(
        (
            text_table(("preset", "network", "parameters", "px", ""), presets),
            text_table(("model", "parameters", "px", ""), [*models, *_LIBRARIES]),
            text_table(("field", "default", "range", ""), fields),
        )
    )


def _range(name: str) -> str:
    field = FIELDS[name]
    return " ".join(field.choices) if field.choices else f"{field.low:g} to {field.high:g}" if field.high else ""


def _train_command(show_text: ShowText) -> Callable[..., None]:
    def train(context: typer.Context, **given: Any) -> None:
        dataset, wait, as_json = given.pop("dataset"), given.pop("wait"), given.pop("as_json")
        allowed, refused = given.pop("allow_leaks"), given.pop("refuse_leaks")
        recipe, named = given.pop("recipe"), given.pop("preset")
        said = {name: given.pop(name) for name in ("ray", "workers", "here")}
        options = _options(recipe, named, {name: value for name, value in given.items() if value is not None})
        options = options.rooted(Path.cwd())
        with open_workspace(context) as workspace:
            heed_leaks(workspace, dataset, allowed=allowed, refused=refused, quiet=as_json)
            name = workspace.retrain(dataset, options, where=workspace.cluster.asked(**said))
            tell_without_class(workspace.run(name))
            if not wait:
                view = workspace.run(name)
                out(documents.run(view), as_json, lambda: f"{name} started; labelloop show {name} tells how it goes.")
                return
            view = follow(workspace, name, quiet=as_json)
            must_succeed(view)
            document = documents.show(workspace, view)
            out(document, as_json, lambda: show_text(view, document))

    train.__doc__ = "Train on a dataset as it is now, in the background. Flags change what --recipe or --preset says."
    train.__signature__ = inspect.Signature(_parameters())  # type: ignore[attr-defined]  # how Typer learns of flags
    train.__annotations__ = {one.name: one.annotation for one in _parameters()}
    return train


def _options(recipe: Path | None, named: str | None, given: dict[str, Any]) -> TrainOptions:
    if named and recipe:
        raise BadInput('Give --preset or --recipe, not both; a recipe file may hold a line preset = "balanced".')
    base = asdict(preset(named).options) if named else asdict(read_recipe(recipe)) if recipe else {}
    if "model" in given and "image_size" not in given and not base:
        given = {**given, "image_size": model_info(given["model"]).size}
    return TrainOptions.read({**base, **given})


def _parameters() -> list[inspect.Parameter]:
    file = Annotated[Path | None, typer.Option("--recipe", help="A .toml or .json file: labelloop recipes PRESET.")]
    start = Annotated[str | None, typer.Option("--preset", help=f"One of {', '.join(one.name for one in PRESETS)}.")]
    wait = Annotated[bool, typer.Option("--wait", help="Wait for the end and show the figures.")]
    allow = Annotated[bool, typer.Option("--allow-leaks", help="Say nothing where a picture lies in two splits.")]
    refuse = Annotated[
        bool, typer.Option("--refuse-leaks", help="Check first; do not train where a picture lies in two splits.")
    ]
    fields = {name: _flag(name) for name in FIELDS}
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        inspect.Parameter("dataset", keyword, annotation=DatasetName),
        inspect.Parameter("recipe", keyword, annotation=file, default=None),
        inspect.Parameter("preset", keyword, annotation=start, default=None),
        *(inspect.Parameter(name, keyword, annotation=kind, default=None) for name, kind in fields.items()),
        inspect.Parameter("workers", keyword, annotation=Workers, default=None),
        inspect.Parameter("ray", keyword, annotation=Ray, default=None),
        inspect.Parameter("here", keyword, annotation=Here, default=False),
        inspect.Parameter("allow_leaks", keyword, annotation=allow, default=False),
        inspect.Parameter("refuse_leaks", keyword, annotation=refuse, default=False),
        inspect.Parameter("wait", keyword, annotation=wait, default=False),
        inspect.Parameter("as_json", keyword, annotation=Json, default=False),
    ]


def _flag(name: str) -> Any:
    field = FIELDS[name]
    words = f"{field.meaning} {f'[{_range(name)}; ' if _range(name) else '['}default: {json.dumps(field.default)}]"
    return Annotated[_KINDS.get(field.kind, str) | None, typer.Option(help=words)]
