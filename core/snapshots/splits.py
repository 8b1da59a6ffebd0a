"""Train, val and test: stratified by label, seeded, groups (exact duplicates) kept on one side. Pure arithmetic."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from core.domain.samples import Split

Group = TypeVar("Group", str, bytes)
SHARES: Mapping[Split, float] = {"train": 0.70, "val": 0.15, "test": 0.15}


def assign(
    labels: Sequence[str | None],
    groups: Sequence[str],
    *,
    seed: int,
    existing: Sequence[tuple[str | None, str, Split]] = (),
    allowed: Sequence[Split] = ("train", "val", "test"),
) -> list[Split]:
    """A split for each new sample.

    Samples of one group get one split; a group that ``existing`` (label, group, split) holds already keeps its split
    there. Per label, each split is filled up to its share of all samples, old and new. ``allowed`` leaves splits out:
    without "test", a test split that was used stays as it is. Every label with two samples or more has one outside
    train where val or test is allowed.
    """
    known = {group: split for _, group, split in existing}
    counts: dict[str | None, Counter[Split]] = defaultdict(Counter)
    for label, _, split in existing:
        counts[label][split] += 1
    sizes = Counter(groups)
    of_several = _labels_of_several(labels, groups, sizes)
    new_by_label: dict[str | None, set[str]] = defaultdict(set)
    placed: dict[str, Split] = {}
    for label, group in zip(labels, groups, strict=True):
        if group in known:
            placed[group] = known[group]
            counts[label][known[group]] += 1
        else:
            new_by_label[_commonest(of_several[group]) if group in of_several else label].add(group)
    generator = np.random.default_rng(seed)
    for label in sorted(new_by_label, key=lambda name: (name is None, name or "")):
        names = sorted(new_by_label[label])
        order = [names[i] for i in generator.permutation(len(names))]
        placed.update(_fill(order, [sizes[group] for group in order], counts[label], allowed))
    return [placed[group] for group in groups]


def crossing(groups: Sequence[Group], splits: Sequence[str]) -> set[Group]:
    """The groups that lie in more than one split: leaks, where a folder brought its own splits."""
    first: dict[Group, str] = {}
    return {group for group, split in zip(groups, splits, strict=True) if first.setdefault(group, split) != split}


def _fill(
    groups: Sequence[str], sizes: Sequence[int], have: Counter[Split], allowed: Sequence[Split]
) -> dict[str, Split]:
    total = sum(sizes) + sum(have.values())
    held_out: tuple[Split, ...] = ("test", "val")
    room = {split: round(SHARES[split] * total) - have[split] for split in held_out if split in allowed}
    if total >= 2 and room and not any(have[s] + max(0, room[s]) for s in room):
        room[next(iter(room))] = 1
    if "train" in allowed and have["train"] == 0:  # at least one group must be left to learn from
        limit = total - 1
        for split, wanted in room.items():
            room[split] = min(wanted, limit)
            limit -= max(0, room[split])
    placed: dict[str, Split] = {}
    for group, size in zip(groups, sizes, strict=True):
        target: Split = "train" if "train" in allowed else allowed[0]
        for split, free in room.items():
            if free >= size:
                target = split
                room[split] -= size
                break
        placed[group] = target
    return placed


def _labels_of_several(
    labels: Sequence[str | None], groups: Sequence[str], sizes: Mapping[str, int]
) -> dict[str, list[str | None]]:
    """The labels of each group of two or more; most groups are of one, and of those nothing is kept here."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for label, group in zip(labels, groups, strict=True):
        if sizes[group] > 1:
            found[group].append(label)
    return found


def _commonest(labels: Sequence[str | None]) -> str | None:
    return Counter(labels).most_common(1)[0][0]
