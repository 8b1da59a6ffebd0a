"""What the rest of labelloop needs of a dataset store, and nothing more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pandas as pd

from core.domain.decisions import JournalEntry, LabelChange, LabelState, State
from core.domain.generation import Generation
from core.domain.naming import Naming
from core.domain.samples import DatasetInfo, FilePlace, NewSample, Sample, Split

FRAME_COLUMNS = (
    "sample_id",
    "filepath",
    "content_hash",
    "label",
    "split",
    "width",
    "height",
    "reviewed",
    "size_bytes",
    "mtime_ns",
    "source",
    "excluded",
)


class SampleStore(Protocol):
    """Datasets, their samples' labels, and the journal. Every write is durable when the call returns."""

    def names(self) -> list[str]:
        """The datasets' names, in alphabetical order, without those that are put away."""

    def namings(self) -> list[Naming]:
        """What every dataset is called and was, those that are put away among them."""

    def id_of(self, name: str) -> str:
        """A dataset's id.

        Raises:
            NotFound: there is none of that name.
        """

    def dataset(self, name: str) -> DatasetInfo:
        """A dataset with its counts.

        Raises:
            NotFound: there is none of that name.
        """

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        """As :meth:`dataset`, by id."""

    def classes(self, dataset_id: str) -> tuple[str, ...]:
        """The classes alone, which cost no counting.

        Raises:
            NotFound: there is no such dataset.
        """

    def create(self, name: str, classes: Sequence[str]) -> DatasetInfo:
        """Make an empty dataset, or return the one of that name as it is."""

    def rename(self, dataset_id: str, name: str) -> None:
        """Give a dataset another name.

        Raises:
            NotFound: there is no such dataset, or it is put away.
            BadInput: another dataset has that name, or one that FiftyOne could not tell from it.
        """

    def put_away(self, dataset_id: str) -> None:
        """Have a dataset out of sight: for all but :meth:`namings`, :meth:`extent`, :meth:`bring_back` and
        :meth:`delete` it is not there, and its name is free. Its samples and its journal stay as they are.

        Raises:
            NotFound: there is no such dataset, or it is put away.
        """

    def bring_back(self, dataset_id: str, name: str) -> None:
        """Have a dataset that was put away in use again, under ``name``.

        Raises:
            NotFound: no dataset with that id is put away.
            BadInput: as :meth:`rename`.
        """

    def extent(self, dataset_id: str) -> tuple[int, int]:
        """The number of its samples, excluded ones too, and of its journal's entries."""

    def delete(self, dataset_id: str) -> None:
        """Remove a dataset and its journal for good. Image files stay."""

    def set_classes(self, dataset_id: str, classes: Sequence[str], *, renamed: Mapping[str, str] | None = None) -> None:
        """Replace the class list; its order is the order of keys and of every network's outputs.

        ``renamed`` replaces :meth:`renamed`; None leaves it as it is.
        """

    def renamed(self, dataset_id: str) -> dict[str, str]:
        """The names of classes that were renamed or merged away, each with the class that took its place."""

    def add_root(self, dataset_id: str, root: str) -> None:
        """Note a folder that samples were imported from."""

    def insert(self, dataset_id: str, samples: Sequence[NewSample]) -> list[str]:
        """Add samples, all or (after a crash) the first few; returns their ids in order."""

    def replace_file(self, dataset_id: str, sample_id: str, sample: NewSample) -> None:
        """Note that the file of a sample has other contents now; its label and split stay."""

    def move_files(self, dataset_id: str, places: Mapping[str, FilePlace]) -> None:
        """Note that files lie elsewhere now, by sample id; all else stays."""

    def generations(self, dataset_id: str) -> Iterator[tuple[str, Generation]]:
        """(sample id, generation) of the samples that have one, ordered by id, without the raw texts."""

    def generation(self, dataset_id: str, sample_id: str) -> Generation | None:
        """One sample's generation with its raw texts; None where it has none."""

    def set_generations(self, dataset_id: str, found: Mapping[str, Generation | None]) -> None:
        """Write what was read anew, by sample id."""

    def set_splits(self, dataset_id: str, splits: Mapping[str, Split]) -> None:
        """Put samples into splits, by id; ids that are not there are passed over."""

    def frame(self, dataset_id: str) -> pd.DataFrame:
        """All samples ordered by id, with ``FRAME_COLUMNS``; ``label`` is None where there is none."""

    def carrying(self, dataset_id: str, label: str) -> set[str]:
        """The samples with this label, by id, excluded ones included."""

    def recent(self, dataset_id: str, since: datetime) -> pd.DataFrame | None:
        """The rows of :meth:`frame` that were written after ``since``; None where that costs as much as all of them."""

    def tags(self, dataset_id: str) -> dict[str, tuple[str, ...]]:
        """FiftyOne's tags of the samples that have any, by id. They are not in :meth:`frame`, which is read often."""

    def version(self, dataset_id: str) -> tuple[int, str]:
        """A cheap value that changes with every write to the dataset's samples, native edits included."""

    def sample(self, dataset_id: str, sample_id: str) -> Sample:
        """One sample.

        Raises:
            NotFound: no such sample in that dataset.
        """

    def label_states(self, dataset_id: str, sample_ids: Iterable[str]) -> dict[str, LabelState]:
        """The labels now of the samples that exist among ``sample_ids``."""

    def natively_edited(self, dataset_id: str) -> list[LabelState]:
        """Samples whose label is not the one that the journal wrote."""

    def change_labels(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        """Compare and set; returns the entry ids that are applied (by this call or by an earlier try)."""

    def adopt_native(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        """Take labels that were set natively as journalled; returns the entry ids for which that worked."""

    def journal_add(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Append entries; for one whose token is there already, the entry that is there stands. Returns what stands."""

    def journal_settle(self, entry_ids: Sequence[str], state: State) -> None:
        """Say what became of pending entries. What was applied stays so: two hands may settle one entry."""

    def journal_mark_undone(self, entry_ids: Sequence[str], *, undone: bool = True) -> None:
        """Say that entries were taken back, or (False) that they stand again."""

    def journal_by_token(self, tokens: Sequence[str]) -> dict[str, JournalEntry]:
        """Entries by their tokens."""

    def journal_by_batch(self, dataset_id: str, batch: str, *, every: bool = False) -> list[JournalEntry]:
        """The applied entries of one batch that were not taken back (``every``: all of it), oldest first."""

    def journal(
        self,
        dataset_id: str,
        *,
        limit: int | None = 50,
        since: datetime | None = None,
        sample_id: str | None = None,
        who: str | None = None,
    ) -> list[JournalEntry]:
        """Applied entries, newest first: all that were made at ``since`` or later, those of one sample or person."""

    def journal_of(self, dataset_id: str, sample_ids: Iterable[str]) -> list[JournalEntry]:
        """The applied entries of these samples, oldest first."""

    def journal_newest(self, dataset_id: str, *, undoing: bool = False, who: str | None = None) -> JournalEntry | None:
        """The newest decision (``undoing``: the newest undoing of one) that stands, of anybody or of ``who``.

        What was set natively is passed over: nobody here made it, and a script may have set it on thousands of samples.
        """

    def journal_by_ids(self, entry_ids: Sequence[str]) -> dict[str, JournalEntry]:
        """Entries by their ids, in whatever state."""

    def journal_pending(self, *, older_than: float = 0.0) -> list[JournalEntry]:
        """Entries that a crash may have left between journal and label, ``older_than`` seconds at least."""

    def journal_unsettled(self, dataset_id: str) -> datetime | None:
        """When the oldest entry was made that is pending still; None where none is."""

    def lease(
        self, dataset_id: str, sample_ids: Sequence[str], *, who: str, holder: str, seconds: float
    ) -> dict[str, str]:
        """Reserve samples for a person for a while; returns those that somebody else has, with the name.

        ``holder`` is the window that asks: what it held before and does not name now is free again.
        """

    def leased(self, dataset_id: str, *, but: str) -> dict[str, str]:
        """The samples that are reserved for anybody but ``but``, each with the name."""

    def show_predictions(self, dataset_id: str, run: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        """Project a run's class and confidence by sample id onto the ``prediction`` field that the App shows."""

    def predict_samples(self, dataset_id: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        """Write class and confidence of some samples (by id) onto the ``prediction`` field; others stay as they are."""

    def label_fields(self, name: str) -> list[str]:
        """The fields of any FiftyOne dataset of this database that hold one label a sample (Classification).

        Raises:
            NotFound: there is no dataset of that name.
        """

    def labelled_files(self, name: str, field: str) -> Iterator[tuple[str, str | None, Split | None]]:
        """Path, label and split (by field or tag) of each sample of any FiftyOne dataset of this database."""
