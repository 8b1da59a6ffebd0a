"""A dataset's samples as arrays, with what a run says of each: what every queue is ranked from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.runs.predictions import Predictions

Objects = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(eq=False)
class Said:
    """What a run says of samples whatever their labels are: decisions leave it as it is.

    ``here`` are the rows of the samples that the run saw, ``there`` their places in its predictions.
    """

    ids: Objects
    seen: Objects | None  # the run's own sample ids
    classes: tuple[str, ...]
    here: Rows
    there: Rows
    suggestion: Objects
    confidence: Floats
    label_then: Objects
    margin: Floats
    in_sample: Bools

    @classmethod
    def of(cls, ids: Objects, predictions: Predictions | None) -> Self:
        """``ids`` are in ascending order."""
        size = len(ids)
        suggestion, then = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
        confidence, margin = np.full(size, np.nan), np.full(size, np.nan)
        in_sample = np.zeros(size, dtype=bool)
        here = there = np.zeros(0, dtype=np.intp)
        if predictions is not None and len(predictions) and size:
            here, there = _matched(ids, predictions.sample_id)
            suggestion[here] = predictions.predicted[there]
            confidence[here] = predictions.confidence[there]
            then[here] = predictions.label[there]
            in_sample[here] = (predictions.split[there] == "train") & ~predictions.out_of_fold[there]
            margin[here] = predictions.answers.margin[there]
        return cls(ids, *_source(predictions), here, there, suggestion, confidence, then, margin, in_sample)

    def still(self, ids: Objects, predictions: Predictions | None) -> bool:
        """Whether it is about these samples, and of these predictions in the same words."""
        seen, classes = _source(predictions)
        if self.seen is not seen or self.classes != classes or len(self.ids) != len(ids):
            return False
        return bool((self.ids == ids).all())

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of each sample."""
        return {sample_id: index for index, sample_id in enumerate(self.ids.tolist())}


@dataclass(eq=False)
class Table:
    """Columns by row of ``frame``; ``suggestion`` and ``label_then`` are None, numbers NaN where the run says nothing.

    ``chance`` is the probability that the run gives to the label now, ``margin`` the distance between its two best
    classes. ``in_sample`` marks samples that the run was fitted on: its prediction of them says little.
    """

    frame: pd.DataFrame
    ids: Objects
    label: Objects
    suggestion: Objects
    confidence: Floats
    label_then: Objects
    chance: Floats
    margin: Floats
    in_sample: Bools
    said: Said

    @classmethod
    def of(cls, frame: pd.DataFrame, predictions: Predictions | None, before: "Table | None" = None) -> Self:
        """``frame`` is the store's, ordered by sample id. What the run says is taken from the table ``before`` where
        that is about the same samples: to find 100,000 of them in its predictions takes longer than all the rest.
        """
        label, ids = frame["label"].to_numpy(dtype=object), frame["sample_id"].to_numpy(dtype=object)
        known = before is not None and before.said.still(ids, predictions)
        said = before.said if before is not None and known else Said.of(ids, predictions)
        chance = np.full(len(ids), np.nan)
        if predictions is not None and len(said.here):
            columns = pd.Index(predictions.classes).get_indexer(pd.Index(label[said.here], dtype=object))
            chance[said.here] = np.where(columns >= 0, predictions.probabilities[said.there, columns], np.nan)
        return cls(
            frame,
            ids,
            label,
            said.suggestion,
            said.confidence,
            said.label_then,
            chance,
            said.margin,
            said.in_sample,
            said,
        )

    @property
    def row(self) -> dict[str, int]:
        """The row of each sample."""
        return self.said.row

    @cached_property
    def reviewed(self) -> Bools:
        """Whether somebody looked at the sample."""
        return self.frame["reviewed"].to_numpy(dtype=bool)

    @cached_property
    def content_hash(self) -> Objects:
        """The content of each sample."""
        return self.frame["content_hash"].to_numpy(dtype=object)

    @cached_property
    def has_label(self) -> Bools:
        """Whether a sample has a label."""
        mask: Bools = self.label != np.array(None)
        return mask

    @cached_property
    def has_suggestion(self) -> Bools:
        """Whether the run says something of a sample."""
        mask: Bools = self.suggestion != np.array(None)
        return mask


def _source(predictions: Predictions | None) -> tuple[Objects | None, tuple[str, ...]]:
    """The samples and the words of predictions."""
    return (None, ()) if predictions is None else (predictions.sample_id, predictions.classes)


def _matched(ids: Objects, others: Objects) -> tuple[Rows, Rows]:
    """Positions in ``ids`` (ascending) and in ``others`` of the samples that are in both."""
    if len(ids) == len(others) and (ids == others).all():  # nothing was added or removed since the run
        rows = np.arange(len(ids), dtype=np.intp)
        return rows, rows
    places = np.minimum(np.searchsorted(ids, others), len(ids) - 1).astype(np.intp)
    found = np.flatnonzero(ids[places] == others).astype(np.intp)
    return places[found], found
