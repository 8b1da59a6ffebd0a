"""The space of a search: which fields of a recipe vary, over what, and which are fixed.

As a document: ``{"learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}, "mixup": [0, 0.2], "epochs": 5}``.
A range, a list of choices, or one value that stays. A range takes ``step`` where only every so-manieth value counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from core.domain.errors import BadInput
from core.domain.fields import Field
from core.domain.runs import FIELDS, TrainOptions, rooted_weights

MOST_POINTS = 10_000
_PARTS = {"low", "high", "log", "step"}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One field that varies: between ``low`` and ``high`` (both included), or over ``choices``."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

    def points(self) -> list[Any]:
        """The values that a grid tries.

        Raises:
            BadInput: a range without steps has no such values.
        """
        if self.choices:
            return list(self.choices)
        step = self.step or (1.0 if self.whole and not self.log else None)
        if step is None:
            raise BadInput(f'A grid needs a list of values or a "step" for {self.name}.')
        count = int((self.high - self.low) / step + 1e-9) + 1
        values = [self.low + step * number for number in range(count)]
        return [round(value) for value in values] if self.whole else values


@dataclass(frozen=True, slots=True)
class Space:
    """What varies and what stays."""

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Any]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that its recipes may have."""
        varied = next((one.choices for one in self.dimensions if one.name == "model"), ())
        return tuple(varied) or (str(self.fixed.get("model", TrainOptions().model)),)

    def options(self, params: Mapping[str, Any]) -> TrainOptions:
        """The recipe of one trial.

        Raises:
            BadInput: these values do not go together.
        """
        return TrainOptions.read({**self.fixed, **params})

    def example(self) -> TrainOptions:
        """One of its recipes: at the first of its corners that is one.

        Raises:
            BadInput: no corner is.
        """
        ends = [list(d.choices) if d.choices else [d.low, d.high] for d in self.dimensions]
        refused: BadInput | None = None
        for _, values in zip(range(512), product(*ends), strict=False):
            try:
                return self.options(dict(zip((d.name for d in self.dimensions), values, strict=True)))
            except BadInput as error:
                refused = refused or error
        raise refused or BadInput("Nothing varies in this space: give one field a range or a list of values.")

    def size(self) -> int:
        """How many points a grid has.

        Raises:
            BadInput: a range without steps, or more than anybody can try.
        """
        count = 1
        for dimension in self.dimensions:
            count *= len(dimension.points())
        if count > MOST_POINTS:
            raise BadInput(f"That grid has {count:,} points; make it {MOST_POINTS:,} at most, or let TPE choose.")
        return count


def read_space(document: Any) -> Space:
    """A space out of its document.

    Raises:
        BadInput: an unknown field, a value out of range, nothing that varies, values that do not go together.
    """
    if not isinstance(document, Mapping) or not document:
        raise BadInput("The space must name fields of the recipe, each with a range, a list or a value.")
    dimensions, fixed = [], {}
    for name, said in document.items():
        if name not in FIELDS:
            raise BadInput(f"There is no field {name!r} in a recipe; labelloop recipes lists them all.")
        if isinstance(said, Mapping):
            dimensions.append(_range(name, FIELDS[name], said))
        elif isinstance(said, list):
            dimensions.append(_choices(name, FIELDS[name], said))
        else:
            fixed[name] = FIELDS[name].checked(said)
    if not dimensions:
        raise BadInput("Nothing varies in this space: give one field a range or a list of values.")
    space = Space(tuple(dimensions), fixed)
    space.example()  # else every trial would fail for the same reason
    return space


def read_file(path: Path) -> dict[str, Any]:
    """The document in a JSON or YAML file.

    Raises:
        BadInput: no such file, or it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error}.") from error
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            import yaml

            found = yaml.safe_load(text)
        else:
            found = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{str(path)!r} is no JSON: {error}.") from error
    except Exception as error:  # PyYAML's errors share no base with others
        raise BadInput(f"{str(path)!r} is no YAML: {error}.") from error
    if not isinstance(found, dict):
        raise BadInput(f"{str(path)!r} must hold fields with their ranges.")
    return found


def rooted(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A space's document with files of weights named from ``folder``, as :meth:`TrainOptions.rooted` does."""

    def one(value: Any) -> Any:
        return rooted_weights(value, folder) if isinstance(value, str) else value

    said = document.get("weights")
    if said is None:
        return dict(document)
    return {**document, "weights": [one(value) for value in said] if isinstance(said, list) else one(said)}


def _range(name: str, described: Field, said: Mapping[str, Any]) -> Dimension:
    if described.kind not in ("whole", "number"):
        raise BadInput(f"{name} takes no range; give a list of values.")
    if not {"low", "high"} <= set(said) <= _PARTS:
        raise BadInput(f"The range of {name} needs low and high, and may have log and step.")
    low, high = described.checked(said["low"]), described.checked(said["high"])
    log = bool(said.get("log", described.log and low > 0 and "step" not in said))
    step = said.get("step")
    if not low < high:
        raise BadInput(f"The range of {name} must rise: {low} to {high} does not.")
    if log and (low <= 0 or step is not None):
        raise BadInput(f"A logarithmic range ({name}) must begin above 0 and takes no step.")
    if step is not None and not (isinstance(step, int | float) and step > 0):
        raise BadInput(f"The step of {name} must be above 0.")
    return Dimension(name, low=low, high=high, log=log, step=step, whole=described.kind == "whole")


def _choices(name: str, described: Field, said: list[Any]) -> Dimension:
    values = tuple(dict.fromkeys(described.checked(value) for value in said))
    if not values:
        raise BadInput(f"The list of {name} is empty.")
    return Dimension(name, choices=values)
