"""Errors that look alike, grouped by their embeddings and described by what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_ROUNDS = 30
_TOLD = 2  # shared traits a name holds


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """``rows`` are positions of its members, the most typical first; ``name`` says what they share."""

    name: str
    rows: npt.NDArray[np.intp]


def clusters(
    embeddings: Floats, cells: Sequence[tuple[str, str]], fields: Mapping[str, Sequence[str | None]], *, most: int = 8
) -> list[Cluster]:
    """Group errors by look. ``cells`` are each one's (label, prediction); ``fields`` what is known of it; the largest
    group first.
    """
    count = len(embeddings)
    if count == 0:
        return []
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    wanted = int(np.clip(round((count / 2) ** 0.5), 1, most))
    place, centres = _k_means(unit, wanted)
    found = []
    for at in range(wanted):
        rows = np.flatnonzero(place == at)
        if len(rows):
            typical = rows[np.argsort(-(unit[rows] @ centres[at]), kind="stable")]
            found.append(Cluster(_name(typical, cells, fields), typical))
    return sorted(found, key=lambda one: -len(one.rows))


def _k_means(unit: Floats, wanted: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Spherical k-means with spread-out starts (k-means++); seeded, so the same errors give the same groups."""
    random = np.random.default_rng(0)
    centres = [unit[int(random.integers(len(unit)))]]
    for _ in range(wanted - 1):
        far = np.maximum(0, 1 - np.max(unit @ np.array(centres).T, axis=1)) ** 2
        if far.sum() <= 0:
            break
        centres.append(unit[int(random.choice(len(unit), p=far / far.sum()))])
    middle = np.array(centres, dtype=np.float32)
    place = np.zeros(len(unit), dtype=np.intp)
    for turn in range(_ROUNDS):
        before, place = place, np.asarray((unit @ middle.T).argmax(axis=1), dtype=np.intp)
        if turn and (before == place).all():
            break
        for at in range(len(middle)):
            members = unit[place == at]
            if len(members):
                total = members.sum(axis=0)
                middle[at] = total / max(float(np.linalg.norm(total)), 1e-12)
    return place, middle


def _name(
    rows: npt.NDArray[np.intp], cells: Sequence[tuple[str, str]], fields: Mapping[str, Sequence[str | None]]
) -> str:
    """The most frequent confusion, then the values that these share more than all errors do."""
    own = [cells[row] for row in rows]
    label, predicted = max(dict.fromkeys(own), key=own.count)
    traits = []
    for field, values in fields.items():
        inside = [values[row] for row in rows if values[row] is not None]
        if not inside:
            continue
        value = max(dict.fromkeys(inside), key=inside.count)
        share, usual = inside.count(value) / len(rows), sum(v == value for v in values) / len(values)
        if share >= 0.6 and share - usual >= 0.2:
            traits.append((share - usual, f"{field} {value}"))
    told = [words for _, words in sorted(traits, reverse=True)[:_TOLD]]
    return ", ".join([f"{label} → {predicted}", *told])
