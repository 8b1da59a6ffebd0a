"""A run's rows under the labels that judge them, and what follows from both."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.evaluation import scores as scoring
from core.evaluation.metrics import Evaluation, evaluate, targets
from core.evaluation.scores import Scores
from core.runs.predictions import Predictions


class Judged:
    """A run's rows and the label of each under which they are judged; figures are made once, when asked for. Do not
    write into them.
    """

    def __init__(self, rows: Predictions, given: list[str | None]) -> None:
        self.rows, self.given = rows, given

    @cached_property
    def true(self) -> npt.NDArray[np.int64]:
        """Each label as an index into the run's classes, -1 where it is none of them."""
        return targets(self.rows, self.given)

    @cached_property
    def known(self) -> npt.NDArray[np.intp]:
        """The places of the rows that have such a label."""
        return np.flatnonzero(self.true >= 0)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The confusion matrix."""
        return evaluate(self.rows, self.given)

    @cached_property
    def scores(self) -> Scores:
        """All figures with their intervals."""
        return scoring.score(self.rows, self.evaluation, self.given)
