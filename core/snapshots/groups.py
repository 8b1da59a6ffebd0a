"""Groups: samples that must lie in one split, and why. Pure arithmetic.

Three things tie samples together: the same contents, a confirmed near duplicate, and, for generated images, the same
seed and prompt (such images share their composition, whatever model or sampler made them).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Why = Literal["copy", "likeness", "seed"]
WHY: dict[Why, str] = {
    "copy": "the same file contents",
    "likeness": "near duplicates",
    "seed": "generated from the same seed and prompt",
}


@dataclass(frozen=True, slots=True)
class Groups:
    """``of`` holds a group id for each sample, in order; ``why`` what ties the samples of a group of two or more."""

    of: list[str]
    why: dict[str, tuple[Why, ...]] = field(default_factory=dict)

    def members(self) -> dict[str, list[int]]:
        """The positions of each group of two or more."""
        found: dict[str, list[int]] = defaultdict(list)
        for position, group in enumerate(self.of):
            if group in self.why:
                found[group].append(position)
        return dict(found)


def group(
    contents: Sequence[str],
    likenesses: Iterable[tuple[str, str]] = (),
    origins: Sequence[str | None] = (),
) -> Groups:
    """Group samples by their content hashes, by pairs of hashes that are near duplicates, and by ``origins``: what
    identifies how an image was generated (None where nothing does). A group's id is its smallest content hash.
    """
    union = _Union(list(contents))
    first: dict[str, int] = {}
    for position, content in enumerate(contents):
        if content in first:
            union.join(first[content], position, "copy")
        else:
            first[content] = position
    for left, right in likenesses:
        if left in first and right in first:
            union.join(first[left], first[right], "likeness")
    seen: dict[str, int] = {}
    for position, origin in enumerate(origins):
        if origin is not None:
            union.join(seen.setdefault(origin, position), position, "seed")
    return union.groups()


class _Union:
    """Union-find over positions; the root of a tree is the member with the smallest content."""

    def __init__(self, contents: list[str]) -> None:
        self._contents = contents
        self._parent = list(range(len(contents)))
        self._links: list[tuple[int, Why]] = []

    def join(self, left: int, right: int, why: Why) -> None:
        if left == right:
            return
        first, second = sorted((self._root(left), self._root(right)), key=lambda place: (self._contents[place], place))
        self._parent[second] = first
        self._links.append((left, why))

    def groups(self) -> Groups:
        of = [self._contents[self._root(place)] for place in range(len(self._contents))]
        why: dict[str, set[Why]] = defaultdict(set)
        for place, reason in self._links:
            why[of[place]].add(reason)
        order = list(WHY)
        return Groups(of, {name: tuple(sorted(found, key=order.index)) for name, found in why.items()})

    def _root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place
