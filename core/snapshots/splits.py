"""Train, val and test: stratified by label, seeded, groups (exact duplicates) kept on one side. Pure arithmetic."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from core.domain.samples import Split

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
    members: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    new_by_label: dict[str | None, list[str]] = defaultdict(list)
    placed: dict[str, Split] = {}
    for group, positions in members.items():
        if group in known:
            placed[group] = known[group]
            for position in positions:
                counts[labels[position]][known[group]] += 1
        else:
            new_by_label[_commonest([labels[p] for p in positions])].append(group)
    generator = np.random.default_rng(seed)
    for label in sorted(new_by_label, key=lambda name: (name is None, name or "")):
        names = sorted(new_by_label[label])
        order = [names[i] for i in generator.permutation(len(names))]
        sizes = [len(members[group]) for group in order]
        placed.update(_fill(order, sizes, counts[label], allowed))
    return [placed[group] for group in groups]


def crossing(groups: Sequence[str], splits: Sequence[str]) -> set[str]:
    """The groups that lie in more than one split: leaks, where a folder brought its own splits."""
    seen: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        seen[group].add(split)
    return {group for group, where in seen.items() if len(where) > 1}


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


def _commonest(labels: Sequence[str | None]) -> str | None:
    return Counter(labels).most_common(1)[0][0]
