"""Adding, renaming and merging classes: journalled as one batch, undone as one, safe while others label.

The class list changes first, and the old name is kept beside it as renamed: a decision that still speaks of the old
class lands in the new one (:func:`current`). Then every sample is relabelled through the journal, until none is left.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from core.domain.decisions import JournalEntry, LabelState, Source, new_id
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo
from core.review import writing
from core.runs.predictions import Predictions
from core.store.base import SampleStore

CHUNK = 1_000  # samples relabelled at a time
LONGEST = 100  # characters of a name


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


def add(store: SampleStore, dataset: DatasetInfo, name: str) -> tuple[str, ...]:
    """Add a class at the end of the list; returns the classes.

    Raises:
        BadInput: a name that no class can have, or one that is there already.
    """
    name, classes = checked_name(name), store.classes(dataset.id)
    if name in classes:
        raise BadInput(f"{dataset.name!r} has a class {name!r} already.")
    renamed = {old: new for old, new in store.renamed(dataset.id).items() if old != name}
    store.set_classes(dataset.id, [*classes, name], renamed=renamed)
    return (*classes, name)


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
    planned = preview(store, dataset, old, new)
    batch = uuid.uuid4().hex
    # labels that were set natively are journalled first: each is a decision of its own
    writing.reconcile(store, dataset, who=who)
    place = store.classes(dataset.id).index(old)
    replace_class(store, dataset, old, new)
    queue = f"{'Merge' if planned.kind == 'merge' else 'Rename'} {old} into {new}"
    moved = _move(store, dataset, old, new, who=who, source=source, queue=queue, batch=batch, place=place)
    return replace(planned, samples=moved - planned.excluded, batch=batch)


def replace_class(store: SampleStore, dataset: DatasetInfo, old: str, new: str) -> None:
    """Change the class list so that ``new`` stands where ``old`` stood, or for both where it is there already."""
    classes = store.classes(dataset.id)
    merges = new in classes
    after = [one for one in classes if one != old] if merges else [new if one == old else one for one in classes]
    renamed = {name: new if into == old else into for name, into in store.renamed(dataset.id).items() if name != new}
    store.set_classes(dataset.id, after, renamed={**renamed, old: new})


def restore(store: SampleStore, dataset: DatasetInfo, old: str, new: str, *, place: int | None = None) -> None:
    """Put the class list back as it was before ``old`` became ``new``, at ``place``; labels are the caller's.

    A class that was there before (a merge), or that somebody gave to other images since, stays beside it.
    """
    classes = list(store.classes(dataset.id))
    if old in classes:
        return
    renames = [entry for entry in store.journal(dataset.id, limit=None) if entry.kind == "rename"]
    born = {entry.sample_id for entry in renames if (entry.old, entry.new) == (old, new)}
    frame = store.frame(dataset.id)
    carry = set(frame["sample_id"][(frame["label"] == new).to_numpy()].tolist())
    if new in classes and carry <= born:
        classes[classes.index(new)] = old
    else:
        classes.insert(len(classes) if place is None else min(place, len(classes)), old)
    renamed = {name: into for name, into in store.renamed(dataset.id).items() if name != old}
    if new not in classes:
        renamed[new] = old
    store.set_classes(dataset.id, classes, renamed=renamed)


def current(label: str | None, classes: Sequence[str], renamed: Mapping[str, str]) -> str | None:
    """The class that a name stands for now."""
    seen: set[str] = set()
    while label is not None and label not in classes and label in renamed and label not in seen:
        seen.add(label)
        label = renamed[label]
    return label


def renamed_run(predictions: Predictions, classes: Sequence[str], renamed: Mapping[str, str]) -> Predictions:
    """A run's predictions in the words of now: a renamed class has its new name, merged classes are added up."""
    names = [current(name, classes, renamed) or name for name in predictions.classes]
    if tuple(names) == predictions.classes:
        return predictions
    kept = list(dict.fromkeys(names))
    probabilities = np.zeros((len(predictions), len(kept)), dtype=np.float32)
    for column, name in enumerate(names):
        probabilities[:, kept.index(name)] += predictions.probabilities[:, column]
    return predictions.under(tuple(kept), probabilities)


def _move(
    store: SampleStore,
    dataset: DatasetInfo,
    old: str,
    new: str,
    *,
    who: str,
    source: Source,
    queue: str,
    batch: str,
    place: int,
) -> int:
    """Relabel until nothing carries the old class: somebody may give it while this goes on."""
    moved, now = 0, datetime.now(UTC)
    for _ in range(20):
        frame = store.frame(dataset.id)
        ids = frame["sample_id"][(frame["label"] == old).to_numpy()].tolist()
        if not ids:
            break
        for start in range(0, len(ids), CHUNK):
            states = store.label_states(dataset.id, ids[start : start + CHUNK]).values()
            entries = [
                _entry(dataset, state, new, who=who, at=now, source=source, queue=queue, batch=batch, place=place)
                for state in states
                if state.label == old
            ]
            moved += sum(writing.write(store, dataset.id, entries).values())
    return moved


def _entry(
    dataset: DatasetInfo,
    state: LabelState,
    new: str,
    *,
    who: str,
    at: datetime,
    source: Source,
    queue: str,
    batch: str,
    place: int,
) -> JournalEntry:
    return JournalEntry(
        id=new_id(),
        dataset_id=dataset.id,
        sample_id=state.sample_id,
        kind="rename",
        old=state.label,
        new=new,
        who=who,
        at=at,
        source=source,
        queue=queue,
        batch=batch,
        state="pending",
        was_reviewed=state.reviewed,
        reviewed=state.reviewed,  # a new name says nothing about whether the label is right
        was_excluded=state.excluded,
        excluded=state.excluded,
        content_hash=state.content_hash,
        follows=state.entry_id,
        evidence=f"place={place}",
        token=uuid.uuid4().hex,
    )
