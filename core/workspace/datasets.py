"""The datasets of a workspace: their names, their samples, their pictures."""

from dataclasses import replace

import pandas as pd

from core.domain.errors import NotFound
from core.domain.samples import DatasetInfo, Sample
from core.images import thumbnails
from core.review import classes
from core.runs.layout import WorkspacePaths
from core.store.base import SampleStore
from core.workspace.frames import Frames


class Datasets:
    """What the workspace holds, as of now. Safe to share between threads."""

    def __init__(self, paths: WorkspacePaths, store: SampleStore) -> None:
        self.paths = paths
        self.store = store
        self._frames = Frames(store)
        self._infos: dict[str, tuple[object, DatasetInfo]] = {}

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
        known = self._infos.get(name)
        if known is not None:
            try:
                stamp = self.store.version(known[1].id)
            except NotFound:
                stamp = None
            if known[0] == stamp and name in self.store.names():
                return known[1]
        info = self.store.dataset(name)
        self._infos[name] = (self.store.version(info.id), info)
        return info

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        """As :meth:`dataset`, by id; what the web routes use."""
        for stamp, info in list(self._infos.values()):
            if info.id == dataset_id and stamp == self.store.version(dataset_id):
                return info
        return self.dataset(self.store.dataset_by_id(dataset_id).name)

    def name_of(self, dataset_id: str) -> str:
        """A dataset's name.

        Raises:
            NotFound: there is none with that id.
        """
        known = next((info.name for _, info in list(self._infos.values()) if info.id == dataset_id), None)
        return known or self.dataset_by_id(dataset_id).name

    def samples(self, dataset: str) -> pd.DataFrame:
        """The store's frame (core.store.base.FRAME_COLUMNS), kept until the dataset changes. Do not write into it."""
        return self._frames.of(self.uncounted(dataset).id)

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

    def add_class(self, dataset: str, name: str) -> None:
        """Add a class at the end of the list.

        Raises:
            BadInput: an empty name, or one that is there already.
        """
        classes.add(self.store, self.store.dataset(dataset), name)

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset, its labels and its journal. Image files and runs stay."""
        self.store.delete(self.store.dataset(name).id)
        self._infos.pop(name, None)

    def uncounted(self, dataset: str) -> DatasetInfo:
        """As :meth:`dataset`, with the counts of an earlier moment: counting 20,000 samples takes 0.1 s."""
        known = self._infos.get(dataset)
        if known is not None:
            try:
                return replace(known[1], classes=self.store.classes(known[1].id))
            except NotFound:  # removed, and perhaps there is another of that name
                pass
        return self.dataset(dataset)
