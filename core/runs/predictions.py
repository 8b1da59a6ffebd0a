"""predictions.parquet: every sample's probabilities in a run, from which all evaluation is arithmetic."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from core.runs.atomic import written_aside


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One row a sample, in snapshot order.

    ``label`` is the label at the time (``None`` for an unlabelled sample), ``probabilities`` has shape
    (samples, classes) and float32, ``out_of_fold`` marks rows whose probabilities come from a model that
    was not fitted on that sample although it is in train.
    """

    classes: tuple[str, ...]
    sample_id: npt.NDArray[np.object_]
    split: npt.NDArray[np.object_]
    label: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float32]
    out_of_fold: npt.NDArray[np.bool_]

    @property
    def predicted(self) -> npt.NDArray[np.object_]:
        """The most probable class of each sample."""
        names: npt.NDArray[np.object_] = np.array(self.classes, dtype=object)
        predicted: npt.NDArray[np.object_] = names[self.probabilities.argmax(axis=1)]
        return predicted

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """The probability of the predicted class."""
        confidence: npt.NDArray[np.float32] = self.probabilities.max(axis=1)
        return confidence

    def where(self, split: str) -> "Predictions":
        """The rows of one split."""
        return self.rows(self.split == split)

    def rows(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Predictions":
        """The rows chosen by a mask or by positions."""
        return Predictions(
            classes=self.classes,
            sample_id=self.sample_id[chosen],
            split=self.split[chosen],
            label=self.label[chosen],
            probabilities=self.probabilities[chosen],
            out_of_fold=self.out_of_fold[chosen],
        )

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
        pq.write_table(table, aside)


def read(path: Path) -> Predictions:
    """Read what :func:`write` wrote.

    Raises:
        FileNotFoundError: the run has no predictions.
    """
    table = pq.read_table(path)
    classes = _split((table.schema.metadata or {})[b"classes"])
    flat = table.column("probabilities").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Predictions(
        classes=classes,
        sample_id=np.array(table.column("sample_id").to_pylist(), dtype=object),
        split=np.array(table.column("split").to_pylist(), dtype=object),
        label=np.array(table.column("label").to_pylist(), dtype=object),
        probabilities=flat.reshape(-1, len(classes)).astype(np.float32, copy=False),
        out_of_fold=np.array(table.column("out_of_fold").to_pylist(), dtype=bool),
    )


def _join(classes: tuple[str, ...]) -> bytes:
    return json.dumps(classes, ensure_ascii=False).encode()


def _split(text: bytes) -> tuple[str, ...]:
    return tuple(json.loads(text))
