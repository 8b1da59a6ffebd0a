"""Undo and redo: decisions of their own, journalled like any other; nothing is ever erased."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.domain.decisions import JournalEntry, LabelState, Outcome, Source, new_id
from core.domain.samples import DatasetInfo
from core.review import classes, writing
from core.store.base import SampleStore

CHANGED = "The label was changed again since; it stays."
LABELLING = ("relabel", "confirm", "rename")


def undo(
    store: SampleStore,
    dataset: DatasetInfo,
    *,
    who: str,
    source: Source,
    batch: str | None = None,
    only: str | None = None,
    named: str | None = None,
) -> list[Outcome]:
    """Take back one batch, or the newest that was not taken back (``only``: the newest of that person); an empty
    list where there is none. ``named`` is the name that the undoing gets, by which :func:`redo` finds it.

    A sample that was decided again since keeps its newer label: its outcome says so.
    """
    if batch is None:
        newest = store.journal_newest(dataset.id, who=only)
        batch = newest.batch if newest else ""
    entries = [entry for entry in store.journal_by_batch(dataset.id, batch) if entry.undoes is None]
    return undo_entries(store, dataset, entries, who=who, source=source, named=named)


def redo(
    store: SampleStore,
    dataset: DatasetInfo,
    *,
    who: str,
    source: Source,
    batch: str | None = None,
    only: str | None = None,
    named: str | None = None,
) -> list[Outcome]:
    """Do again what the newest undo (or the undo of the name ``batch``) took back; an empty list without any."""
    if batch is None:
        newest = store.journal_newest(dataset.id, undoing=True, who=only)
        batch = newest.batch if newest else ""
    undoing = [entry for entry in store.journal_by_batch(dataset.id, batch) if entry.undoes is not None]
    taken = store.journal_by_ids([entry.undoes or "" for entry in undoing])
    pairs = [(entry, taken[entry.undoes or ""]) for entry in reversed(undoing) if entry.undoes in taken]
    return _write(store, dataset, [_Step(o, redoes=u.id) for u, o in pairs], who=who, source=source, named=named)


def undo_entries(
    store: SampleStore,
    dataset: DatasetInfo,
    entries: Iterable[JournalEntry],
    *,
    who: str,
    source: Source,
    named: str | None = None,
) -> list[Outcome]:
    """Take back these decisions, the newest first; those that were taken back already, and undos, are passed over."""
    standing = [e for e in entries if e.undoes is None and not e.undone and e.state == "applied"]
    standing.sort(key=lambda entry: entry.id, reverse=True)
    return _write(store, dataset, [_Step(entry) for entry in standing], who=who, source=source, named=named)


class _Step:
    """One decision to take back, or (``redoes``: the entry that took it back) to do again."""

    def __init__(self, entry: JournalEntry, *, redoes: str | None = None) -> None:
        self.entry, self.redoes = entry, redoes

    def after(self, state: LabelState) -> LabelState | None:
        """What the sample is then; None where it was changed since."""
        entry, back = self.entry, self.redoes is None
        if entry.kind in LABELLING:
            before, label = (entry.new, entry.old) if back else (entry.old, entry.new)
            reviewed = entry.was_reviewed if back else entry.reviewed
            return None if state.label != before else replace(state, label=label, reviewed=reviewed)
        if entry.kind in ("exclude", "restore"):
            was, excluded = (entry.excluded, entry.was_excluded) if back else (entry.was_excluded, entry.excluded)
            return None if state.excluded != was else replace(state, excluded=excluded)
        return state


def _write(
    store: SampleStore,
    dataset: DatasetInfo,
    steps: Sequence[_Step],
    *,
    who: str,
    source: Source,
    named: str | None,
) -> list[Outcome]:
    for old, new, place in dict.fromkeys(_renames(steps)):
        if steps[0].redoes is None:
            classes.restore(store, dataset, old, new, place=place)
        else:
            classes.replace_class(store, dataset, old, new)
    now, batch = datetime.now(UTC), named or uuid.uuid4().hex
    states = store.label_states(dataset.id, {step.entry.sample_id for step in steps})
    written: list[JournalEntry | None] = []
    for step in steps:
        entry = step.entry
        state = states.get(entry.sample_id)
        after = None if state is None else step.after(state)
        if state is None or after is None:
            written.append(None)
            continue
        made = new_id()
        states[entry.sample_id] = replace(after, entry_id=made)
        written.append(
            replace(
                entry,
                id=made,
                old=state.label,
                new=after.label,
                who=who,
                at=now,
                source=source,
                batch=batch,
                state="pending",
                undoes=None if step.redoes else entry.id,
                redoes=step.redoes,
                undone=False,
                was_reviewed=state.reviewed,
                reviewed=after.reviewed,
                was_excluded=state.excluded,
                excluded=after.excluded,
                content_hash=state.content_hash,
                follows=state.entry_id,
                token=uuid.uuid4().hex,
            )
        )
    applied = writing.write(store, dataset.id, [entry for entry in written if entry is not None])
    return [_outcome(step, entry, states, applied) for step, entry in zip(steps, written, strict=True)]


def _renames(steps: Sequence[_Step]) -> Iterator[tuple[str, str, int | None]]:
    """The classes that were renamed or merged by what is taken back or done again."""
    for step in steps:
        entry = step.entry
        if entry.kind == "rename" and entry.old is not None and entry.new is not None:
            place = entry.evidence.removeprefix("place=")
            yield entry.old, entry.new, int(place) if place.isdecimal() else None


def _outcome(
    step: _Step, entry: JournalEntry | None, states: dict[str, LabelState], applied: dict[str, bool]
) -> Outcome:
    sample_id = step.entry.sample_id
    if entry is not None and applied[entry.token]:
        return Outcome(sample_id, saved=True, label=entry.new, entry_id=entry.id, excluded=entry.excluded)
    state = states.get(sample_id)
    label = entry.old if entry is not None else None if state is None else state.label
    return Outcome(sample_id, saved=False, label=label, reason=CHANGED, excluded=bool(state and state.excluded))
