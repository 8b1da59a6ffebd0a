"""A dataset store in memory: for tests and scratch work. It passes the same contract tests as the real one."""

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from core.domain.decisions import JournalEntry, LabelChange, LabelState, State
from core.domain.errors import BadInput, NotFound
from core.domain.generation import Generation
from core.domain.naming import Naming, whereabouts
from core.domain.samples import DatasetInfo, FilePlace, NewSample, Sample, Split
from core.store.base import FRAME_COLUMNS
from core.store.template import slug


@dataclass
class _Row:
    sample: NewSample
    label: str | None
    journalled: str | None
    reviewed: bool = False
    excluded: bool = False
    entry_id: str | None = None
    prediction: tuple[str, float] | None = None
    tags: tuple[str, ...] = ()


@dataclass
class _Dataset:
    name: str
    classes: list[str]
    roots: list[str] = field(default_factory=list)
    rows: dict[str, _Row] = field(default_factory=dict)
    writes: int = 0
    shown_run: str = ""
    renamed: dict[str, str] = field(default_factory=dict)
    leases: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    former: list[tuple[str, float]] = field(default_factory=list)
    put_away: float | None = None


class MemoryStore:
    """A :class:`~core.store.base.SampleStore` that forgets everything with its process."""

    def __init__(self) -> None:
        self._datasets: dict[str, _Dataset] = {}
        self._entries: dict[str, JournalEntry] = {}

    def names(self) -> list[str]:
        return sorted(dataset.name for dataset in self._datasets.values() if dataset.put_away is None)

    def id_of(self, name: str) -> str:
        for dataset_id, dataset in self._datasets.items():
            if dataset.name == name and dataset.put_away is None:
                return dataset_id
        known, became = ", ".join(self.names()) or "none yet", whereabouts(self.namings(), name)
        raise NotFound(f"There is no dataset {name!r} in this workspace; it holds: {known}.{became}")

    def namings(self) -> list[Naming]:
        return [Naming(key, one.name, tuple(one.former), one.put_away) for key, one in self._datasets.items()]

    def rename(self, dataset_id: str, name: str) -> None:
        dataset = self._get(dataset_id)
        self._refuse_taken(name, but=dataset)
        dataset.former.append((dataset.name, time.time()))
        dataset.name = name

    def put_away(self, dataset_id: str) -> None:
        self._get(dataset_id).put_away = time.time()

    def bring_back(self, dataset_id: str, name: str) -> None:
        dataset = self._datasets.get(dataset_id)
        if dataset is None or dataset.put_away is None:
            raise NotFound(f"There is no dataset with the id {dataset_id} that was put away.")
        self._refuse_taken(name, but=dataset)
        dataset.former.append((dataset.name, dataset.put_away))
        dataset.name, dataset.put_away = name, None

    def extent(self, dataset_id: str) -> tuple[int, int]:
        entries = sum(entry.dataset_id == dataset_id for entry in self._entries.values())
        return len(self._datasets[dataset_id].rows), entries

    def dataset(self, name: str) -> DatasetInfo:
        return self.dataset_by_id(self.id_of(name))

    def dataset_by_id(self, dataset_id: str) -> DatasetInfo:
        dataset = self._get(dataset_id)
        rows = [row for row in dataset.rows.values() if not row.excluded]
        return DatasetInfo(
            id=dataset_id,
            name=dataset.name,
            classes=tuple(dataset.classes),
            samples=len(rows),
            labels=Counter(row.label for row in rows),
            splits=Counter(str(row.sample.split) for row in rows),
            roots=tuple(dataset.roots),
            excluded=len(dataset.rows) - len(rows),
        )

    def classes(self, dataset_id: str) -> tuple[str, ...]:
        return tuple(self._get(dataset_id).classes)

    def create(self, name: str, classes: Sequence[str]) -> DatasetInfo:
        if name not in self.names():
            self._datasets[secrets.token_hex(12)] = _Dataset(name, list(classes))
        return self.dataset(name)

    def delete(self, dataset_id: str) -> None:
        if self._datasets.pop(dataset_id, None) is None:
            raise NotFound(f"There is no dataset with the id {dataset_id} in this workspace.")
        self._entries = {key: entry for key, entry in self._entries.items() if entry.dataset_id != dataset_id}

    def set_classes(self, dataset_id: str, classes: Sequence[str], *, renamed: Mapping[str, str] | None = None) -> None:
        dataset = self._get(dataset_id)
        dataset.classes, dataset.writes = list(classes), dataset.writes + 1
        if renamed is not None:
            dataset.renamed = dict(renamed)

    def renamed(self, dataset_id: str) -> dict[str, str]:
        return dict(self._get(dataset_id).renamed)

    def add_root(self, dataset_id: str, root: str) -> None:
        roots = self._get(dataset_id).roots
        if root not in roots:
            roots.append(root)

    def insert(self, dataset_id: str, samples: Sequence[NewSample]) -> list[str]:
        dataset = self._get(dataset_id)
        start = len(dataset.rows)
        ids = [f"{start + position:024x}" for position in range(1, len(samples) + 1)]
        dataset.rows.update({i: _Row(s, s.label, s.label) for i, s in zip(ids, samples, strict=True)})
        dataset.writes += 1
        return ids

    def replace_file(self, dataset_id: str, sample_id: str, sample: NewSample) -> None:
        dataset = self._get(dataset_id)
        row = dataset.rows[sample_id]
        row.sample = replace(sample, split=row.sample.split, label=row.sample.label)
        dataset.writes += 1

    def move_files(self, dataset_id: str, places: Mapping[str, FilePlace]) -> None:
        dataset = self._get(dataset_id)
        for sample_id, place in places.items():
            row = dataset.rows[sample_id]
            row.sample = replace(row.sample, **asdict(place))
        dataset.writes += 1

    def tags(self, dataset_id: str) -> dict[str, tuple[str, ...]]:
        return {i: row.tags for i, row in self._get(dataset_id).rows.items() if row.tags}

    def generations(self, dataset_id: str) -> Iterator[tuple[str, Generation]]:
        for sample_id, row in sorted(self._get(dataset_id).rows.items()):
            if row.sample.generation is not None:
                yield sample_id, replace(row.sample.generation, raw={})

    def generation(self, dataset_id: str, sample_id: str) -> Generation | None:
        row = self._get(dataset_id).rows.get(sample_id)
        return None if row is None else row.sample.generation

    def set_generations(self, dataset_id: str, found: Mapping[str, Generation | None]) -> None:
        dataset = self._get(dataset_id)
        for sample_id, generation in found.items():
            dataset.rows[sample_id].sample = replace(dataset.rows[sample_id].sample, generation=generation)
        dataset.writes += 1

    def set_splits(self, dataset_id: str, splits: Mapping[str, Split]) -> None:
        dataset = self._get(dataset_id)
        for sample_id, split in splits.items():
            if sample_id in dataset.rows:
                row = dataset.rows[sample_id]
                row.sample = replace(row.sample, split=split)
        dataset.writes += 1

    def frame(self, dataset_id: str) -> pd.DataFrame:
        rows = [
            (
                sample_id,
                row.sample.filepath,
                row.sample.content_hash,
                row.label,
                row.sample.split,
                row.sample.width,
                row.sample.height,
                row.reviewed,
                row.sample.size_bytes,
                row.sample.mtime_ns,
                row.sample.source,
                row.excluded,
            )
            for sample_id, row in sorted(self._get(dataset_id).rows.items())
        ]
        frame = pd.DataFrame(rows, columns=list(FRAME_COLUMNS)).astype(object)
        frame["label"] = frame["label"].where(frame["label"].notna(), None)
        numbers = dict.fromkeys(("width", "height", "size_bytes", "mtime_ns"), "int64")
        return frame.astype({**numbers, "reviewed": "bool", "excluded": "bool"})

    def carrying(self, dataset_id: str, label: str) -> set[str]:
        return {sample_id for sample_id, row in self._get(dataset_id).rows.items() if row.label == label}

    def recent(self, dataset_id: str, since: datetime) -> pd.DataFrame | None:  # noqa: ARG002
        return None  # all rows are in memory anyway

    def version(self, dataset_id: str) -> tuple[int, str]:
        dataset = self._get(dataset_id)
        return len(dataset.rows), str(dataset.writes)

    def sample(self, dataset_id: str, sample_id: str) -> Sample:
        row = self._get(dataset_id).rows.get(sample_id)
        if row is None:
            raise NotFound(f"There is no sample {sample_id} in this dataset.")
        kept = row.sample
        return Sample(
            id=sample_id,
            filepath=kept.filepath,
            label=row.label,
            split=kept.split,
            content_hash=kept.content_hash,
            width=kept.width,
            height=kept.height,
        )

    def label_states(self, dataset_id: str, sample_ids: Iterable[str]) -> dict[str, LabelState]:
        rows = self._get(dataset_id).rows
        return {key: _state(key, rows[key]) for key in sample_ids if key in rows}

    def natively_edited(self, dataset_id: str) -> list[LabelState]:
        states = (_state(key, row) for key, row in self._get(dataset_id).rows.items())
        return [state for state in states if state.edited_natively]

    def change_labels(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        return self._apply(dataset_id, changes, native=False)

    def adopt_native(self, dataset_id: str, changes: Sequence[LabelChange]) -> set[str]:
        return self._apply(dataset_id, changes, native=True)

    def set_natively(self, dataset_id: str, sample_id: str, label: str | None) -> None:
        """What somebody does in FiftyOne past the journal; the real store has no such door."""
        dataset = self._get(dataset_id)
        dataset.rows[sample_id].label = label
        dataset.writes += 1

    def lease(
        self, dataset_id: str, sample_ids: Sequence[str], *, who: str, holder: str, seconds: float
    ) -> dict[str, str]:
        now, leases = datetime.now(UTC), self._get(dataset_id).leases
        taken = {key: leases[key][0] for key in sample_ids if key in leases and _holds(leases[key], who, now)}
        for key in [key for key, lease in leases.items() if lease[1] == holder or lease[2] <= now]:
            del leases[key]
        until = now + timedelta(seconds=seconds)
        leases.update({key: (who, holder, until) for key in sample_ids if key not in taken})
        return taken

    def leased(self, dataset_id: str, *, but: str) -> dict[str, str]:
        now = datetime.now(UTC)
        leases = self._get(dataset_id).leases
        return {key: lease[0] for key, lease in leases.items() if _holds(lease, but, now)}

    def show_predictions(self, dataset_id: str, run: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        dataset = self._get(dataset_id)
        dataset.shown_run = run
        self.predict_samples(dataset_id, predicted)

    def predict_samples(self, dataset_id: str, predicted: Mapping[str, tuple[str, float]]) -> None:
        rows = self._get(dataset_id).rows
        for sample_id, prediction in predicted.items():
            rows[sample_id].prediction = prediction

    def label_fields(self, name: str) -> list[str]:
        self.dataset(name)
        return ["ground_truth"]

    def labelled_files(self, name: str, field: str) -> Iterator[tuple[str, str | None, Split | None]]:
        if field not in self.label_fields(name):
            raise NotFound(f"The dataset {name!r} has no field {field!r} that holds a label.")
        for row in self._get(self.dataset(name).id).rows.values():
            yield row.sample.filepath, row.label, row.sample.split

    def journal_add(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        standing = {entry.token: entry for entry in self._entries.values()}
        self._entries.update({entry.id: entry for entry in entries if entry.token not in standing})
        return [standing.get(entry.token, entry) for entry in entries]

    def journal_settle(self, entry_ids: Sequence[str], state: State) -> None:
        for entry_id in entry_ids:
            if state == "applied" or self._entries[entry_id].state == "pending":
                self._entries[entry_id] = replace(self._entries[entry_id], state=state)

    def journal_mark_undone(self, entry_ids: Sequence[str], *, undone: bool = True) -> None:
        for entry_id in entry_ids:
            self._entries[entry_id] = replace(self._entries[entry_id], undone=undone)

    def journal_by_token(self, tokens: Sequence[str]) -> dict[str, JournalEntry]:
        return {entry.token: entry for entry in self._entries.values() if entry.token in set(tokens)}

    def journal_by_batch(self, dataset_id: str, batch: str, *, every: bool = False) -> list[JournalEntry]:
        mine = sorted((e for e in self._entries.values() if e.dataset_id == dataset_id), key=lambda entry: entry.id)
        return [e for e in mine if e.batch == batch and (every or (e.state == "applied" and not e.undone))]

    def journal(
        self,
        dataset_id: str,
        *,
        limit: int | None = 50,
        since: datetime | None = None,
        sample_id: str | None = None,
        who: str | None = None,
    ) -> list[JournalEntry]:
        found = [
            entry
            for entry in reversed(self._applied(dataset_id))
            if (since is None or entry.at >= since)
            and sample_id in (None, entry.sample_id)
            and who in (None, entry.who)
        ]
        return found[:limit]

    def journal_of(self, dataset_id: str, sample_ids: Iterable[str]) -> list[JournalEntry]:
        wanted = set(sample_ids)
        return [entry for entry in self._applied(dataset_id) if entry.sample_id in wanted]

    def journal_newest(self, dataset_id: str, *, undoing: bool = False, who: str | None = None) -> JournalEntry | None:
        return next(
            (
                entry
                for entry in reversed(self._applied(dataset_id))
                if not entry.undone
                and (entry.undoes is not None) == undoing
                and who in (None, entry.who)
                and entry.source != "native"
            ),
            None,
        )

    def journal_by_ids(self, entry_ids: Sequence[str]) -> dict[str, JournalEntry]:
        return {key: self._entries[key] for key in entry_ids if key in self._entries}

    def journal_pending(self, *, older_than: float = 0.0) -> list[JournalEntry]:
        before = datetime.now(UTC) - timedelta(seconds=older_than)
        pending = (entry for entry in self._entries.values() if entry.state == "pending" and entry.at <= before)
        return sorted(pending, key=lambda entry: entry.id)

    def journal_unsettled(self, dataset_id: str) -> datetime | None:
        pending = (e.at for e in self._entries.values() if e.dataset_id == dataset_id and e.state == "pending")
        return min(pending, default=None)

    def _get(self, dataset_id: str) -> _Dataset:
        dataset = self._datasets.get(dataset_id)
        if dataset is None or dataset.put_away is not None:
            raise NotFound(f"There is no dataset with the id {dataset_id} in this workspace.")
        return dataset

    def _refuse_taken(self, name: str, *, but: _Dataset) -> None:
        others = [one.name for one in self._datasets.values() if one.put_away is None and one is not but]
        if name in others:
            raise BadInput(f"There is a dataset {name!r} already; choose another name.")
        close = next((other for other in others if slug(other) == slug(name)), None)
        if close is not None:
            raise BadInput(f"The name {name!r} is too close to that of the dataset {close!r}; choose another.")

    def _applied(self, dataset_id: str) -> list[JournalEntry]:
        mine = (e for e in self._entries.values() if e.dataset_id == dataset_id and e.state == "applied")
        return sorted(mine, key=lambda entry: entry.id)

    def _apply(self, dataset_id: str, changes: Sequence[LabelChange], *, native: bool) -> set[str]:
        dataset, applied = self._get(dataset_id), set()
        for change in changes:
            row = dataset.rows.get(change.sample_id)
            if row is None:
                continue
            expected = (change.new, change.old) if native else (change.old, row.journalled)
            same = native or row.excluded == change.was_excluded
            if row.entry_id == change.entry_id:
                applied.add(change.entry_id)
            elif same and (row.label, row.journalled) == expected:
                row.label = row.journalled = change.new
                row.entry_id = change.entry_id
                row.reviewed = row.reviewed if change.reviewed is None else change.reviewed
                row.excluded = row.excluded if native else change.excluded
                dataset.writes += 1
                applied.add(change.entry_id)
        return applied


def _holds(lease: tuple[str, str, datetime], but: str, now: datetime) -> bool:
    return lease[0] != but and lease[2] > now


def _state(sample_id: str, row: _Row) -> LabelState:
    return LabelState(
        sample_id, row.label, row.journalled, row.reviewed, row.entry_id, row.excluded, row.sample.content_hash
    )
