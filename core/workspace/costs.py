"""What errors cost, kept with a dataset: to take a label for another class is not always equally bad."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadInput
from core.evaluation.thresholds import equal_costs
from core.review.classes import in_words_of_now
from core.runs.atomic import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from core.workspace.facade import Workspace

Matrix = npt.NDArray[np.float64]


class Costs:
    """Costs of errors, a matrix a dataset: rows are labels, columns what they are taken for."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def of(self, dataset: str, classes: Sequence[str]) -> Matrix | None:
        """The costs in the order of ``classes``, which may be a run's of before a renaming; 1 between classes that were
        not there when they were kept; ``None`` where none are kept.

        Raises:
            NotFound: no such dataset.
        """
        kept = read_json(self._file(dataset))
        if not isinstance(kept, dict):
            return None
        words = self._workspace.review.words(dataset)
        then, now = (in_words_of_now(names, *words).tolist() for names in (kept["classes"], classes))
        # of classes that were merged since, the one that has its name still speaks for all
        place = {name: at for names in (then, kept["classes"]) for at, name in enumerate(names)}
        known = [at for at, name in enumerate(now) if name in place]
        theirs = [place[now[at]] for at in known]
        said = np.array(kept["costs"], dtype=np.float64)
        np.fill_diagonal(said, 0.0)
        costs = equal_costs(len(classes))
        costs[np.ix_(known, known)] = said[np.ix_(theirs, theirs)]
        return costs

    def keep(self, dataset: str, classes: Sequence[str], costs: Matrix) -> None:
        """Keep them with the dataset.

        Raises:
            BadInput: a cost that is none.
            NotFound: no such dataset.
        """
        check(classes, costs)
        path = self._file(dataset)
        path.parent.mkdir(exist_ok=True)
        write_json(path, {"classes": list(classes), "costs": costs.tolist()})

    def forget(self, dataset: str) -> None:
        """All errors cost the same again."""
        self._file(dataset).unlink(missing_ok=True)

    def _file(self, dataset: str) -> "Path":
        return self._workspace.paths.costs / f"{self._workspace.dataset(dataset).id}.json"


def check(classes: Sequence[str], costs: Matrix) -> None:
    """Each cost must be a number of 0 or more.

    Raises:
        BadInput: one is not.
    """
    bad = np.argwhere(~(np.isfinite(costs) & (costs >= 0)))
    if len(bad):
        label, taken = (classes[at] for at in bad[0])
        raise BadInput(f"What it costs to take {label!r} for {taken!r} is missing; enter a number of 0 or more.")
