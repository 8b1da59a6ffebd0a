"""judgements.parquet: how likely each label of a run's snapshot is wrong; known.json: what the judge was told."""

from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from core.runs.atomic import read_json, write_json, written_aside
from core.runs.layout import RunPaths

COLUMNS = ("sample_id", "split", "label", "chance", "suggestion", "share", "trusted")
"""``chance`` that the label is wrong; ``suggestion`` is the likeliest other class and ``share`` its chance; ``trusted``
labels were confirmed by a person before the run, and their chance is 0."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the samples beside the snapshot.

    ``reviewed`` are the ids of samples whose label a person has confirmed, ``groups`` maps ids to clusters of near
    duplicates, ``shift`` is what decisions so far say of the chances (core.suspicion.estimates.learned_shift).
    """

    dataset_id: str = ""
    reviewed: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    shift: float = 0.0

    @classmethod
    def read(cls, paths: RunPaths) -> Self:
        """Of a run; nothing known where it was not written."""
        found: dict[str, Any] = read_json(paths.known) or {}
        return cls(
            dataset_id=str(found.get("dataset_id", "")),
            reviewed=tuple(found.get("reviewed", ())),
            groups=dict(found.get("groups", {})),
            shift=float(found.get("shift", 0.0)),
        )

    def write(self, paths: RunPaths) -> None:
        """Write aside, then move into place."""
        write_json(
            paths.known,
            {
                "dataset_id": self.dataset_id,
                "reviewed": list(self.reviewed),
                "groups": self.groups,
                "shift": self.shift,
            },
        )


def write(paths: RunPaths, table: pd.DataFrame) -> None:
    """Write a table with ``COLUMNS`` aside, then move it into place."""
    with written_aside(paths.judgements) as aside:
        table.loc[:, list(COLUMNS)].to_parquet(aside, index=False)


def read(paths: RunPaths) -> pd.DataFrame | None:
    """A run's table, None where it has none (yet)."""
    try:
        return pd.read_parquet(paths.judgements)
    except FileNotFoundError:
        return None
