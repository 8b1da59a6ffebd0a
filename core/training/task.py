"""What a run has to do: its options and its snapshot, checked before any work starts."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadInput
from core.domain.runs import TrainOptions
from core.runs.atomic import read_json
from core.runs.layout import RunPaths
from core.snapshots import manifest
from core.snapshots.manifest import Snapshot

UNLABELLED = -1
_EACH = 2  # one image to learn from and one to be predicted out of fold

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Options, snapshot, and each sample's class as an index into ``classes`` (``UNLABELLED`` where it has none)."""

    options: TrainOptions
    snapshot: Snapshot
    target: npt.NDArray[np.intp]

    @property
    def classes(self) -> tuple[str, ...]:
        """The order of the network's outputs."""
        return self.snapshot.classes

    @property
    def paths(self) -> list[str]:
        """Each sample's file."""
        return self.snapshot.samples["filepath"].tolist()

    @property
    def hashes(self) -> list[str]:
        """Each sample's content hash."""
        return self.snapshot.samples["content_hash"].tolist()

    def labelled(self, split: str) -> Rows:
        """Positions of the labelled samples of a split."""
        return np.flatnonzero((self.snapshot.samples["split"] == split).to_numpy(bool) & (self.target != UNLABELLED))


def read_task(paths: RunPaths) -> Task:
    """Read spec and snapshot.

    Raises:
        BadInput: the options are not valid, or the snapshot has too little to learn from.
        NotFound: the snapshot is gone.
    """
    spec = read_json(paths.spec)
    if not isinstance(spec, dict) or not isinstance(spec.get("options"), dict) or "snapshot" not in spec:
        raise BadInput(f"{paths.name} has no whole spec.json.")
    try:
        options = TrainOptions.read(spec["options"])
    except BadInput as error:
        raise BadInput(f"The options of {paths.name} are not ones this version knows: {error}") from error
    snapshot = manifest.of_run(paths)
    index = {name: place for place, name in enumerate(snapshot.classes)}
    target = np.array([index.get(label, UNLABELLED) for label in snapshot.samples["label"]], dtype=np.intp)
    task = Task(options, snapshot, target)
    require_two_classes(task, task.labelled("train"))
    return task


def left_out(lacking: Iterable[str], changed: Container[str]) -> str:
    """What is said of images that nothing could be had of, by their hashes; the files of some have ``changed``."""
    kinds = Counter(content in changed for content in lacking)
    said = [f"{kinds[False]:,} images could not be read and were left out."] if kinds[False] else []
    if kinds[True]:
        said.append(f"{kinds[True]:,} images were changed after the import and left out; import their folder again.")
    return " ".join(said)


def require_two_classes(task: Task, train: Rows) -> None:
    """Check that there is something to tell apart.

    Raises:
        BadInput: fewer than two classes have two images each in train.
    """
    counts = np.bincount(task.target[train], minlength=len(task.classes))
    if (counts >= _EACH).sum() >= _EACH:
        return
    there = [f"{count} of {name!r}" for name, count in zip(task.classes, counts, strict=True) if count]
    has = ", ".join(there[:8]) if there else "none with a label"
    raise BadInput(f"Training needs at least two classes with two or more images each in train; it has {has}.")
