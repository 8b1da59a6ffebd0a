"""Adding, removing, renaming and merging classes: journalled as one batch, undone as one, safe while others label.

A change of the class list is a journal entry of its own, which concerns no sample and is pending until all is done. The
list changes first, and the old name is kept beside it as renamed: a decision that still speaks of the old class lands
in the new one (:func:`current`). Then every sample is relabelled through the journal, until none is left. A crash on
the way leaves the entry pending; :mod:`core.review.recovery`, or the same command again, goes on from there.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.decisions import JournalEntry, LabelState, Source, new_id
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo
from core.review import writing
from core.runs.predictions import Answers, Predictions
from core.store.base import SampleStore

CHUNK = 1_000  # samples relabelled at a time
LONGEST = 100  # characters of a name
_MERGE = "merge"  # in an entry's evidence: both classes had been there


@dataclass(frozen=True, slots=True)
class ClassChange:
    """What renaming or merging does, or would do. ``kind`` is "rename" or "merge"; ``samples`` carry the old class."""

    kind: str
    old: str
    new: str
    samples: int
    excluded: int
    classes: tuple[str, ...]
    batch: str = ""


def checked_name(name: str) -> str:
    """A class's name without blanks around it.

    Raises:
        BadInput: a name that no class can have.
    """
    name = name.strip()
    if not name:
        raise BadInput("A class needs a name.")
    if len(name) > LONGEST:
        raise BadInput(f"A class's name has at most {LONGEST} characters.")
    return name


def add(
    store: SampleStore,
    dataset: DatasetInfo,
    name: str,
    *,
    who: str,
    source: Source = "grid",
    batch: str | None = None,
) -> tuple[str, ...]:
    """Add a class at the end of the list; returns the classes.

    Raises:
        BadInput: a name that no class can have, or one that is there already.
    """
    name, classes = checked_name(name), store.classes(dataset.id)
    if name in classes:
        raise BadInput(f"{dataset.name!r} has a class {name!r} already.")
    made = _entry(dataset, None, name, who=who, source=source, queue=f"Add {name}", batch=batch, place=len(classes))
    _carry_out(store, made)
    return store.classes(dataset.id)


def remove(
    store: SampleStore, dataset: DatasetInfo, name: str, *, who: str, source: Source = "grid"
) -> tuple[str, ...]:
    """Remove a class that no image carries; returns the classes.

    Raises:
        BadInput: there is no such class, or images carry it.
    """
    classes = store.classes(dataset.id)
    if name not in classes:
        raise BadInput(f"{dataset.name!r} has no class {name!r}; its classes are: {', '.join(classes)}.")
    carried = len(store.carrying(dataset.id, name))
    if carried:
        raise BadInput(
            f"{carried:,} images are labelled {name!r}, excluded ones included; "
            "merge it into another class, or relabel them first."
        )
    place, queue = classes.index(name), f"Remove {name}"
    made = _entry(dataset, name, None, who=who, source=source, queue=queue, place=place)
    store.journal_add([made])
    apply(store, made)
    if store.carrying(dataset.id, name):  # somebody was giving it at this very moment
        apply(store, replace(made, old=None, new=name))
        store.journal_settle([made.id], "refused")
        raise BadInput(f"Somebody gave {name!r} to an image just now; the class stays.")
    settle(store, made)
    return store.classes(dataset.id)


def preview(store: SampleStore, dataset: DatasetInfo, old: str, new: str) -> ClassChange:
    """What :func:`change` would do.

    Raises:
        BadInput: there is no class ``old``, or ``new`` cannot be a name.
    """
    classes, new = store.classes(dataset.id), checked_name(new)
    if old not in classes:
        raise BadInput(f"{dataset.name!r} has no class {old!r}; its classes are: {', '.join(classes)}.")
    if old == new:
        raise BadInput(f"The class is called {old!r} already.")
    merges = new in classes
    after = [one for one in classes if one != old] if merges else [new if one == old else one for one in classes]
    frame = store.frame(dataset.id)
    affected = frame[frame["label"] == old]
    hidden = int(affected["excluded"].sum())
    return ClassChange("merge" if merges else "rename", old, new, len(affected) - hidden, hidden, tuple(after))


def change(store: SampleStore, dataset: DatasetInfo, old: str, new: str, *, who: str, source: Source) -> ClassChange:
    """Rename a class, or merge it into one that is there; every image of the old class gets the new one.

    Raises:
        BadInput: there is no class ``old``, or ``new`` cannot be a name.
    """
    left = _unfinished(store, dataset, old, checked_name(new), who=who, source=source)
    if left is not None:
        apply(store, left)
        moved, kind = finish(store, left), "merge" if merged(left) else "rename"
        return ClassChange(kind, old, left.new or "", moved, 0, store.classes(dataset.id), left.batch)
    planned = preview(store, dataset, old, new)
    # labels that were set natively are journalled first: each is a decision of its own
    writing.reconcile(store, dataset, who=who)
    place, merges = store.classes(dataset.id).index(old), planned.kind == "merge"
    queue = f"{'Merge' if merges else 'Rename'} {old} into {planned.new}"
    made = _entry(dataset, old, planned.new, who=who, source=source, queue=queue, place=place, merges=merges)
    moved = _carry_out(store, made)
    return replace(planned, samples=moved - planned.excluded, batch=made.batch)


def finish(store: SampleStore, entry: JournalEntry) -> int:
    """Carry a change of the class list to its end where it had begun, and drop it where it had not; returns how many
    samples were relabelled. An undo's samples are the caller's.
    """
    if not begun(store, entry):
        store.journal_settle([entry.id], "refused")
        return 0
    moved = _move(store, entry) if _is_forward(entry) else 0
    settle(store, entry)
    return moved


def begun(store: SampleStore, entry: JournalEntry) -> bool:
    """Whether the class list is as ``entry`` makes it."""
    classes = store.classes(entry.dataset_id)
    if entry.new is not None and (entry.old is None or entry.undoes):
        return entry.new in classes
    return entry.old not in classes


def settle(store: SampleStore, entry: JournalEntry) -> None:
    """A change of the class list is done, its samples included."""
    taken = writing.takes_back(entry)
    if taken:
        store.journal_mark_undone([taken])
    store.journal_settle([entry.id], "applied")


def refusal(store: SampleStore, entry: JournalEntry) -> str:
    """Why a change of the class list cannot be made now, in one sentence; empty where it can."""
    if entry.old is None:
        return ""
    if entry.old not in store.classes(entry.dataset_id):
        now = _now(store, entry.dataset_id, entry.old)
        done = begun(store, entry) if entry.undoes and entry.new else now == (entry.new or entry.old)
        return "" if done else f"There is no class {entry.old!r} any more; the classes stay as they are."
    carried = len(store.carrying(entry.dataset_id, entry.old)) if entry.new is None else 0
    return f"{carried:,} images are labelled {entry.old!r} by now; the class stays." if carried else ""


def apply(store: SampleStore, entry: JournalEntry, *, moving: Collection[str] = ()) -> None:
    """Change the class list as an entry says; once more does no harm. ``moving`` are the samples that follow it."""
    if begun(store, entry):
        return
    classes = list(store.classes(entry.dataset_id))
    if entry.old is None and entry.new is not None:
        place = place_of(entry)
        classes.insert(len(classes) if place is None else place, entry.new)
        renamed = {old: new for old, new in store.renamed(entry.dataset_id).items() if old != entry.new}
        store.set_classes(entry.dataset_id, classes, renamed=renamed)
    elif entry.old is not None and entry.new is None:
        store.set_classes(entry.dataset_id, [one for one in classes if one != entry.old])
    elif entry.old is not None and entry.new is not None and entry.undoes:
        place, keeps = place_of(entry), merged(entry)
        restore(store, entry.dataset_id, entry.new, entry.old, place=place, moving=moving, keeps=keeps)
    elif entry.old is not None and entry.new is not None:
        replace_class(store, entry.dataset_id, entry.old, entry.new)


def replace_class(store: SampleStore, dataset_id: str, old: str, new: str) -> None:
    """Change the class list so that ``new`` stands where ``old`` stood, or for both where it is there already."""
    classes = store.classes(dataset_id)
    merges = new in classes
    after = [one for one in classes if one != old] if merges else [new if one == old else one for one in classes]
    renamed = {name: new if into == old else into for name, into in store.renamed(dataset_id).items() if name != new}
    store.set_classes(dataset_id, after, renamed={**renamed, old: new})


def restore(
    store: SampleStore,
    dataset_id: str,
    old: str,
    new: str,
    *,
    place: int | None,
    moving: Collection[str],
    keeps: bool = False,
) -> None:
    """Put the class list back as it was before ``old`` became ``new``, at ``place``; labels are the caller's.

    ``new`` stays beside it where it was there before (``keeps``), or where more images than ``moving`` carry it.
    """
    classes = list(store.classes(dataset_id))
    if old in classes:
        return
    if new in classes and not keeps and store.carrying(dataset_id, new) <= set(moving):
        classes[classes.index(new)] = old
    else:
        classes.insert(len(classes) if place is None else min(place, len(classes)), old)
    renamed = {name: into for name, into in store.renamed(dataset_id).items() if name != old}
    if new not in classes:
        renamed[new] = old
    store.set_classes(dataset_id, classes, renamed=renamed)


def place_of(entry: JournalEntry) -> int | None:
    """Where in the list the old class had stood."""
    place = entry.evidence.partition("\n")[0].removeprefix("place=")
    return int(place) if place.isdecimal() else None


def merged(entry: JournalEntry) -> bool:
    """Whether the new class had been there beside the old one."""
    return _MERGE in entry.evidence.split("\n")


def current(label: str | None, classes: Sequence[str], renamed: Mapping[str, str]) -> str | None:
    """The class that a name stands for now."""
    seen: set[str] = set()
    while label is not None and label not in classes and label in renamed and label not in seen:
        seen.add(label)
        label = renamed[label]
    return label


def in_words_of_now(
    labels: Iterable[Any], classes: Sequence[str], renamed: Mapping[str, str]
) -> npt.NDArray[np.object_]:
    """Labels of then, each under the name that its class has now; what is no class keeps its own."""
    given = list(labels)
    names = {one: current(one, classes, renamed) for one in dict.fromkeys(given) if isinstance(one, str)}
    found = np.empty(len(given), dtype=object)
    found[:] = [names.get(one, one) for one in given]
    return found


def renamed_run(predictions: Predictions, classes: Sequence[str], renamed: Mapping[str, str]) -> Predictions:
    """A run's predictions in the words of now: a renamed class has its new name, merged classes are added up."""
    names = in_words_of_now(predictions.classes, classes, renamed).tolist()
    if tuple(names) == predictions.classes:
        return predictions
    kept = list(dict.fromkeys(names))
    if len(kept) == len(names):  # nothing merged: the same numbers, not a copy of them
        said = renamed_answers(predictions.answers, classes, renamed)
        return replace(predictions, classes=said.classes, label=said.label, given=said)
    probabilities = np.zeros((len(predictions), len(kept)), dtype=np.float32)
    for column, name in enumerate(names):
        probabilities[:, kept.index(name)] += predictions.probabilities[:, column]
    return predictions.under(tuple(kept), probabilities, in_words_of_now(predictions.label, classes, renamed))


def renamed_answers(answers: Answers, classes: Sequence[str], renamed: Mapping[str, str]) -> Answers:
    """As :func:`renamed_run` for a run's answers alone; of merged classes the likelier one speaks for both."""
    names = in_words_of_now(answers.classes, classes, renamed).tolist()
    if tuple(names) == answers.classes:
        return answers
    kept = list(dict.fromkeys(names))
    places = np.array([kept.index(name) for name in names], dtype=np.int32)
    label = in_words_of_now(answers.label, classes, renamed)
    return replace(answers, classes=tuple(kept), chosen=places[answers.chosen], label=label)


def _carry_out(store: SampleStore, made: JournalEntry) -> int:
    """Journal a change of the class list, make it, and settle it; returns how many samples were relabelled."""
    store.journal_add([made])
    apply(store, made)
    moved = _move(store, made) if _is_forward(made) else 0
    settle(store, made)
    return moved


def _is_forward(entry: JournalEntry) -> bool:
    """Whether all images of one class get another."""
    return None not in (entry.old, entry.new) and not entry.undoes


def _unfinished(
    store: SampleStore, dataset: DatasetInfo, old: str, new: str, *, who: str, source: Source
) -> JournalEntry | None:
    """The renaming of ``old`` into ``new`` that a crash left half done; a new entry where there was none of it yet."""
    gone = old not in store.classes(dataset.id) and _now(store, dataset.id, old) == new
    mine = [e for e in store.journal_pending() if (e.dataset_id, e.kind, e.old) == (dataset.id, "class", old)]
    found = next((entry for entry in mine if _is_forward(entry) and (gone or entry.new == new)), None)
    if found is None and gone and store.carrying(dataset.id, old):
        place = store.classes(dataset.id).index(new)
        found = _entry(dataset, old, new, who=who, source=source, queue=f"Rename {old} into {new}", place=place)
        store.journal_add([found])
    return found


def _now(store: SampleStore, dataset_id: str, name: str | None) -> str | None:
    return current(name, store.classes(dataset_id), store.renamed(dataset_id))


def _move(store: SampleStore, change: JournalEntry) -> int:
    """Relabel until nothing carries the old class: somebody may give it while this goes on."""
    moved = 0
    for _ in range(20):
        ids = sorted(store.carrying(change.dataset_id, str(change.old)))
        if not ids:
            break
        for start in range(0, len(ids), CHUNK):
            states = store.label_states(change.dataset_id, ids[start : start + CHUNK]).values()
            new = _now(store, change.dataset_id, change.new)
            entries = [_moving(change, state, new) for state in states if state.label == change.old]
            moved += sum(writing.write(store, change.dataset_id, entries).values())
    return moved


def _entry(
    dataset: DatasetInfo,
    old: str | None,
    new: str | None,
    *,
    who: str,
    source: Source,
    queue: str,
    place: int,
    batch: str | None = None,
    merges: bool = False,
) -> JournalEntry:
    """A change of the class list: nothing becomes ``new``, or ``old`` becomes nothing, or the one the other."""
    return JournalEntry(
        id=new_id(),
        dataset_id=dataset.id,
        sample_id="",
        kind="class",
        old=old,
        new=new,
        who=who,
        at=datetime.now(UTC),
        source=source,
        queue=queue,
        batch=batch or uuid.uuid4().hex,
        state="pending",
        reviewed=False,
        evidence=f"place={place}" + (f"\n{_MERGE}" if merges else ""),
        token=uuid.uuid4().hex,
    )


def _moving(change: JournalEntry, state: LabelState, new: str | None) -> JournalEntry:
    return replace(
        change,
        id=new_id(),
        sample_id=state.sample_id,
        kind="rename",
        new=new,
        at=datetime.now(UTC),  # of each chunk: the whole may take minutes
        state="pending",
        was_reviewed=state.reviewed,
        reviewed=state.reviewed,  # a new name says nothing about whether the label is right
        was_excluded=state.excluded,
        excluded=state.excluded,
        content_hash=state.content_hash,
        follows=state.entry_id,
        redoes=None,
        token=uuid.uuid4().hex,
    )
