"""From the store to a snapshot. What is frozen never changes again; the same data gives the same snapshot."""

import pandas as pd

from core.domain.samples import DatasetInfo
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest
from core.snapshots.manifest import Snapshot


def freeze(paths: WorkspacePaths, dataset: DatasetInfo, frame: pd.DataFrame, *, keep: bool = True) -> Snapshot:
    """Write the dataset's samples as they are in ``frame`` now, without the excluded ones; return the snapshot.

    With ``keep`` off nothing is written: for looking at what a snapshot would be.
    """
    if "excluded" in frame:
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
    samples = frame.loc[:, list(manifest.COLUMNS)]
    samples = samples.sort_values("sample_id", ignore_index=True)
    # A label whose class was removed from the dataset counts as none: a network has no output for it.
    samples["label"] = samples["label"].where(samples["label"].isin(dataset.classes), None)
    snapshot_id = manifest.identify(samples, dataset.classes)
    snapshot = Snapshot(id=snapshot_id, dataset=dataset.name, classes=dataset.classes, samples=samples)
    if keep:
        manifest.write(paths.snapshot(snapshot_id), snapshot)
    return snapshot
