"""How a source is read: what a person may choose in the preview, and the words for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from core.domain.errors import BadInput
from core.domain.samples import Split

Layout = Literal[
    "class folders", "split folders", "nested folders", "flat folder", "file names", "table", "FiftyOne dataset"
]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A person's choice; None everywhere means: as recognised.

    ``class_level`` counts folders below the source (1: the first below it, -1: the innermost). ``table``,
    ``path_column`` and ``label_column`` name a table and its columns; for a FiftyOne dataset ``label_column`` is the
    field that holds the label. ``folders`` passes over tables and descriptions: the folders say what the images are.
    """

    layout: Layout | None = None
    class_level: int | None = None
    table: str | None = None
    path_column: str | None = None
    label_column: str | None = None
    folders: bool = False

    def as_json(self) -> dict[str, Any]:
        """What was chosen, for a job's spec."""
        return {key: value for key, value in asdict(self).items() if value not in (None, False)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Reading":
        """The reading that :meth:`as_json` wrote."""
        return cls(**(value or {}))

    @property
    def chosen(self) -> bool:
        """Whether anything was chosen."""
        return self != PLAIN


PLAIN = Reading()  # as recognised


def layout_named(text: str) -> Layout | None:
    """The layout that a command line names: "class-folders", "flat", "auto" (None).

    Raises:
        BadInput: there is none of that name.
    """
    wanted = text.strip().lower().replace("-", " ").replace("_", " ")
    if wanted in ("", "auto"):
        return None
    for layout in LAYOUTS:
        if wanted in (layout.lower(), layout.split()[0].lower()):
            return layout
    names = ", ".join(layout.lower().replace(" ", "-") for layout in LAYOUTS)
    raise BadInput(f"There is no layout {text!r}; choose one of: auto, {names}.")
