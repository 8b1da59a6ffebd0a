"""Writing decisions: the journal first, then the label, so that nothing acknowledged is ever lost.

An entry is written as pending (durably), the label is set where it still is what the person saw, what an undo or redo
takes back is marked, and last the entry is settled as applied or refused. A crash between the steps therefore leaves a
pending entry, which :func:`finish` carries to its end: each step may be done twice.
"""

import os
import signal
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from core.domain.decisions import JournalEntry, LabelChange, LabelState, new_id
from core.domain.samples import DatasetInfo
from core.store.base import SampleStore

FAIL_POINT = "LABELLOOP_FAIL_POINT"  # the name of a step: the process kills itself there (benchmarks/durability.py)


def write(store: SampleStore, dataset_id: str, entries: Sequence[JournalEntry]) -> dict[str, bool]:
    """Carry out entries, in order where they concern one sample; by token, whether each is applied."""
    applied: dict[str, bool] = {}
    for part in _rounds(entries):
        _fail("journal")
        standing = store.journal_add(part)
        _fail("label")
        done = store.change_labels(dataset_id, [_change(entry) for entry in standing])
        _fail("mark")
        store.journal_mark_undone([taken for e in standing if e.id in done for taken in [takes_back(e)] if taken])
        _fail("settle")
        store.journal_settle([e.id for e in standing if e.id in done], "applied")
        store.journal_settle([e.id for e in standing if e.id not in done], "refused")
        _fail("answer")
        applied.update({e.token: e.id in done for e in standing})
    return applied


def adopt(store: SampleStore, dataset_id: str, edited: Sequence[LabelState], *, who: str) -> int:
    """Journal labels that were set past the journal; returns how many."""
    if not edited:
        return 0
    now, batch = datetime.now(UTC), uuid.uuid4().hex
    entries = [
        JournalEntry(
            id=new_id(),
            dataset_id=dataset_id,
            sample_id=state.sample_id,
            kind="relabel",
            old=state.journalled,
            new=state.label,
            who=who,
            at=now,
            source="native",
            queue="",
            batch=batch,
            state="pending",
            was_reviewed=state.reviewed,
            excluded=state.excluded,
            was_excluded=state.excluded,
            content_hash=state.content_hash,
            follows=state.entry_id,
            token=uuid.uuid4().hex,
        )
        for state in edited
    ]
    store.journal_add(entries)
    adopted = store.adopt_native(dataset_id, [_change(entry) for entry in entries])
    store.journal_settle([e.id for e in entries if e.id in adopted], "applied")
    store.journal_settle([e.id for e in entries if e.id not in adopted], "refused")
    return len(adopted)


def reconcile(store: SampleStore, dataset: DatasetInfo, *, who: str) -> int:
    """Journal the labels that were set natively in FiftyOne (or by a script on its dataset); returns how many."""
    return adopt(store, dataset.id, store.natively_edited(dataset.id), who=who)


def finish(store: SampleStore, pending: Sequence[JournalEntry]) -> int:
    """Carry to their end what a crash left between journal and label; returns how many are applied now."""
    applied = 0
    # The newest first: where a later decision was made on an earlier one, the later one's success tells of both.
    for entry in sorted(pending, key=lambda one: one.id, reverse=True):
        set_label = store.adopt_native if entry.source == "native" else store.change_labels
        done = bool(set_label(entry.dataset_id, [_change(entry)])) or _was_built_upon(store, entry)
        taken = takes_back(entry)
        if done and taken:
            store.journal_mark_undone([taken])
        store.journal_settle([entry.id], "applied" if done else "refused")
        applied += done
    return applied


def takes_back(entry: JournalEntry) -> str | None:
    """The entry that an undo or a redo takes back; None for any other decision."""
    return entry.undoes or entry.redoes


def _was_built_upon(store: SampleStore, entry: JournalEntry) -> bool:
    """Whether a later decision was made on what this one wrote: then it was applied before the crash."""
    return any(e.follows == entry.id for e in store.journal(entry.dataset_id, limit=None, sample_id=entry.sample_id))


def _change(entry: JournalEntry) -> LabelChange:
    # Whoever skips or excludes says nothing of the label: a confirmation that came meanwhile is not wiped out.
    judges = entry.kind in ("relabel", "confirm") or entry.reviewed != entry.was_reviewed
    return LabelChange(
        entry_id=entry.id,
        sample_id=entry.sample_id,
        old=entry.old,
        new=entry.new,
        reviewed=entry.reviewed if judges else None,
        excluded=entry.excluded,
        was_excluded=entry.was_excluded,
    )


def _rounds(entries: Sequence[JournalEntry]) -> Iterator[list[JournalEntry]]:
    """Each sample once a round: a later decision on a sample sees what the earlier one left."""
    seen: defaultdict[str, int] = defaultdict(int)
    rounds: list[list[JournalEntry]] = []
    for entry in entries:
        turn = seen[entry.sample_id]
        seen[entry.sample_id] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(entry)
    yield from rounds


def _fail(step: str) -> None:
    """Die here when a test of durability asks for it."""
    if os.environ.get(FAIL_POINT) == step:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
