"""The datasets of a workspace: their names, their samples, their pictures."""

from dataclasses import replace

import pandas as pd

from core.domain.decisions import Source
from core.domain.errors import NotFound
from core.domain.samples import DatasetInfo, Sample
from core.images import thumbnails
from core.review import classes
from core.runs.layout import WorkspacePaths
from core.snapshots.freeze import learnable
from core.store.base import SampleStore
from core.workspace.frames import Frames
from core.workspace.remembered import Remembered


class Datasets:
    """What the workspace holds, as of now. Safe to share between threads."""

    user: str  # whose changes they are where nobody is named

    def __init__(self, paths: WorkspacePaths, store: SampleStore) -> None:
        self.paths = paths
        self.store = store
        self._frames = Frames(store)
        self._infos: dict[str, tuple[object, DatasetInfo]] = {}
        self._learnt: Remembered[pd.DataFrame] = Remembered(4)

    def names(self) -> list[str]:
        """The datasets' names."""
        return self.store.names()

    def datasets(self) -> list[DatasetInfo]:
        """All datasets, by name."""
        return [self.dataset(name) for name in self.store.names()]

    def dataset(self, name: str) -> DatasetInfo:
        """A dataset and its counts.

        Raises:
            NotFound: there is none of that name.
        """
        dataset_id = self.store.id_of(name)
        stamp = self.store.version(dataset_id)  # before the counting: what is written meanwhile is counted next time
        known = self._infos.get(name)
        if known is not None and known[1].id == dataset_id and known[0] == stamp:
            return known[1]
        info = self.store.dataset_by_id(dataset_id)
        self._infos[name] = (stamp, info)
        return info

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        """As :meth:`dataset`, by id; what the web routes use."""
        for stamp, info in list(self._infos.values()):
            if info.id == dataset_id and stamp == self.store.version(dataset_id) and self._still(info):
                return info
        return self.dataset(self.store.dataset_by_id(dataset_id).name)

    def name_of(self, dataset_id: str) -> str:
        """A dataset's name.

        Raises:
            NotFound: there is none with that id.
        """
        known = (info for _, info in list(self._infos.values()) if info.id == dataset_id)
        return next((info.name for info in known if self._still(info)), None) or self.dataset_by_id(dataset_id).name

    def samples(self, dataset: str) -> pd.DataFrame:
        """The store's frame (core.store.base.FRAME_COLUMNS), kept until the dataset changes. Do not write into it."""
        return self._frames.of(self.store.id_of(dataset))

    def in_words_of_now(self, dataset: str) -> pd.DataFrame:
        """As :meth:`samples`; a label that still has the name of a class that was renamed since has the new one."""
        info, frame = self.uncounted(dataset), self.samples(dataset)
        labels = frame["label"]
        if (labels.isin(info.classes) | labels.isna()).all():
            return frame
        words = classes.in_words_of_now(labels, info.classes, self.store.renamed(info.id))
        return frame.assign(label=pd.Series(words, frame.index, dtype=object))

    def as_learnt(self, dataset: str) -> pd.DataFrame:
        """As :meth:`in_words_of_now`, a label that is no class taken for none: what a run started now would learn from.
        Kept until the dataset changes.
        """
        info, frame = self.uncounted(dataset), self.samples(dataset)
        made_of = (frame, info.classes)
        return self._learnt.of(info.id, made_of, lambda: learnable(self.in_words_of_now(dataset), info.classes))

    def sample(self, dataset_id: str, sample_id: str) -> Sample:
        """One sample, by ids."""
        return self.store.sample(dataset_id, sample_id)

    def thumbnail(self, dataset_id: str, sample_id: str) -> tuple[bytes, str]:
        """The JPEG thumbnail of a sample, and the content hash that it shows.

        Raises:
            NotFound: no such sample.
            core.images.reading.UnreadableImage: the file is gone or broken.
        """
        sample = self.store.sample(dataset_id, sample_id)
        return thumbnails.fetch(self.paths.thumbnails, sample.content_hash, sample.filepath), sample.content_hash

    def add_class(
        self, dataset: str, name: str, *, who: str | None = None, source: Source = "grid", batch: str | None = None
    ) -> None:
        """Add a class at the end of the list; undo its batch to take it back.

        Raises:
            BadInput: an empty name, or one that is there already.
        """
        info, who = self.store.dataset(dataset), who or self.user
        classes.add(self.store, info, name, who=who, source=source, batch=batch)

    def remove_class(self, dataset: str, name: str, *, who: str | None = None, source: Source = "grid") -> None:
        """Remove a class that no image carries.

        Raises:
            BadInput: there is no such class, or images carry it.
        """
        classes.remove(self.store, self.store.dataset(dataset), name, who=who or self.user, source=source)

    def uncounted(self, dataset: str) -> DatasetInfo:
        """As :meth:`dataset`, with the counts of an earlier moment: counting 20,000 samples takes 0.1 s."""
        dataset_id, known = self.store.id_of(dataset), self._infos.get(dataset)
        if known is not None and known[1].id == dataset_id:
            return replace(known[1], classes=self.store.classes(dataset_id))
        return self.dataset(dataset)

    def _still(self, info: DatasetInfo) -> bool:
        """Whether the dataset has that name yet: somebody may have renamed it or put it away."""
        try:
            return self.store.id_of(info.name) == info.id
        except NotFound:
            return False
