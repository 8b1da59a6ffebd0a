"""What a run's predictions say: figures with intervals, what changed between runs, and how sure all of it is."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import BadInput
from core.domain.samples import Split
from core.evaluation import calibration
from core.evaluation import scores as scoring
from core.evaluation import slices as slicing
from core.evaluation.domains import Domain, domains
from core.evaluation.intervals import Estimate
from core.evaluation.metrics import Evaluation, evaluate, targets
from core.evaluation.scores import Scores
from core.evaluation.timeline import Moment, timeline
from core.runs import calibration as calibration_files
from core.runs.calibration import Calibration
from core.runs.predictions import Predictions
from core.workspace.fields import MADE_BY, fields

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

Labels = Literal["run", "now"]
"""Judge under the labels that the run was trained with, or under those of now."""


@dataclass(frozen=True, slots=True, eq=False)
class Sureness:
    """How much a run's confidence is worth on one split, as trained (``before``) and at its temperature (``after``).

    ``confidence`` is that after, ``right`` whether the prediction is, of the samples ``ids``; ``answered`` are the
    share that the run answers under its threshold and the share of those that is right.
    """

    before: calibration.Reliability
    after: calibration.Reliability
    ids: list[str]
    confidence: npt.NDArray[np.float32]
    right: npt.NDArray[np.bool_]
    answered: tuple[Estimate, Estimate]


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """Where a run is weak. ``fields`` by name, one value a sample of ``ids``; ``worst`` are slices (positions into
    ``ids``), likeliest weakness first; ``shortcuts`` the fields that give classes away; ``domains`` the kinds of
    source.
    """

    ids: list[str]
    right: npt.NDArray[np.bool_]
    fields: dict[str, list[str | None]]
    worst: list[slicing.Slice]
    shortcuts: list[slicing.Shortcut]
    domains: list[Domain]


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
        before, after = (self._workspace.answers(name).where(split) for name in (old, new))
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
        runs = ((view.name, view.created_at, self._workspace.answers(view.name)) for view in reversed(done))
        return timeline(runs, split, self.labels_now(dataset))

    def calibrate(self, run: str, *, abstain_below: float | None = None, accuracy: float | None = None) -> Calibration:
        """Fit the run's temperature on its validation images, under the labels of now, and keep it with the run;
        every later prediction uses it. ``abstain_below`` is the confidence under which it then says "not sure"; with
        ``accuracy`` that is the lowest from which on this share of its answers is right, as far as val can tell.

        Raises:
            BadInput: no labelled validation images, or no threshold reaches ``accuracy``.
        """
        paths = self._workspace.run_paths(run)
        rows, labels = self.judged(run, "val", labels="now")
        true = targets(rows, labels)
        known = np.flatnonzero(true >= 0)
        if not len(known):
            raise BadInput(f"{paths.name} has no labelled validation images to calibrate on.")
        if abstain_below is not None and not 0 <= abstain_below <= 1:
            raise BadInput(f"A confidence lies between 0 and 1, not at {abstain_below}.")
        probabilities = rows.probabilities[known]
        temperature, before, after = calibration.fit_temperature(probabilities, true[known])
        kept = calibration_files.read(paths)
        threshold = kept.abstain_below if abstain_below is None else abstain_below
        if accuracy is not None:
            sure = calibration.calibrated(probabilities, temperature)
            found = calibration.threshold_for(
                calibration.coverage(sure, probabilities.argmax(axis=1) == true[known]), accuracy
            )
            if found is None:
                raise BadInput(f"No threshold makes {accuracy:.1%} of the answers on val right with any certainty.")
            threshold = found
        fitted = Calibration(temperature, threshold, "val", len(known), before, after)
        calibration_files.write(paths, fitted)
        return fitted

    def abstain(self, run: str, below: float) -> Calibration:
        """Have the run say "not sure" under this confidence (0: never); its temperature stays as it is."""
        paths = self._workspace.run_paths(run)
        changed = replace(calibration_files.read(paths), abstain_below=min(1.0, max(0.0, below)))
        calibration_files.write(paths, changed)
        return changed

    def sureness(self, run: str, split: Split, *, labels: Labels = "now") -> Sureness | None:
        """How much the run's confidence is worth on one split; ``None`` without labelled samples."""
        rows, given = self.judged(run, split, labels=labels)
        true = targets(rows, given)
        known = np.flatnonzero(true >= 0)
        if not len(known):
            return None
        fitted = self.calibration(run)
        probabilities = rows.probabilities[known]
        right = rows.chosen[known] == true[known]
        sure = calibration.calibrated(probabilities, fitted.temperature)
        return Sureness(
            before=calibration.reliability(rows.confidence[known], right),
            after=calibration.reliability(sure, right),
            ids=rows.sample_id[known].tolist(),
            confidence=sure,
            right=right,
            answered=calibration.answered(calibration.coverage(sure, right), fitted.abstain_below),
        )

    def calibration(self, run: str) -> Calibration:
        """What is kept with the run."""
        return calibration_files.read(self._workspace.run_paths(run))

    def slices(self, run: str, split: Split, *, labels: Labels = "now") -> "Sliced | None":
        """Where the run is weak on one split, and what gives the classes away; ``None`` without labelled samples."""
        rows, given = self.judged(run, split, labels=labels)
        true = targets(rows, given)
        known = np.flatnonzero(true >= 0)
        if not len(known):
            return None
        dataset = self._workspace.run(run).dataset
        ids = rows.sample_id[known].tolist()
        everything = fields(self._workspace, dataset)
        table = everything.reindex(ids)
        columns = {name: _nothing_as_none(table[name]) for name in table.columns}
        names = [rows.classes[place] for place in true[known]]
        predicted = rows.predicted[known].tolist()
        right = rows.chosen[known] == true[known]
        now = self.labels_now(dataset)
        all_columns = {name: _nothing_as_none(everything[name]) for name in everything.columns if name != "reviewed"}
        telling = slicing.shortcuts([now.get(i) for i in everything.index], all_columns)
        weak = slicing.worst(right, {**columns, "label": names})
        by_domain = columns.get(MADE_BY) or columns.get("folder") or [None] * len(ids)
        return Sliced(ids, right, columns, weak, telling, domains(by_domain, names, predicted))


def _nothing_as_none(column: "pd.Series[Any]") -> list[str | None]:
    return [str(value) if isinstance(value, str) else None for value in column.tolist()]
