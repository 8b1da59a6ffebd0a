"""Undo and redo: decisions of their own, journalled like any other; nothing is ever erased."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.domain.decisions import JournalEntry, LabelState, Outcome, Source, new_id
from core.domain.samples import DatasetInfo
from core.review import classes, writing
from core.store.base import SampleStore

CHANGED = "The label was changed again since; it stays."
LABELLING = ("relabel", "confirm", "rename")
EXCLUDING = ("exclude", "restore")


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
    list where there is none. ``named`` is the name that the undoing gets, by which :func:`redo` finds it, and under
    which a request that is sent again is told what became of it.

    A sample that somebody else decided on since, if only to confirm it, stays as it is: its outcome says so.
    """
    told = _told(store, dataset, named)
    if batch is None:
        newest = None if told else store.journal_newest(dataset.id, who=only)
        batch = newest.batch if newest else ""
    entries = [entry for entry in store.journal_by_batch(dataset.id, batch) if entry.undoes is None]
    return [*told, *undo_entries(store, dataset, entries, who=who, source=source, named=named)]


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
    told = _told(store, dataset, named)
    if batch is None:
        newest = None if told else store.journal_newest(dataset.id, undoing=True, who=only)
        batch = newest.batch if newest else ""
    undoing = [entry for entry in store.journal_by_batch(dataset.id, batch) if entry.undoes is not None]
    taken = store.journal_by_ids([entry.undoes or "" for entry in undoing])
    pairs = [(entry, taken[entry.undoes or ""]) for entry in reversed(undoing) if entry.undoes in taken]
    steps = [_Step(original, redoes=entry.id) for entry, original in pairs]
    return [*told, *_carry_out(store, dataset, steps, who=who, source=source, named=named)]


def undo_entries(
    store: SampleStore,
    dataset: DatasetInfo,
    entries: Iterable[JournalEntry],
    *,
    who: str,
    source: Source,
    named: str | None = None,
) -> list[Outcome]:
    """Take back these decisions, the newest first; those that were taken back already, and undos, are passed over.

    A change of the classes is taken back as a whole, with all images that followed it.
    """
    chosen = {entry.id: entry for entry in entries}
    for change in [entry for entry in chosen.values() if entry.kind == "class"]:
        followed = (e for e in store.journal_by_batch(dataset.id, change.batch) if e.kind == "rename")
        chosen.update((entry.id, entry) for entry in followed)
    standing = [e for e in chosen.values() if e.undoes is None and not e.undone and e.state == "applied"]
    standing.sort(key=lambda entry: entry.id, reverse=True)
    return _carry_out(store, dataset, [_Step(entry) for entry in standing], who=who, source=source, named=named)


class _Step:
    """One decision to take back, or (``redoes``: the entry that took it back) to do again."""

    def __init__(self, entry: JournalEntry, *, redoes: str | None = None) -> None:
        self.entry, self.redoes = entry, redoes

    @property
    def last(self) -> str:
        """The entry on which the step builds: what came after it may stand in its way."""
        return self.redoes or self.entry.id

    def after(self, state: LabelState) -> LabelState | None:
        """What the sample is then; None where it was changed since."""
        entry, back = self.entry, self.redoes is None
        if entry.kind in LABELLING:
            before, label = (entry.new, entry.old) if back else (entry.old, entry.new)
            reviewed = entry.was_reviewed if back else entry.reviewed
            return None if state.label != before else replace(state, label=label, reviewed=reviewed)
        if entry.kind in EXCLUDING:
            was, excluded = (entry.excluded, entry.was_excluded) if back else (entry.was_excluded, entry.excluded)
            return None if state.excluded != was else replace(state, excluded=excluded)
        return state

    def made(
        self, old: str | None, new: str | None, *, who: str, at: datetime, source: Source, batch: str, token: str = ""
    ) -> JournalEntry:
        """The entry of the step itself."""
        return replace(
            self.entry,
            id=new_id(),
            old=old,
            new=new,
            who=who,
            at=at,
            source=source,
            batch=batch,
            state="pending",
            undoes=None if self.redoes else self.entry.id,
            redoes=self.redoes,
            undone=False,
            token=token or uuid.uuid4().hex,
        )


def _told(store: SampleStore, dataset: DatasetInfo, named: str | None) -> list[Outcome]:
    """What the same request did when it came before; what a crash left of it is finished first. What was refused then
    stands still, and is tried again.
    """
    if named is None:
        return []
    entries = [entry for entry in store.journal_by_batch(dataset.id, named, every=True) if entry.sample_id]
    writing.finish(store, [entry for entry in entries if entry.state == "pending"])
    settled = store.journal_by_ids([entry.id for entry in entries]).values()
    done = sorted((entry for entry in settled if entry.state == "applied"), key=lambda entry: entry.id)
    states = store.label_states(dataset.id, {entry.sample_id for entry in done})
    return [
        Outcome(
            entry.sample_id,
            saved=True,
            label=states[entry.sample_id].label if entry.sample_id in states else entry.new,
            entry_id=entry.id,
            excluded=entry.sample_id in states and states[entry.sample_id].excluded,
        )
        for entry in done
    ]


def _carry_out(
    store: SampleStore,
    dataset: DatasetInfo,
    steps: Sequence[_Step],
    *,
    who: str,
    source: Source,
    named: str | None,
) -> list[Outcome]:
    """First the classes that images are to go to, then the images, then the classes that they leave."""
    now, batch = datetime.now(UTC), named or uuid.uuid4().hex
    samples = [step for step in steps if step.entry.sample_id]
    changes: list[tuple[JournalEntry, str]] = []
    for step in steps:
        if step.entry.kind == "class":
            old, new = (step.entry.old, step.entry.new) if step.redoes else (step.entry.new, step.entry.old)
            token = f"{named}:{step.last}" if named else ""  # sent again after a crash, the first entry stands
            (entry,) = store.journal_add(
                [step.made(old, new, who=who, at=now, source=source, batch=batch, token=token)]
            )
            changes.append((entry, "" if new is None else _begin(store, entry, samples)))
    if not changes:
        _restore_classes(store, dataset, samples)
    outcomes = _write(store, dataset, samples, who=who, at=now, source=source, batch=batch)
    for entry, why in changes:
        refused = _begin(store, entry, samples) if entry.new is None else why
        if refused:
            store.journal_settle([entry.id], "refused")
        else:
            classes.finish(store, entry)
        saved = not refused
        outcomes.append(Outcome("", saved=saved, label=None, entry_id=entry.id if saved else None, reason=refused))
    return outcomes


def _begin(store: SampleStore, entry: JournalEntry, samples: Sequence[_Step]) -> str:
    """Change the class list; why that cannot be, otherwise."""
    refused = classes.refusal(store, entry)
    if not refused:
        moving = {s.entry.sample_id for s in samples if (s.entry.new, s.entry.old) == (entry.old, entry.new)}
        classes.apply(store, entry, moving=moving)
    return refused


def _restore_classes(store: SampleStore, dataset: DatasetInfo, samples: Sequence[_Step]) -> None:
    """Single images of a renamed class are taken back, or done again: the class that they go to has to be there."""
    wanted: defaultdict[tuple[str, str, int | None, bool], set[str]] = defaultdict(set)
    for step in samples:
        entry = step.entry
        if entry.kind == "rename" and entry.old is not None and entry.new is not None:
            here, there = (entry.old, entry.new) if step.redoes else (entry.new, entry.old)
            keeps = classes.merged(entry) and not step.redoes
            wanted[here, there, classes.place_of(entry), keeps].add(entry.sample_id)
    for (here, there, place, keeps), moving in wanted.items():
        classes.restore(store, dataset.id, there, here, place=place, moving=moving, keeps=keeps)


def _write(
    store: SampleStore,
    dataset: DatasetInfo,
    steps: Sequence[_Step],
    *,
    who: str,
    at: datetime,
    source: Source,
    batch: str,
) -> list[Outcome]:
    states = store.label_states(dataset.id, {step.entry.sample_id for step in steps})
    others = _decided_since(store, dataset, steps, states, who=who)
    written: list[JournalEntry | str] = []  # or why not
    for step in steps:
        entry = step.entry
        state = states.get(entry.sample_id)
        after = None if state is None else step.after(state)
        other = others.get(entry.id)
        if state is None or after is None or other is not None:
            stays = CHANGED if other is None else f"{other} decided on this image since; it stays."
            written.append(stays)
            continue
        made = replace(
            step.made(state.label, after.label, who=who, at=at, source=source, batch=batch),
            was_reviewed=state.reviewed,
            reviewed=after.reviewed,
            was_excluded=state.excluded,
            excluded=after.excluded,
            content_hash=state.content_hash,
            follows=state.entry_id,
        )
        states[entry.sample_id] = replace(after, entry_id=made.id)
        written.append(made)
    applied = writing.write(store, dataset.id, [entry for entry in written if not isinstance(entry, str)])
    return [_outcome(step, entry, states, applied) for step, entry in zip(steps, written, strict=True)]


def _decided_since(
    store: SampleStore,
    dataset: DatasetInfo,
    steps: Sequence[_Step],
    states: Mapping[str, LabelState],
    *,
    who: str,
) -> dict[str, str]:
    """By entry that cannot be taken back: who else decided on the same thing since, and that still stands."""
    ours = {step.entry.id for step in steps} | {step.last for step in steps}
    touched = {  # most samples are still as the step's own entry left them
        step.entry.sample_id
        for step in steps
        if step.entry.sample_id in states and states[step.entry.sample_id].entry_id not in ours
    }
    later: defaultdict[str, list[JournalEntry]] = defaultdict(list)
    for entry in store.journal_of(dataset.id, touched) if touched else ():
        if entry.who != who and not entry.undone and entry.undoes is None and entry.id not in ours:
            later[entry.sample_id].append(entry)
    found: dict[str, str] = {}
    for step in steps:
        same = next((kinds for kinds in (LABELLING, EXCLUDING) if step.entry.kind in kinds), ())
        newer = [e for e in later[step.entry.sample_id] if e.id > step.last and e.kind in same]
        if newer:
            found[step.entry.id] = newer[-1].who
    return found


def _outcome(
    step: _Step, entry: JournalEntry | str, states: Mapping[str, LabelState], applied: Mapping[str, bool]
) -> Outcome:
    sample_id = step.entry.sample_id
    if not isinstance(entry, str) and applied[entry.token]:
        return Outcome(sample_id, saved=True, label=entry.new, entry_id=entry.id, excluded=entry.excluded)
    state = states.get(sample_id)
    reason, label = (entry, None if state is None else state.label) if isinstance(entry, str) else (CHANGED, entry.old)
    return Outcome(sample_id, saved=False, label=label, reason=reason, excluded=bool(state and state.excluded))
