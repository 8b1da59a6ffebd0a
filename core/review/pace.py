"""How fast people decide: images an hour, over the time that they were at it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from core.domain.decisions import JournalEntry

BREAK = timedelta(minutes=5)  # a longer time without a decision is a break
BY_HAND = ("grid", "fiftyone")  # a script or a table changes thousands of labels in no time
COUNTED = ("relabel", "confirm", "exclude", "restore", "skip", "unsure")
FIRST = timedelta(seconds=2)  # what the first decision after a break is taken to have needed


@dataclass(frozen=True, slots=True)
class Pace:
    """``images`` decided on in ``seconds`` of work, breaks left out."""

    images: int
    seconds: float

    @property
    def per_hour(self) -> float | None:
        """Images an hour, None where too little was done to say."""
        return self.images / self.seconds * 3600 if self.images >= 5 else None


def pace(entries: Iterable[JournalEntry]) -> Pace:
    """The pace of all people together, each with breaks of their own; many images in one decision count as many.

    What was taken back took its time and decided nothing.
    """
    by_person: dict[str, list[JournalEntry]] = {}
    images = 0
    for entry in entries:
        if entry.kind in COUNTED and entry.source in BY_HAND and not entry.undoes:
            by_person.setdefault(entry.who, []).append(entry)
            images += not entry.undone
    seconds = 0.0
    for made in by_person.values():
        times = sorted(entry.at for entry in made)
        gaps = [FIRST, *(later - earlier for earlier, later in pairwise(times))]
        seconds += sum((gap if gap <= BREAK else FIRST).total_seconds() for gap in gaps)
    return Pace(images, seconds)
