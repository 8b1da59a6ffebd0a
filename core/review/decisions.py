"""Decisions: the journal first, then the label, so that nothing acknowledged is ever lost.

An entry is written as pending (durably), the label is set where it still is what the person saw, then the
entry is settled as applied or refused. A crash between the steps leaves a pending entry; :func:`recover`
finishes it. A token is applied once, so that a client may send the same decision again.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from core.domain.decisions import Decision, JournalEntry, LabelChange, LabelState, Outcome, Source, new_id
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo
from core.store.base import SampleStore


def decide(
    store: SampleStore,
    dataset: DatasetInfo,
    decisions: Sequence[Decision],
    *,
    who: str,
    source: Source,
    queue: str = "",
    batch: str | None = None,
) -> list[Outcome]:
    """Carry out decisions in order; one outcome each, in order.

    Raises:
        BadInput: a label is not a class of the dataset; nothing was written.
    """
    for decision in decisions:
        if decision.kind == "relabel" and decision.label not in dataset.classes:
            known = ", ".join(dataset.classes)
            raise BadInput(f"{decision.label!r} is not a class of {dataset.name!r}; its classes are: {known}.")
    batch = batch or uuid.uuid4().hex
    outcomes: list[Outcome] = []
    for distinct in _without_repeats(decisions):
        outcomes.extend(_decide(store, dataset, distinct, who=who, source=source, queue=queue, batch=batch))
    return outcomes


def undo(
    store: SampleStore, dataset: DatasetInfo, *, who: str, source: Source, batch: str | None = None
) -> list[Outcome]:
    """Take back one batch, or the newest that was not taken back; an empty list where there is none.

    A sample that was decided again since keeps its newer label: its outcome says so.
    """
    entries = store.journal_by_batch(dataset.id, batch) if batch else _newest_batch(store, dataset.id)
    entries = [entry for entry in entries if entry.undoes is None][::-1]
    now = datetime.now(UTC)
    undoing = uuid.uuid4().hex
    states = store.label_states(dataset.id, [entry.sample_id for entry in entries])
    reversals: list[JournalEntry] = []
    outcomes: dict[str, Outcome] = {}
    labels = {sample_id: state.label for sample_id, state in states.items()}
    for entry in entries:
        state = states.get(entry.sample_id)
        if state is None or labels[entry.sample_id] != entry.new:
            reason = "The label was changed again since; it stays."
            outcomes[entry.id] = Outcome(entry.sample_id, saved=False, label=labels.get(entry.sample_id), reason=reason)
            continue
        labels[entry.sample_id] = entry.old
        reversals.append(
            JournalEntry(
                id=new_id(),
                dataset_id=dataset.id,
                sample_id=entry.sample_id,
                kind=entry.kind,
                old=entry.new,
                new=entry.old,
                who=who,
                at=now,
                source=source,
                queue=entry.queue,
                batch=undoing,
                state="pending",
                undoes=entry.id,
                was_reviewed=state.reviewed,
                token=uuid.uuid4().hex,
            )
        )
    restored = {entry.id: entry.was_reviewed for entry in entries}
    applied = _write(store, dataset.id, reversals, reviewed=lambda e: restored[e.undoes or ""])
    for entry in reversals:
        saved = entry.id in applied
        outcomes[entry.undoes or ""] = Outcome(
            entry.sample_id,
            saved=saved,
            label=entry.new if saved else entry.old,
            entry_id=entry.id,
            reason="" if saved else "The label was changed again since; it stays.",
        )
    return [outcomes[entry.id] for entry in entries]


def reconcile(store: SampleStore, dataset: DatasetInfo, *, who: str) -> int:
    """Journal the labels that were set natively in FiftyOne (or by a script on its dataset); returns how many."""
    return _adopt(store, dataset.id, store.natively_edited(dataset.id), who=who)


def recover(store: SampleStore, *, older_than: float = 0.0) -> int:
    """Finish what a crash left between journal and label; returns the number of entries that are applied now."""
    pending = store.journal_pending(older_than=older_than)
    applied = 0
    for entry in pending:
        native = entry.source == "native"
        reviewed = _reviewed_after(entry)
        change = LabelChange(entry.id, entry.sample_id, entry.old, entry.new, reviewed)
        write = store.adopt_native if native else store.change_labels
        done = write(entry.dataset_id, [change])
        store.journal_settle([entry.id], "applied" if done else "refused")
        if done and entry.undoes:
            store.journal_mark_undone([entry.undoes])
        applied += len(done)
    return applied


def _decide(
    store: SampleStore,
    dataset: DatasetInfo,
    decisions: Sequence[Decision],
    *,
    who: str,
    source: Source,
    queue: str,
    batch: str,
) -> list[Outcome]:
    known = store.journal_by_token([decision.token for decision in decisions])
    states = store.label_states(dataset.id, [decision.sample_id for decision in decisions])
    edited = [state for state in states.values() if state.edited_natively]
    if edited:
        _adopt(store, dataset.id, edited, who=who)
    now = datetime.now(UTC)
    outcomes: dict[str, Outcome] = {}
    entries: list[JournalEntry] = []
    for decision in decisions:
        state = states.get(decision.sample_id)
        earlier = known.get(decision.token)
        if state is None:
            outcomes[decision.token] = Outcome(
                decision.sample_id, saved=False, label=None, reason="This image is not in the dataset any more."
            )
        elif earlier is not None and earlier.state != "pending":
            outcomes[decision.token] = _repeated(earlier, state)
        elif earlier is not None:
            entries.append(earlier)
        elif state.label != decision.seen:
            outcomes[decision.token] = _stale(state)
        else:
            entries.append(
                JournalEntry(
                    id=new_id(),
                    dataset_id=dataset.id,
                    sample_id=decision.sample_id,
                    kind="confirm" if decision.label == state.label else decision.kind,
                    old=state.label,
                    new=state.label if decision.kind == "confirm" else decision.label,
                    who=who,
                    at=now,
                    source=source,
                    queue=queue,
                    batch=batch,
                    state="pending",
                    was_reviewed=state.reviewed,
                    token=decision.token,
                )
            )
    applied = _write(store, dataset.id, entries, reviewed=lambda _: True)
    refused = [entry.sample_id for entry in entries if entry.id not in applied]
    current = store.label_states(dataset.id, refused) if refused else {}
    for entry in entries:
        if entry.id in applied:
            outcomes[entry.token] = Outcome(entry.sample_id, saved=True, label=entry.new, entry_id=entry.id)
        else:
            outcomes[entry.token] = _stale(current[entry.sample_id])
    return [outcomes[decision.token] for decision in decisions]


def _write(
    store: SampleStore, dataset_id: str, entries: Sequence[JournalEntry], *, reviewed: Callable[[JournalEntry], bool]
) -> set[str]:
    if not entries:
        return set()
    store.journal_add(entries)
    changes = [LabelChange(e.id, e.sample_id, e.old, e.new, reviewed(e)) for e in entries]
    applied = store.change_labels(dataset_id, changes)
    store.journal_settle([e.id for e in entries if e.id in applied], "applied")
    store.journal_settle([e.id for e in entries if e.id not in applied], "refused")
    store.journal_mark_undone([e.undoes for e in entries if e.undoes and e.id in applied])
    return applied


def _adopt(store: SampleStore, dataset_id: str, edited: Sequence[LabelState], *, who: str) -> int:
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
            token=uuid.uuid4().hex,
        )
        for state in edited
    ]
    store.journal_add(entries)
    adopted = store.adopt_native(
        dataset_id, [LabelChange(e.id, e.sample_id, e.old, e.new, reviewed=True) for e in entries]
    )
    store.journal_settle([e.id for e in entries if e.id in adopted], "applied")
    store.journal_settle([e.id for e in entries if e.id not in adopted], "refused")
    return len(adopted)


def _newest_batch(store: SampleStore, dataset_id: str) -> list[JournalEntry]:
    for entry in store.journal(dataset_id, limit=1000):
        if entry.undoes is None and not entry.undone:
            return store.journal_by_batch(dataset_id, entry.batch)
    return []


def _repeated(entry: JournalEntry, state: LabelState) -> Outcome:
    if entry.state == "applied":
        return Outcome(entry.sample_id, saved=True, label=state.label, entry_id=entry.id)
    return _stale(state)


def _stale(state: LabelState) -> Outcome:
    label = "no label" if state.label is None else f"“{state.label}”"
    reason = f"Somebody changed this image since it was shown: it has {label} now. Decide again."
    return Outcome(state.sample_id, saved=False, label=state.label, reason=reason)


def _reviewed_after(entry: JournalEntry) -> bool:
    return entry.undoes is None


def _without_repeats(decisions: Sequence[Decision]) -> Iterator[list[Decision]]:
    """Cut a sequence where a sample comes again, so that the later decision sees the earlier one's label."""
    part: list[Decision] = []
    seen: set[str] = set()
    for decision in decisions:
        if decision.sample_id in seen:
            yield part
            part, seen = [], set()
        part.append(decision)
        seen.add(decision.sample_id)
    if part:
        yield part
