"""From the store to a snapshot. What is frozen never changes again; the same data gives the same snapshot."""

import pandas as pd

from core.domain.samples import DatasetInfo
from core.runs.layout import WorkspacePaths
from core.snapshots import manifest
from core.snapshots.manifest import Snapshot


def learnable(frame: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """The same samples as a run learns them: a label that is no class counts as none, for a network has no output for
    it. Whoever asks for a run tells how many there are (core.workspace.requests.without_class). ``frame`` itself where
    there is no such label.
    """
    known = frame["label"].isin(classes)
    if (known | frame["label"].isna()).all():
        return frame
    return frame.assign(label=frame["label"].where(known, None))


def freeze(paths: WorkspacePaths, dataset: DatasetInfo, frame: pd.DataFrame, *, keep: bool = True) -> Snapshot:
    """Write the dataset's samples as they are in ``frame`` now, without the excluded ones; return the snapshot.

    With ``keep`` off nothing is written: for looking at what a snapshot would be.
    """
    if "excluded" in frame:
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
    samples = learnable(frame.loc[:, list(manifest.COLUMNS)], dataset.classes)
    samples = samples.sort_values("sample_id", ignore_index=True)
    snapshot_id = manifest.identify(samples, dataset.classes)
    snapshot = Snapshot(id=snapshot_id, dataset=dataset.name, classes=dataset.classes, samples=samples)
    if keep:
        manifest.write(paths.snapshot(snapshot_id), snapshot)
    return snapshot
