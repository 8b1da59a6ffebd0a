"""predictions.parquet: every sample's probabilities in a run, from which all evaluation is arithmetic."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from core.runs.atomic import written_aside
from core.runs.columns import give_back, texts, words

_ROWS = 16_384  # a group of the file
_BATCH = 1024  # rows read at a time: what is read and what is kept never lie in memory twice
_BUFFER = 2**20  # bytes of the file read at a time; by default Arrow holds all of it until the last row is read
Chosen = npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a run said, without the probabilities behind it: all that comparing runs asks for. One row a sample.

    ``chosen`` (int32) are places in ``classes`` of the most probable class, the first among equals; ``confidence``
    (float32) its probability, ``margin`` (float32) by how much that is above the second (NaN with one class);
    ``label`` the label at the time.
    """

    classes: tuple[str, ...]
    sample_id: npt.NDArray[np.object_]
    split: npt.NDArray[np.object_]
    label: npt.NDArray[np.object_]
    chosen: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]

    @property
    def predicted(self) -> npt.NDArray[np.object_]:
        """The most probable class of each sample."""
        names: npt.NDArray[np.object_] = np.array(self.classes, dtype=object)
        predicted: npt.NDArray[np.object_] = names[self.chosen]
        return predicted

    def where(self, split: str) -> "Answers":
        """The rows of one split."""
        return self.rows(self.split == split)

    def rows(self, chosen: Chosen) -> "Answers":
        """The rows chosen by a mask, by positions or by a slice."""
        return Answers(
            classes=self.classes,
            sample_id=self.sample_id[chosen],
            split=self.split[chosen],
            label=self.label[chosen],
            chosen=self.chosen[chosen],
            confidence=self.confidence[chosen],
            margin=self.margin[chosen],
        )

    def __len__(self) -> int:
        return len(self.sample_id)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One row a sample, in snapshot order or by split (:func:`read`).

    ``label`` is the label at the time (``None`` for an unlabelled sample), ``probabilities`` has shape
    (samples, classes) and float32, ``out_of_fold`` marks rows whose probabilities come from a model that
    was not fitted on that sample although it is in train. ``answers`` are worked out of these, once.
    """

    classes: tuple[str, ...]
    sample_id: npt.NDArray[np.object_]
    split: npt.NDArray[np.object_]
    label: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float32]
    out_of_fold: npt.NDArray[np.bool_]
    given: InitVar[Answers | None] = None
    answers: Answers = field(init=False)

    def __post_init__(self, given: Answers | None) -> None:
        known = given or _answers(self.classes, self.sample_id, self.split, self.label, self.probabilities)
        object.__setattr__(self, "answers", known)

    @property
    def chosen(self) -> npt.NDArray[np.int32]:
        """The place of each sample's most probable class."""
        return self.answers.chosen

    @property
    def predicted(self) -> npt.NDArray[np.object_]:
        """The most probable class of each sample."""
        return self.answers.predicted

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """The probability of the predicted class."""
        return self.answers.confidence

    def where(self, split: str) -> "Predictions":
        """The rows of one split; no copy of those that lie beside one another."""
        places = np.flatnonzero(self.split == split)
        if len(places) == len(self):
            return self
        beside = len(places) > 0 and places[-1] - places[0] + 1 == len(places)
        return self.rows(slice(int(places[0]), int(places[-1]) + 1) if beside else places)

    def rows(self, chosen: Chosen) -> "Predictions":
        """The rows chosen by a mask, by positions or by a slice (of which no copy is made)."""
        return Predictions(
            classes=self.classes,
            sample_id=self.sample_id[chosen],
            split=self.split[chosen],
            label=self.label[chosen],
            probabilities=self.probabilities[chosen],
            out_of_fold=self.out_of_fold[chosen],
            given=self.answers.rows(chosen),
        )

    def ordered(self, sample_ids: Iterable[str]) -> "Predictions":
        """The rows in the order of ``sample_ids``; samples that are not among these come last."""
        place = {sample_id: at for at, sample_id in enumerate(sample_ids)}
        return self.rows(np.argsort([place.get(i, len(place)) for i in self.sample_id.tolist()], kind="stable"))

    def under(
        self,
        classes: tuple[str, ...],
        probabilities: npt.NDArray[np.float32],
        label: npt.NDArray[np.object_] | None = None,
    ) -> "Predictions":
        """The same samples under other classes, and where given under other labels."""
        label = self.label if label is None else label
        return Predictions(classes, self.sample_id, self.split, label, probabilities, self.out_of_fold)

    def __len__(self) -> int:
        return len(self.sample_id)


def make(
    *,
    classes: Sequence[str],
    sample_id: Sequence[str],
    split: Sequence[str],
    label: Sequence[str | None],
    probabilities: npt.NDArray[np.float32],
    out_of_fold: npt.NDArray[np.bool_] | None = None,
) -> Predictions:
    """Predictions from plain sequences."""
    return Predictions(
        classes=tuple(classes),
        sample_id=np.array(sample_id, dtype=object),
        split=np.array(split, dtype=object),
        label=np.array(label, dtype=object),
        probabilities=np.asarray(probabilities, dtype=np.float32).reshape(len(sample_id), len(classes)),
        out_of_fold=np.zeros(len(sample_id), dtype=bool) if out_of_fold is None else out_of_fold,
    )


def write(path: Path, predictions: Predictions) -> None:
    """Write aside, then move into place."""
    width = len(predictions.classes)
    flat = pa.array(predictions.probabilities.reshape(-1), type=pa.float32())
    table = pa.table(
        {
            "sample_id": pa.array(predictions.sample_id.tolist(), type=pa.string()),
            "split": pa.array(predictions.split.tolist(), type=pa.string()),
            "label": pa.array(predictions.label.tolist(), type=pa.string()),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, width),
            "out_of_fold": pa.array(predictions.out_of_fold.tolist(), type=pa.bool_()),
        }
    ).replace_schema_metadata({"classes": _join(predictions.classes)})
    with written_aside(path) as aside:
        pq.write_table(table, aside, row_group_size=_ROWS, use_dictionary=["split", "label"])


def read(path: Path, *, by_split: bool = False) -> Predictions:
    """Read what :func:`write` wrote, in that order or (``by_split``) the rows of each split beside one another.

    Raises:
        FileNotFoundError: the run has no predictions.
    """
    with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        table = file.read(["sample_id", "split", "label", "out_of_fold"])
        classes = _split((file.schema_arrow.metadata or {})[b"classes"])
        sample_id = texts(table.column("sample_id"))
        split, label = words(table.column("split")), words(table.column("label"))
        out_of_fold = np.array(table.column("out_of_fold").to_pylist(), dtype=bool)
        order = np.argsort(split, kind="stable") if by_split else np.arange(len(split))
        place = np.empty(len(order), dtype=np.intp)  # of each row of the file
        place[order] = np.arange(len(order))
        probabilities = np.empty((len(table), len(classes)), dtype=np.float32)
        at = 0
        for batch in file.iter_batches(_BATCH, columns=["probabilities"]):
            part = batch.column(0).flatten().to_numpy(zero_copy_only=False).reshape(-1, len(classes))
            probabilities[place[at : at + len(part)]] = part
            at += len(part)
    give_back()
    return Predictions(
        classes=classes,
        sample_id=sample_id[order],
        split=split[order],
        label=label[order],
        probabilities=probabilities,
        out_of_fold=out_of_fold[order],
    )


def _answers(
    classes: tuple[str, ...],
    sample_id: npt.NDArray[np.object_],
    split: npt.NDArray[np.object_],
    label: npt.NDArray[np.object_],
    probabilities: npt.NDArray[np.float32],
) -> Answers:
    size, width = probabilities.shape
    chosen, confidence = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.float32)
    margin = np.full(size, np.nan, dtype=np.float32)
    for start in range(0, size if width else 0, _BATCH):
        part = probabilities[start : start + _BATCH].copy()
        rows, best = np.arange(len(part)), part.argmax(axis=1)
        here = slice(start, start + len(part))
        chosen[here], confidence[here] = best, part[rows, best]
        if width > 1:
            part[rows, best] = -np.inf
            margin[here] = confidence[here] - part.max(axis=1)
    return Answers(classes, sample_id, split, label, chosen, confidence, margin)


def _join(classes: tuple[str, ...]) -> bytes:
    return json.dumps(classes, ensure_ascii=False).encode()


def _split(text: bytes) -> tuple[str, ...]:
    return tuple(json.loads(text))
