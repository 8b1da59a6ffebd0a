"""What changed between two snapshots: arithmetic on their tables."""

from dataclasses import dataclass

import pandas as pd

from core.snapshots.manifest import Snapshot

RELABELLED = ("sample_id", "filepath", "split", "old", "new")
MOVED = ("sample_id", "filepath", "label", "old", "new")


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotDifference:
    """From an older snapshot to a newer one.

    ``relabelled`` (columns ``RELABELLED``) and ``moved`` (columns ``MOVED``: another split) have a row a sample that is
    in both; ``added`` and ``removed`` are sample ids; ``changed_files`` are samples whose file has other contents.
    """

    relabelled: pd.DataFrame
    moved: pd.DataFrame
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed_files: tuple[str, ...]
    classes_added: tuple[str, ...]
    classes_removed: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both hold the same samples, labels, splits and classes."""
        return not (
            len(self.relabelled)
            or len(self.moved)
            or self.added
            or self.removed
            or self.changed_files
            or self.classes_added
            or self.classes_removed
        )


def difference(old: Snapshot, new: Snapshot) -> SnapshotDifference:
    """What ``new`` holds that ``old`` does not, and the other way round."""
    both = old.samples.merge(new.samples, on="sample_id", suffixes=("_old", "_new"))
    relabelled = both[_differs(both, "label")]
    moved = both[_differs(both, "split")]
    before, after = set(old.samples["sample_id"]), set(new.samples["sample_id"])
    return SnapshotDifference(
        relabelled=_table(relabelled, RELABELLED, "filepath_new", "split_new", "label_old", "label_new"),
        moved=_table(moved, MOVED, "filepath_new", "label_new", "split_old", "split_new"),
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        changed_files=tuple(both.loc[_differs(both, "content_hash"), "sample_id"]),
        classes_added=tuple(name for name in new.classes if name not in old.classes),
        classes_removed=tuple(name for name in old.classes if name not in new.classes),
    )


def _differs(both: pd.DataFrame, column: str) -> pd.Series:
    # Compared as arrays of objects: None equals None there, which no comparison of pandas says.
    old, new = both[f"{column}_old"].to_numpy(object), both[f"{column}_new"].to_numpy(object)
    return pd.Series(old != new, index=both.index, dtype=bool)


def _table(rows: pd.DataFrame, names: tuple[str, ...], *columns: str) -> pd.DataFrame:
    table = rows.loc[:, ["sample_id", *columns]].reset_index(drop=True)
    table.columns = pd.Index(names)
    return table
