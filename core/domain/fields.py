"""What a field of a recipe may hold: its kind, range and choices, and the words that a form says of it.

One description serves the recipe's own check, the command line's flags, the page's form and the search space.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from core.domain.errors import BadInput

Kind = Literal["whole", "number", "choice", "switch", "text"]
_YES, _NO = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``low`` and ``high`` bound "whole" and "number"; ``log``: its sensible steps are factors."""

    kind: Kind
    label: str
    meaning: str
    group: str
    default: Any
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    log: bool = False

    def checked(self, value: Any) -> Any:
        """``value`` in the field's own type; text is read as the command line and files write it.

        Raises:
            BadInput: it is of another kind, or out of range.
        """
        if self.kind == "text":
            return self._text(value)
        if self.kind == "choice":
            if value not in self.choices:
                raise BadInput(f"{self.label} must be one of {', '.join(self.choices)}, not {value!r}.")
            return value
        return self._switch(value) if self.kind == "switch" else self._number(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > 4096 or "\0" in value:
            raise BadInput(f"{self.label} must be text, not {value!r}.")
        return value.strip()

    def _switch(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word not in _YES | _NO:
            raise BadInput(f"{self.label} must be yes or no, not {value!r}.")
        return word in _YES

    def _number(self, value: Any) -> float | int:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = float(value)
        except (TypeError, ValueError):
            raise BadInput(f"{self.label} must be a number, not {value!r}.") from None
        if not self.low <= number <= self.high:  # also when it is no number at all
            raise BadInput(f"{self.label} must lie between {self.low:g} and {self.high:g}, not {value}.")
        if self.kind == "number":
            return number
        if not math.isclose(number, round(number)):
            raise BadInput(f"{self.label} must be a whole number, not {value}.")
        return round(number)


def whole(default: int, low: int, high: int, label: str, meaning: str, *, group: str, log: bool = False) -> Any:
    """A dataclass field that holds a whole number."""
    return _described(Field("whole", label, meaning, group, default, low, high, log=log))


def number(default: float, low: float, high: float, label: str, meaning: str, *, group: str, log: bool = False) -> Any:
    """A dataclass field that holds a number."""
    return _described(Field("number", label, meaning, group, default, low, high, log=log))


def choice(default: str, choices: tuple[str, ...], label: str, meaning: str, *, group: str) -> Any:
    """A dataclass field that holds one of some words."""
    return _described(Field("choice", label, meaning, group, default, choices=choices))


def switch(default: bool, label: str, meaning: str, *, group: str) -> Any:
    """A dataclass field that is on or off."""
    return _described(Field("switch", label, meaning, group, default))


def text(default: str, label: str, meaning: str, *, group: str) -> Any:
    """A dataclass field that holds text."""
    return _described(Field("text", label, meaning, group, default))


def _described(described: Field) -> Any:
    return field(default=described.default, metadata={"field": described})
