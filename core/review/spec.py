"""What a queue holds, in words: its kind, run, split and so on, small enough for a page's address."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Self, get_args

from core.domain.errors import BadInput

QueueKind = Literal[
    "merged",
    "all",
    "unlabelled",
    "class",
    "misclassified",
    "cell",
    "fixed",
    "broken",
    "suspicious",
    "disagreement",
    "low-confidence",
    "audit",
    "finding",
    "duplicates",
    "samples",
    "picked",
    "unsure",
    "excluded",
]
KINDS: tuple[QueueKind, ...] = get_args(QueueKind)
NEEDS_RUN = frozenset({"misclassified", "cell", "fixed", "broken", "suspicious", "disagreement", "low-confidence"})
NAMES_RUN = frozenset({"misclassified", "cell", "fixed", "broken"})  # of the others, the newest run is meant
REMEMBERING = frozenset(
    {"merged", "unlabelled", "misclassified", "suspicious", "disagreement", "low-confidence", "audit", "finding"}
)
"""Kinds that ask something: what was answered does not come back. The others show what there is; a cell of the matrix
shows last what was answered, so that it holds as many images as the matrix says.
"""
FINDING_TITLES = {
    "suspicious": "Labels that may be wrong",
    "prompt-mismatch": "Prompt against picture",
    "label-conflict": "One picture, two labels",
    "exact-duplicate": "Exact copies",
    "near-duplicate": "Near duplicates",
    "leak": "Leaks between splits",
    "blurred": "Blurred",
    "dark": "Very dark",
    "bright": "Very bright",
    "flat": "Nearly empty",
    "tiny": "Very small",
    "odd-shape": "Odd shapes",
    "outlier": "Unlike all others",
    "missing-file": "Files that are gone",
}


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """What a queue holds, in a form that fits into a page's address.

    ``run`` is the (newer) run; ``other`` the older one of "fixed", "broken" and "disagreement". ``labels`` says whether
    a run's errors are counted against the labels "now" or as they were in the "run". ``label`` is the class of kind
    "class"; ``ids`` the samples of kind "samples". ``finding`` is the kind of finding that a queue of kind "finding"
    lists; ``picked`` names the set of samples of kind "picked" (core.runs.picked) and ``called`` says what they are.
    """

    kind: QueueKind = "all"
    run: str | None = None
    split: str | None = None
    true: str | None = None
    pred: str | None = None
    other: str | None = None
    labels: str = "now"
    label: str | None = None
    ids: str | None = None
    finding: str | None = None
    picked: str | None = None
    called: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"There is no queue of the kind {self.kind!r}; choose one of {', '.join(KINDS)}.")
        if self.kind in NAMES_RUN and not self.run:
            raise BadInput(f"A queue of the kind {self.kind!r} needs a run.")
        if self.kind == "finding" and not self.finding:
            raise BadInput('A queue of the kind "finding" needs the kind of finding, such as "near-duplicate".')
        if self.kind == "picked" and not self.picked:
            raise BadInput("A queue of picked images needs the name of their set.")

    @property
    def source(self) -> str:
        """What asks the question in this queue, as hit rates and the memory name it."""
        return (self.finding or "") if self.kind == "finding" else self.kind

    def title(self) -> str:
        """The queue's name for a person."""
        where = f", {self.split}" if self.split else ""
        runs = f" by {self.run} and {self.other}" if self.run and self.other else ""
        titles: dict[QueueKind, str] = {
            "merged": f"Worth a look{where}",
            "all": f"All images{where}",
            "unlabelled": f"Unlabelled{where}",
            "class": f"Labelled {self.label}{where}",
            "misclassified": f"Wrong in {self.run}{where}",
            "cell": f"{self.true} taken for {self.pred} in {self.run}{where}"
            if self.true != self.pred
            else f"{self.true} got right in {self.run}{where}",
            "fixed": f"Fixed from {self.other} to {self.run}{where}",
            "broken": f"Broken from {self.other} to {self.run}{where}",
            "suspicious": f"Labels that may be wrong{where}",
            "disagreement": f"Seen differently{runs or ' by two runs'}{where}",
            "low-confidence": f"Hard for the model{where}",
            "audit": f"Random audit{where}",
            "finding": f"{FINDING_TITLES.get(self.finding or '', (self.finding or '').capitalize())}{where}",
            "duplicates": f"Exact duplicates{where}",
            "samples": f"Chosen images{where}",
            "picked": f"{self.called or 'Chosen images'}{where}",
            "unsure": f"Not sure{where}",
            "excluded": f"Excluded{where}",
        }
        return titles[self.kind]

    def to_params(self) -> dict[str, str]:
        """As query parameters; what has its default is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        named = {("queue" if name == "kind" else name): value for name, value in values.items()}
        return {name: value for name, value in named.items() if value and (name, value) != ("labels", "now")}

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Self:
        """From query parameters; others are ignored.

        Raises:
            BadInput: no such kind of queue, or one without its run.
        """
        names = {field.name for field in fields(cls)} - {"kind"}
        given = {name: params[name] for name in names if params.get(name)}
        return cls(kind=params.get("queue", "all"), **given)  # type: ignore[arg-type]
