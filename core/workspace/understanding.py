"""What a run's predictions say: figures with intervals, what changed between runs, and how sure all of it is."""

from typing import TYPE_CHECKING, Literal

from core.domain.samples import Split
from core.evaluation import scores as scoring
from core.evaluation.metrics import Evaluation, evaluate
from core.evaluation.scores import Scores
from core.runs.predictions import Predictions

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

Labels = Literal["run", "now"]
"""Judge under the labels that the run was trained with, or under those of now."""


class Understanding:
    """Arithmetic on the predictions of a workspace's runs."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def judged(self, run: str, split: Split | None, *, labels: Labels = "run") -> tuple[Predictions, list[str | None]]:
        """A run's rows on one split (all where ``None``), and the label of each under which they are judged."""
        rows = self._workspace.predictions(run)
        rows = rows.where(split) if split else rows
        if labels == "run":
            return rows, rows.label.tolist()
        frame = self._workspace.samples(self._workspace.run(run).dataset)
        now = dict(zip(frame["sample_id"], frame["label"], strict=True))
        return rows, [now.get(sample_id) for sample_id in rows.sample_id]

    def scores(self, run: str, split: Split, *, labels: Labels = "run") -> tuple[Evaluation, Scores]:
        """The confusion matrix and all figures with their intervals."""
        judged, given = self.judged(run, split, labels=labels)
        evaluation = evaluate(judged, given)
        return evaluation, scoring.score(judged, evaluation, given)
