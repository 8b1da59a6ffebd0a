"""Finishing what a crash left: decisions between journal and label, changes of the classes half done."""

from datetime import UTC, datetime, timedelta

from core.domain.decisions import JournalEntry
from core.domain.errors import NotFound
from core.review import classes, undoing, writing
from core.store.base import SampleStore


def recover(store: SampleStore, *, older_than: float = 0.0) -> int:
    """Finish what is pending for ``older_than`` seconds at least; returns the number of entries that are applied now.

    A change of the classes that had not begun is dropped: nobody was told that it was made. One that images still
    follow is left to whoever makes it.
    """
    pending = store.journal_pending(older_than=older_than)
    applied = writing.finish(store, [entry for entry in pending if entry.sample_id])
    changes = [entry for entry in pending if not entry.sample_id and not _goes_on(store, entry, older_than)]
    for change in changes:
        if change.undoes and classes.begun(store, change):
            _undo_the_rest(store, change)
        classes.finish(store, change)
    settled = store.journal_by_ids([change.id for change in changes])
    return applied + sum(entry.state == "applied" for entry in settled.values())


def _goes_on(store: SampleStore, change: JournalEntry, older_than: float) -> bool:
    """Whether an image followed it less than ``older_than`` seconds ago: its own entry has the time of its start."""
    if not older_than:
        return False
    since = datetime.now(UTC) - timedelta(seconds=older_than)
    recent = [*store.journal(change.dataset_id, limit=None, since=since), *store.journal_pending()]
    return any(entry.batch == change.batch and entry.at > since for entry in recent)


def _undo_the_rest(store: SampleStore, change: JournalEntry) -> None:
    """The images that a rename had moved and its undo, which a crash broke off, had not brought back yet."""
    taken = store.journal_by_ids([change.undoes or ""]).get(change.undoes or "")
    if taken is None:
        return
    try:
        dataset = store.dataset_by_id(change.dataset_id)
    except NotFound:  # put away meanwhile
        return
    rest = [entry for entry in store.journal_by_batch(dataset.id, taken.batch) if entry.kind == "rename"]
    undoing.undo_entries(store, dataset, rest, who=change.who, source=change.source, named=change.batch)
