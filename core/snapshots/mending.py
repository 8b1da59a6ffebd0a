"""Mending leaks: groups that lie in several splits go into one. Pure arithmetic.

While no run has been judged on test, a group goes where most of it lies (a tie goes to test, then val: what is learnt
from loses least). Once test was used, its images stay where they are, so that figures of old and new runs are read on
the same images; a twin in train or val joins them in test, the one place where it flatters nobody. Runs are compared on
the images that both have in test, so a test split that grew by twins changes no comparison.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from core.domain.samples import Split
from core.snapshots.groups import Groups

_PREFERRED: tuple[Split, ...] = ("test", "val", "train")


@dataclass(frozen=True, slots=True)
class Move:
    """A sample, by its position, on its way from one split to another; ``group`` is why."""

    position: int
    old: Split
    new: Split
    group: str


def crossing(groups: Groups, splits: Sequence[str]) -> dict[str, list[int]]:
    """The groups that lie in more than one split, with the positions of their samples."""
    return {name: rows for name, rows in groups.members().items() if len({splits[row] for row in rows}) > 1}


def mend(groups: Groups, splits: Sequence[str], *, frozen_test: bool) -> list[Move]:
    """The moves after which no group lies in two splits."""
    moves = []
    for name, rows in crossing(groups, splits).items():
        counts = Counter(splits[row] for row in rows)
        target = max(_PREFERRED, key=lambda split: counts[split])  # the first of equals
        if counts["test"] and (frozen_test or target == "val"):  # never into what chooses a network's epoch
            target = "test"
        for row in rows:
            if splits[row] != target:
                moves.append(Move(row, cast(Split, splits[row]), target, name))
    return moves
