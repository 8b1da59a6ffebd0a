"""What a run's predictions say: figures with intervals, what changed between runs, and how sure all of it is."""

from typing import TYPE_CHECKING, Literal

from core.domain.samples import Split
from core.evaluation import scores as scoring
from core.evaluation.metrics import Evaluation, evaluate
from core.evaluation.scores import Scores
from core.evaluation.timeline import Moment, timeline
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
        now = self.labels_now(self._workspace.run(run).dataset)
        return rows, [now.get(sample_id) for sample_id in rows.sample_id.tolist()]

    def labels_now(self, dataset: str) -> dict[str, str | None]:
        """Every sample's label by its id; excluded samples are not there."""
        frame = self._workspace.samples(dataset)
        kept = frame[~frame["excluded"].to_numpy(dtype=bool)]
        return dict(zip(kept["sample_id"].tolist(), kept["label"].tolist(), strict=True))

    def scores(self, run: str, split: Split, *, labels: Labels = "run") -> tuple[Evaluation, Scores]:
        """The confusion matrix and all figures with their intervals."""
        judged, given = self.judged(run, split, labels=labels)
        evaluation = evaluate(judged, given)
        return evaluation, scoring.score(judged, evaluation, given)

    def moved(self, old: str, new: str, split: Split, cell: tuple[str, str]) -> tuple[list[str], list[str]]:
        """The samples that entered the cell (label, prediction) of the confusion matrix from ``old`` to ``new``, and
        those that left it, under the labels of now.
        """
        labels = self.labels_now(self._workspace.run(new).dataset)
        before, after = (self._workspace.predictions(name).where(split) for name in (old, new))
        shared = set(before.sample_id.tolist()) & set(after.sample_id.tolist())
        then, now = (
            {i for i, p in zip(run.sample_id.tolist(), run.predicted.tolist(), strict=True) if p == cell[1]} & shared
            for run in (before, after)
        )
        came, went = (sorted(i for i in ids if labels.get(i) == cell[0]) for ids in (now - then, then - now))
        return came, went

    def timeline(self, dataset: str, split: Split, *, newest: int = 60) -> list[Moment]:
        """The dataset's finished runs, oldest first: what each said of itself, and what it is worth under the labels of
        now. Only the ``newest`` runs are read.
        """
        done = [view for view in self._workspace.runs(dataset) if view.state == "succeeded"][:newest]
        runs = ((view.name, view.created_at, self._workspace.predictions(view.name)) for view in reversed(done))
        return timeline(runs, split, self.labels_now(dataset))
