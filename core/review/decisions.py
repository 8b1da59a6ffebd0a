"""Decisions: checked against what the sample is now, then written by :mod:`core.review.writing`.

A token is applied once, so that a client may send the same decision again.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.domain.decisions import KINDS, Decision, JournalEntry, LabelState, Outcome, Source, new_id
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo
from core.review import writing
from core.review.classes import current
from core.store.base import SampleStore

_BY_SOMEBODY = "Somebody changed this image since it was shown"


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
        BadInput: a label is not a class of the dataset, or there is no such kind; nothing was written.
    """
    decisions = [_in_words_of_now(store, dataset, decision) for decision in decisions]
    batch = batch or uuid.uuid4().hex
    outcomes: list[Outcome] = []
    for distinct in _without_repeats(decisions):
        outcomes.extend(_decide(store, dataset, distinct, who=who, source=source, queue=queue, batch=batch))
    if any(decision.kind == "relabel" for decision in decisions):
        return _after_rename(store, dataset, outcomes, who=who, source=source, queue=queue, batch=batch)
    return outcomes


def _in_words_of_now(store: SampleStore, dataset: DatasetInfo, decision: Decision) -> Decision:
    """A page that was drawn before a class was renamed still speaks of the old one; what is meant is the new one."""
    if decision.kind not in KINDS:
        raise BadInput(f"There is no decision {decision.kind!r}; there are: {', '.join(KINDS)}.")
    strange = decision.seen is not None and decision.seen not in dataset.classes
    wrong = decision.kind == "relabel" and decision.label not in dataset.classes
    if not (strange or wrong):
        return decision
    renamed = store.renamed(dataset.id)
    label = current(decision.label, dataset.classes, renamed)
    if decision.kind == "relabel" and label not in dataset.classes:
        known = ", ".join(dataset.classes)
        raise BadInput(f"{decision.label!r} is not a class of {dataset.name!r}; its classes are: {known}.")
    return replace(decision, label=label, seen=current(decision.seen, dataset.classes, renamed))


def _after_rename(
    store: SampleStore,
    dataset: DatasetInfo,
    outcomes: list[Outcome],
    *,
    who: str,
    source: Source,
    queue: str,
    batch: str,
) -> list[Outcome]:
    """A class may have been renamed while it was given: then its images follow it."""
    classes = store.classes(dataset.id)
    late = {at: o for at, o in enumerate(outcomes) if o.saved and o.label is not None and o.label not in classes}
    late = {at: o for at, o in late.items() if current(o.label, classes, store.renamed(dataset.id)) in classes}
    if not late:
        return outcomes
    renamed = store.renamed(dataset.id)
    again = [
        Decision(o.sample_id, "relabel", current(o.label, classes, renamed), o.label, uuid.uuid4().hex)
        for o in late.values()
    ]
    fresh = replace(dataset, classes=classes)
    followed = _decide(store, fresh, again, who=who, source=source, queue=queue, batch=batch)
    for at, outcome in zip(late, followed, strict=True):
        outcomes[at] = outcome if outcome.saved else outcomes[at]
    return outcomes


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
        writing.adopt(store, dataset.id, edited, who=who)
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
        elif stale := _changed(decision, state):
            outcomes[decision.token] = _stale(state, stale)
        elif (decision.kind, state.excluded) in (("exclude", True), ("restore", False)):
            outcomes[decision.token] = Outcome(
                state.sample_id, saved=True, label=state.label, entry_id=state.entry_id, excluded=state.excluded
            )
        else:
            entries.append(_entry(dataset, decision, state, who=who, at=now, source=source, queue=queue, batch=batch))
    applied = writing.write(store, dataset.id, entries)
    refused = [entry.sample_id for entry in entries if not applied[entry.token]]
    current = store.label_states(dataset.id, refused) if refused else {}
    for entry in entries:
        if applied[entry.token]:
            outcomes[entry.token] = Outcome(
                entry.sample_id, saved=True, label=entry.new, entry_id=entry.id, excluded=entry.excluded
            )
        else:
            outcomes[entry.token] = _stale(current[entry.sample_id])
    return [outcomes[decision.token] for decision in decisions]


def _entry(
    dataset: DatasetInfo,
    decision: Decision,
    state: LabelState,
    *,
    who: str,
    at: datetime,
    source: Source,
    queue: str,
    batch: str,
) -> JournalEntry:
    relabels = decision.kind == "relabel"
    return JournalEntry(
        id=new_id(),
        dataset_id=dataset.id,
        sample_id=decision.sample_id,
        kind="confirm" if relabels and decision.label == state.label else decision.kind,
        old=state.label,
        new=decision.label if relabels else state.label,
        who=who,
        at=at,
        source=source,
        queue=queue,
        batch=batch,
        state="pending",
        was_reviewed=state.reviewed,
        token=decision.token,
        reviewed=state.reviewed or decision.kind in ("relabel", "confirm"),
        excluded={"exclude": True, "restore": False}.get(decision.kind, state.excluded),
        was_excluded=state.excluded,
        content_hash=state.content_hash,
        suggestion=decision.suggestion,
        evidence=decision.evidence,
        follows=state.entry_id,
    )


def _repeated(entry: JournalEntry, state: LabelState) -> Outcome:
    if entry.state == "applied":
        return Outcome(entry.sample_id, saved=True, label=state.label, entry_id=entry.id, excluded=state.excluded)
    return _stale(state)


def _changed(decision: Decision, state: LabelState) -> str:
    """What is not any more as it was shown to whoever decided; empty where all is."""
    if state.label != decision.seen or decision.seen_excluded not in (None, state.excluded):
        return _BY_SOMEBODY
    if state.content_hash and not state.content_hash.startswith(decision.seen_content):
        return "The picture in this file changed since it was shown"
    return ""


def _stale(state: LabelState, what: str = _BY_SOMEBODY) -> Outcome:
    label = "no label" if state.label is None else f"“{state.label}”"
    label += " and is excluded" if state.excluded else ""
    reason = f"{what}: it has {label} now. Decide again."
    return Outcome(
        state.sample_id,
        saved=False,
        label=state.label,
        reason=reason,
        excluded=state.excluded,
        content=state.content_hash,
    )


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
