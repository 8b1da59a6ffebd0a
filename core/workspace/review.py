"""What review needs of a workspace beyond single decisions: queues with their memory, picked sets, redo, histories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.domain.decisions import JournalEntry, Outcome, Source
from core.domain.errors import LabelloopError, NotFound
from core.domain.samples import DatasetInfo, Labels
from core.review import classes, queues, undoing
from core.review.classes import ClassChange
from core.review.memory import HitRate, Memory
from core.review.queues import Inputs, Queue, QueueSpec
from core.review.table import Table
from core.runs import findings, picked
from core.runs.predictions import Answers, Predictions
from core.store.base import SampleStore
from core.workspace.offers import Offer, offers
from core.workspace.remembered import Remembered

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

KEPT_QUEUES = 24
KEPT_FINDINGS = 64  # kinds; a dataset has some fifteen
LEASE = 60.0  # seconds; a window renews what it shows three times in that
KEPT_TABLES = 3
LARGE = 64 * 2**20  # bytes of probabilities
MARGIN = timedelta(seconds=15)  # clocks of several writers differ, and an entry is stamped before it is settled


_Words = tuple[tuple[str, ...], dict[str, str]]  # as Review.words


class Review:
    """Queues, journal and undo of one workspace. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._memories: dict[str, tuple[Memory, datetime]] = {}
        self._findings: Remembered[pd.DataFrame] = Remembered(KEPT_FINDINGS)
        self._queues: Remembered[Queue] = Remembered(KEPT_QUEUES)
        self._tables: Remembered[Table] = Remembered(KEPT_TABLES)
        self._spoken: Remembered[Predictions] = Remembered(KEPT_TABLES)
        self._answered: Remembered[Answers] = Remembered(2 * KEPT_TABLES)

    # queues

    def queue(self, dataset: str, spec: QueueSpec) -> Queue:
        """A queue's items, in order; the same object as before while nothing changed.

        Raises:
            NotFound: no such dataset or run.
            BadInput: the queue needs a run and there is none that finished.
        """
        return self._queue(dataset, spec, self._now(dataset))

    def sizes(self, dataset: str, specs: Iterable[QueueSpec]) -> list[int]:
        """How many images each queue holds; 0 where it needs what is not there. The store is asked once for all."""
        now = self._now(dataset)

        def size(spec: QueueSpec) -> int:
            try:
                return len(self._queue(dataset, spec, now))
            except LabelloopError:
                return 0

        return [size(spec) for spec in specs]

    def run_of(self, dataset: str, spec: QueueSpec) -> str | None:
        """The run whose answers a queue shows; None where there is none."""
        return self._runs(dataset, spec)[0]

    def chances(self, dataset: str, run: str, sample_id: str) -> dict[str, float]:
        """What a run gives a sample for each class, under the names of now; empty where it did not see the sample."""
        rows, words = self._workspace.predictions(run), self.words(dataset)
        mine = classes.renamed_run(rows.rows((rows.sample_id == sample_id).nonzero()[0]), *words)
        return dict(zip(mine.classes, mine.probabilities[0].tolist(), strict=True)) if len(mine) else {}

    def memory(self, dataset: str) -> Memory:
        """What was decided on a dataset, as it is now."""
        return self._memory(self._workspace.uncounted(dataset).id)

    def hit_rates(self, dataset: str) -> Mapping[str, HitRate]:
        """By source of a queue, how many of its images that were decided on were wrong."""
        return self.memory(dataset).hit_rates()

    def offers(self, dataset: str, *, split: str | None = None) -> list[Offer]:
        """Every queue that makes sense now with its count and hit rate, the merged one first."""
        return offers(self._workspace, dataset, split=split)

    def pick(self, sample_ids: Sequence[str], called: str = "Chosen images") -> QueueSpec:
        """A queue of just these samples, in this order, whatever their number; ``called`` is its title."""
        return QueueSpec(kind="picked", picked=picked.write(self._workspace.paths, sample_ids), called=called)

    def picked(self, spec: QueueSpec) -> list[str] | None:
        """The sample ids of a queue of kind "picked"."""
        return picked.read(self._workspace.paths, spec.picked) if spec.picked else None

    def finding_kinds(self, dataset: str) -> dict[str, float]:
        """The kinds of findings that were looked for, each with the time of it (Unix seconds)."""
        return findings.kinds(self._workspace.paths, self._workspace.uncounted(dataset).id)

    def findings(self, dataset: str, kind: str) -> pd.DataFrame:
        """The findings of one kind (core.runs.findings), the same frame as long as nothing wrote it anew; what they
        suggest has the name that the class has now.
        """
        return self.findings_by_kind(dataset, [kind])[kind]

    def findings_by_kind(self, dataset: str, kinds: Iterable[str] | None = None) -> dict[str, pd.DataFrame]:
        """As :meth:`findings`, for several kinds, or for all that were looked for."""
        info = self._workspace.uncounted(dataset)
        times = findings.kinds(self._workspace.paths, info.id)
        return self._read_findings(info.id, self._words(info), times, times if kinds is None else kinds)

    # in the words of now

    def predictions(self, dataset: str, run: str) -> Predictions:
        """A run's predictions in the names that the classes have now."""
        predictions, (names, renamed) = self._workspace.predictions(run), self.words(dataset)
        if set(predictions.classes) <= set(names):
            return predictions
        if predictions.probabilities.nbytes > LARGE:  # core.runs.kept alone holds on to these
            return classes.renamed_run(predictions, names, renamed)
        made_of = (predictions, names, renamed)
        return self._spoken.of(run, made_of, lambda: classes.renamed_run(predictions, names, renamed))

    def answers(self, dataset: str, run: str) -> Answers:
        """As :meth:`predictions`, without the probabilities."""
        answers, words = self._workspace.answers(run), self.words(dataset)
        return self._answered.of(run, (answers, *words), lambda: classes.renamed_answers(answers, *words))

    def words(self, dataset: str) -> _Words:
        """The classes, and the names of those that were renamed or merged away (core.review.classes.current).

        Of a dataset that was removed there are none: what its runs said stays as they said it.
        """
        try:
            info = self._workspace.uncounted(dataset)
        except NotFound:
            return (), {}
        return self._words(info)

    # journal

    def history(self, dataset: str, sample_id: str) -> list[JournalEntry]:
        """What was decided on one sample, newest first."""
        return self._workspace.store.journal(self._workspace.uncounted(dataset).id, limit=None, sample_id=sample_id)

    def undo(
        self,
        dataset: str,
        *,
        batch: str | None = None,
        who: str | None = None,
        own: bool = False,
        named: str | None = None,
        source: Source = "grid",
    ) -> list[Outcome]:
        """Take back one batch, or the newest (``own``: of ``who``); an empty list where there is none."""
        store, info, who = *self._at(dataset), who or self._workspace.user
        return undoing.undo(store, info, who=who, source=source, batch=batch, only=who if own else None, named=named)

    def undo_entries(
        self, dataset: str, entries: Sequence[JournalEntry], *, who: str | None = None, source: Source = "grid"
    ) -> list[Outcome]:
        """Take back these decisions, newest first; one outcome for each that stood."""
        return undoing.undo_entries(*self._at(dataset), entries, who=who or self._workspace.user, source=source)

    def redo(
        self,
        dataset: str,
        *,
        batch: str | None = None,
        who: str | None = None,
        own: bool = False,
        named: str | None = None,
        source: Source = "grid",
    ) -> list[Outcome]:
        """Do again what the undoing ``batch``, or the newest, took back; an empty list where there is none."""
        store, info, who = *self._at(dataset), who or self._workspace.user
        return undoing.redo(store, info, who=who, source=source, batch=batch, only=who if own else None, named=named)

    def entries(self, dataset: str, *, since: datetime | None = None) -> list[JournalEntry]:
        """The whole journal, newest first, or what was written at ``since`` or later."""
        store, info = self._at(dataset)
        return store.journal(info.id, limit=None, since=since)

    # classes

    def preview_class_change(self, dataset: str, old: str, new: str) -> ClassChange:
        """What renaming ``old``, or merging it into ``new``, would do.

        Raises:
            BadInput: there is no class ``old``, or ``new`` cannot be a name.
        """
        return classes.preview(*self._at(dataset), old, new)

    def change_class(
        self, dataset: str, old: str, new: str, *, who: str | None = None, source: Source = "grid"
    ) -> ClassChange:
        """Rename a class, or merge it into one that is there; undo its batch to take it back.

        Raises:
            BadInput: there is no class ``old``, or ``new`` cannot be a name.
        """
        return classes.change(*self._at(dataset), old, new, who=who or self._workspace.user, source=source)

    # several people

    def lease(self, dataset_id: str, sample_ids: Sequence[str], *, who: str, holder: str) -> dict[str, str]:
        """Reserve what one window shows; returns what others have, with their names (core.store.base)."""
        return self._workspace.store.lease(dataset_id, sample_ids, who=who, holder=holder, seconds=LEASE)

    def others_last(self, dataset: str, sample_ids: Sequence[str], *, who: str) -> tuple[list[str], set[str]]:
        """The ids with those that others have before them at the end, and the names of those people."""
        held = self.leased(dataset, but=who)
        gone = [one for one in sample_ids if one in held] if held else []
        apart = set(gone)
        return [*(one for one in sample_ids if one not in apart), *gone], {held[one] for one in gone}

    def leased(self, dataset: str, *, but: str) -> dict[str, str]:
        """What others have before them now, with their names."""
        return self._workspace.store.leased(self._workspace.uncounted(dataset).id, but=but)

    # private

    def _memory(self, dataset_id: str) -> Memory:
        memory, read_at = self._memories.get(dataset_id, (Memory(), None))
        now, unsettled = datetime.now(UTC), self._workspace.store.journal_unsettled(dataset_id)
        since = None if read_at is None else read_at - MARGIN
        memory.learn(reversed(self._workspace.store.journal(dataset_id, limit=None, since=since)))
        # what is pending now will be applied with the time of long ago, if it is part of something long
        self._memories[dataset_id] = (memory, min(now, unsettled or now))
        return memory

    def _words(self, info: DatasetInfo) -> _Words:
        return info.classes, self._workspace.store.renamed(info.id)

    def _now(self, dataset: str) -> "_Now":
        info = self._workspace.uncounted(dataset)
        return _Now(self, info, self._workspace.samples(dataset), self._memory(info.id))

    def _queue(self, dataset: str, spec: QueueSpec, now: "_Now") -> Queue:
        run, other = self._runs(dataset, spec)
        found = self._found(spec, now)
        stamp = (now.frame, now.memory.version, run, other, *found.values())
        then = spec.kind == "cell" and spec.labels == "run"  # as its matrix is, whose classes name it

        def build() -> Queue:
            inputs = Inputs(
                table=self._table(dataset, now.frame, run, hidden=spec.kind == "excluded", then=then),
                other=self.predictions(dataset, other) if other and spec.kind in ("merged", "disagreement") else None,
                names=(run or "", other or ""),
                flips=self._flips(spec),
                findings=found,
                picked=self.picked(spec),
                memory=now.memory,
                has_run=run is not None,
            )
            return queues.build(spec, inputs)

        return self._queues.of((dataset, spec), stamp, build)

    def _at(self, dataset: str) -> tuple[SampleStore, DatasetInfo]:
        return self._workspace.store, self._workspace.uncounted(dataset)

    def _runs(self, dataset: str, spec: QueueSpec) -> tuple[str | None, str | None]:
        """The run whose predictions a queue is made with, and the other one where it compares two."""
        newest = self._workspace.newest_with_predictions
        if spec.kind not in ("merged", "disagreement"):
            prefer = "instant" if spec.kind == "suspicious" else None
            return spec.run or newest(dataset, prefer=prefer), spec.other
        runs = [view.name for view in self._workspace.runs(dataset) if view.state == "succeeded"]
        run = spec.run or (newest(dataset, prefer="instant") if spec.kind == "merged" else None)
        run = run or next(iter(runs), None)
        models = {name: self._workspace.run(name).options.get("model") for name in runs}
        others = [name for name in runs if name != run]
        different = [name for name in others if models[name] != models.get(run or "")]
        return run, spec.other or next(iter([*different, *(others if spec.kind == "disagreement" else [])]), None)

    def _table(self, dataset: str, frame: pd.DataFrame, run: str | None, *, hidden: bool, then: bool) -> Table:
        """With what ``run`` says, in the words of now or (``then``) its own."""

        def build() -> Table:
            excluded = frame["excluded"].to_numpy(dtype=bool)
            shown = frame[excluded] if hidden else frame[~excluded] if excluded.any() else frame
            before = self._tables.last(question)
            if not run:
                return Table.of(shown, None, before)
            said = self._workspace.predictions(run) if then else self.predictions(dataset, run)
            return Table.of(shown, said, before)

        question = (dataset, run, hidden, then)
        return self._tables.of(question, (frame,), build)

    def _found(self, spec: QueueSpec, now: "_Now") -> dict[str, pd.DataFrame]:
        kinds = list(now.found) if spec.kind == "merged" else [spec.finding] if spec.finding else []
        if spec.kind == "suspicious" and spec.run is None:
            kinds = [kind for kind in now.found if kind == spec.kind]
        return self._read_findings(now.info.id, now.words, now.found, kinds) if kinds else {}

    def _read_findings(
        self, dataset_id: str, words: _Words, times: Mapping[str, float], kinds: Iterable[str]
    ) -> dict[str, pd.DataFrame]:
        def read(kind: str) -> pd.DataFrame:
            table = findings.read(self._workspace.paths, dataset_id, kind)
            suggestion = classes.in_words_of_now(table["suggestion"], *words)
            plain = table.astype(dict.fromkeys(("sample_id", "detail", "group"), object))  # quicker to go through
            return plain.assign(suggestion=pd.Series(suggestion, table.index, dtype=object))

        return {
            kind: self._findings.of((dataset_id, kind), (times.get(kind, 0.0), *words), partial(read, kind))
            for kind in kinds
        }

    def _flips(self, spec: QueueSpec) -> tuple[str, ...] | None:
        if spec.kind not in ("fixed", "broken"):
            return None
        labels: Labels = "now" if spec.labels == "now" else "run"
        split: Any = spec.split or "test"
        comparison = self._workspace.compare(spec.other or "", spec.run or "", split=split, labels=labels)
        return comparison.fixed if spec.kind == "fixed" else comparison.broken


@dataclass(eq=False)
class _Now:
    """What queues of a dataset are made of, asked for once for all of them, and only as far as one of them needs it: to
    ask the store takes most of the time of a queue that is known.
    """

    review: Review
    info: DatasetInfo
    frame: pd.DataFrame
    memory: Memory

    @cached_property
    def words(self) -> _Words:
        return self.review._words(self.info)

    @cached_property
    def found(self) -> Mapping[str, float]:
        """The kinds of findings, with the time of each."""
        return findings.kinds(self.review._workspace.paths, self.info.id)
