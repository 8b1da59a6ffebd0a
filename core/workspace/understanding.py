"""What a run's predictions say: figures with intervals, what changed between runs, and how sure all of it is."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import BadInput
from core.domain.samples import Labels, Split
from core.evaluation import calibration, thresholds
from core.evaluation import slices as slicing
from core.evaluation.areas import Areas, areas
from core.evaluation.domains import Domain, domains
from core.evaluation.intervals import Estimate
from core.evaluation.judged import Judged
from core.evaluation.metrics import Evaluation
from core.evaluation.scores import Scores
from core.evaluation.timeline import Moment, timeline
from core.review.classes import renamed_answers
from core.runs import calibration as calibration_files
from core.runs import measurements
from core.runs.calibration import Calibration
from core.snapshots import manifest
from core.workspace.fields import MADE_BY, PROMPT, fields, words
from core.workspace.remembered import Remembered
from core.workspace.review import LARGE

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_AT_ONCE = 5_000_000  # probabilities that are worked on at once: over 1,000 classes each copy counts


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
    ``ids``), likeliest weakness first, of ``looks`` looked at; ``shortcuts`` the fields that give classes away;
    ``domains`` the kinds of source, of which ``sources`` names that of each sample.
    """

    ids: list[str]
    right: npt.NDArray[np.bool_]
    fields: "dict[str, pd.Series[Any]]"
    worst: list[slicing.Slice]
    looks: int
    shortcuts: list[slicing.Shortcut]
    domains: list[Domain]
    sources: list[str | None]


class Understanding:
    """Arithmetic on the predictions of a workspace's runs. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._judged: Remembered[Judged] = Remembered(2)
        self._fields: Remembered[pd.DataFrame] = Remembered(2)
        self._shortcuts: Remembered[list[slicing.Shortcut]] = Remembered(2)
        self._sliced: Remembered[Sliced | None] = Remembered(2)

    def judged(self, run: str, split: Split | None, *, labels: Labels = "run") -> Judged:
        """A run's rows on one split (all where ``None``) and the label of each under which they are judged; kept while
        run and labels are the same.
        """
        workspace, then = self._workspace, labels == "run"
        dataset = workspace.run(run).dataset
        whole = workspace.predictions(run) if then else workspace.review.predictions(dataset, run)

        def made() -> Judged:
            rows = whole.where(split) if split else whole
            if then:
                return Judged(rows, rows.label.tolist())
            now = self.labels_now(dataset)
            return Judged(rows, [now.get(sample_id) for sample_id in rows.sample_id.tolist()])

        if whole.probabilities.nbytes > LARGE:  # core.runs.kept alone holds on to these
            return made()
        made_of = (whole, None if then else workspace.samples(dataset))
        return self._judged.of((run, split, labels), made_of, made)

    def labels_now(self, dataset: str) -> dict[str, str | None]:
        """Every sample's label by its id; excluded samples are not there."""
        frame = self._workspace.samples(dataset)
        kept = frame[~frame["excluded"].to_numpy(dtype=bool)]
        return dict(zip(kept["sample_id"].tolist(), kept["label"].tolist(), strict=True))

    def scores(self, run: str, split: Split, *, labels: Labels = "run") -> tuple[Evaluation, Scores]:
        """The confusion matrix and all figures with their intervals."""
        judged = self.judged(run, split, labels=labels)
        return judged.evaluation, judged.scores

    def areas(self, run: str, split: Split, *, labels: Labels = "run") -> Areas:
        """Areas under the curves of each class against the rest."""
        judged = self.judged(run, split, labels=labels)
        return areas(judged.rows.probabilities, judged.true)

    def moved(
        self, old: str, new: str, split: Split, cell: tuple[str, str], *, labels: Labels = "now"
    ) -> tuple[list[str], list[str]]:
        """The samples that entered the cell (label, prediction) of the confusion matrix from ``old`` to ``new``, and
        those that left it, under the labels of now or of the newer run.
        """
        dataset = self._workspace.run(new).dataset
        before, after = (self._workspace.review.answers(dataset, name).where(split) for name in (old, new))
        ids = after.sample_id.tolist()
        given = dict(zip(ids, after.label.tolist(), strict=True)) if labels == "run" else self.labels_now(dataset)
        shared = (set(before.sample_id.tolist()) & set(ids)) - self.replaced(old, new)
        then, now = (
            {i for i, p in zip(run.sample_id.tolist(), run.predicted.tolist(), strict=True) if p == cell[1]} & shared
            for run in (before, after)
        )
        came, went = (sorted(i for i in ids if given.get(i) == cell[0]) for ids in (now - then, then - now))
        return came, went

    def replaced(self, old: str, new: str) -> frozenset[str]:
        """The samples whose picture is another in ``new`` than in ``old``, as far as their snapshots are there."""
        first, second = (str(self._workspace.run(run).spec.get("snapshot")) for run in (old, new))
        folders = (manifest.folder_of(self._workspace.run_paths(run)) for run in (old, new))
        return _replaced(*folders, (first, second)) if first != second else frozenset()

    def timeline(self, dataset: str, split: Split, *, newest: int = 60) -> list[Moment]:
        """The dataset's finished runs, oldest first: what each said of itself, and what it is worth under the labels of
        now. Only the ``newest`` runs are read.
        """
        done = [view for view in self._workspace.runs(dataset) if view.state == "succeeded"][:newest]
        words = self._workspace.review.words(dataset)  # asked once, not for each run
        answers = (renamed_answers(self._workspace.answers(view.name), *words) for view in reversed(done))
        runs = ((view.name, view.created_at, said) for view, said in zip(reversed(done), answers, strict=True))
        return timeline(runs, split, self.labels_now(dataset))

    def calibrate(self, run: str, *, abstain_below: float | None = None, accuracy: float | None = None) -> Calibration:
        """Fit the run's temperature on its validation images, under the labels of now, and keep it with the run;
        every later prediction uses it. ``abstain_below`` is the confidence under which it then says "not sure"; with
        ``accuracy`` that is the lowest from which on this share of its answers is right, as far as val can tell.

        Raises:
            BadInput: no labelled validation images, or no threshold reaches ``accuracy``.
        """
        paths = self._workspace.run_paths(run)
        judged = self.judged(run, "val", labels="now")
        rows, true, known = judged.rows, judged.true, judged.known
        if not len(known):
            raise BadInput(f"{paths.name} has no labelled validation images to calibrate on.")
        if abstain_below is not None and not 0 <= abstain_below <= 1:
            raise BadInput(f"A confidence lies between 0 and 1, not at {abstain_below}.")
        temperature, before, after = calibration.fit_temperature(rows.probabilities, true)
        kept = calibration_files.read(paths)
        threshold = kept.abstain_below if abstain_below is None else abstain_below
        if accuracy is not None:
            sure = calibration.calibrated(rows.probabilities, temperature, known)
            right = rows.chosen[known] == true[known]
            found = calibration.threshold_for(calibration.coverage(sure, right), accuracy)
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
        judged = self.judged(run, split, labels=labels)
        rows, known = judged.rows, judged.known
        if not len(known):
            return None
        fitted = self.calibration(run)
        right = rows.chosen[known] == judged.true[known]
        sure = calibration.calibrated(rows.probabilities, fitted.temperature, known)
        return Sureness(
            before=calibration.reliability(rows.confidence[known], right),
            after=calibration.reliability(sure, right),
            ids=rows.sample_id[known].tolist(),
            confidence=sure,
            right=right,
            answered=calibration.answered(calibration.coverage(sure, right), fitted.abstain_below),
        )

    def given(self, run: str, split: Split) -> frozenset[str]:
        """The samples that a run answers, being as sure as its threshold asks, by id; under the labels of now."""
        found = self.sureness(run, split)
        if found is None:
            return frozenset()
        sure = found.confidence >= self.calibration(run).abstain_below
        return frozenset(one for one, enough in zip(found.ids, sure.tolist(), strict=True) if enough)

    def by_cost(self, run: str, split: Split, costs: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """What a run would answer, at its temperature, if it minded ``costs`` (classes, classes): the class of least
        expected cost for each labelled sample of :meth:`judged` under the labels of now.
        """
        judged, fitted = self.judged(run, split, labels="now"), self.calibration(run)
        rows, known = judged.rows, judged.known
        if np.array_equal(costs, thresholds.equal_costs(len(rows.classes))):  # whatever the temperature
            return rows.chosen[known].astype(np.int64)
        parts = np.array_split(known, max(1, len(known) * len(rows.classes) // _AT_ONCE))
        return np.concatenate([thresholds.cheapest(fitted.softened(rows.probabilities[part]), costs) for part in parts])

    def calibration(self, run: str) -> Calibration:
        """What is kept with the run."""
        return calibration_files.read(self._workspace.run_paths(run))

    def fields(self, dataset: str) -> pd.DataFrame:
        """What is known of each sample beside its picture (core.workspace.fields); kept until that changes, do not
        write into it.
        """
        workspace = self._workspace
        made_of = (workspace.samples(dataset), workspace.dataset(dataset).classes, measurements.stamp(workspace.paths))
        return self._fields.of(dataset, made_of, lambda: fields(workspace, dataset))

    def slices(self, run: str, split: Split, *, labels: Labels = "now") -> "Sliced | None":
        """Where the run is weak on one split, and what gives the classes away; ``None`` without labelled samples. Kept
        while samples and run are the same.
        """
        dataset = self._workspace.run(run).dataset
        table = self.fields(dataset)
        made_of = (self._workspace.review.answers(dataset, run), table)
        return self._sliced.of((run, split, labels), made_of, lambda: self._slices(run, split, labels, table))

    def _slices(self, run: str, split: Split, labels: Labels, table: pd.DataFrame) -> "Sliced | None":
        judged = self.judged(run, split, labels=labels)
        rows, true, known = judged.rows, judged.true, judged.known
        if not len(known):
            return None
        ids = rows.sample_id[known].tolist()
        own = {str(name): values for name, values in table.reindex(ids).items()}
        names = [rows.classes[place] for place in true[known]]
        right = rows.chosen[known] == true[known]
        weak, looks = slicing.worst(right, {**own, "label": names})
        source = next((own[name] for name in (MADE_BY, "folder") if name in own), None)
        by_domain: list[str | None] = [None] * len(ids) if source is None else words(source)
        kinds = domains(by_domain, names, rows.predicted[known].tolist())
        telling = self._shortcuts_of(self._workspace.run(run).dataset, table)
        return Sliced(ids, right, own, weak, looks, telling, kinds, by_domain)

    def _shortcuts_of(self, dataset: str, table: pd.DataFrame) -> list[slicing.Shortcut]:
        """What gives the classes away in the dataset, whatever runs say of it."""

        def made() -> list[slicing.Shortcut]:
            now = self.labels_now(dataset)
            columns = {name: table[name] for name in table.columns if name != "reviewed"}
            prompts = [name for name in columns if name.startswith(PROMPT)]
            return slicing.shortcuts([now.get(i) for i in table.index], columns, of_subject=prompts)

        return self._shortcuts.of(dataset, (table,), made)


@lru_cache(maxsize=8)  # snapshots never change; by their ids too, for a run's number may be given again
def _replaced(old: Path, new: Path, _ids: tuple[str, str]) -> frozenset[str]:
    before, after = manifest.contents(old), manifest.contents(new)
    return frozenset(i for i, content in after.items() if i in before and before[i] != content)
