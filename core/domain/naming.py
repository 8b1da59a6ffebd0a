"""What datasets are called and were: a run or job names its dataset by what it was called on that day."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one dataset. Moments are Unix seconds.

    ``former`` are names that it gave up, each with the moment until which it had it. ``put_away`` is the moment since
    which it is out of sight, None while it is in use; ``name`` is then the one that it had, which another may have now.
    """

    id: str
    name: str
    former: tuple[tuple[str, float], ...] = ()
    put_away: float | None = None

    @property
    def title(self) -> str:
        """Its name, for people, where datasets that are put away stand among others."""
        return self.name if self.put_away is None else f"{self.name} (put away)"

    @property
    def plain(self) -> bool:
        """Whether it has always had its name."""
        return self.put_away is None and not self.former


def owner(namings: Iterable[Naming], name: str, at: float) -> Naming | None:
    """The dataset that had ``name`` at the moment ``at``: of those that ever had it, the one that gave it up first
    thereafter, else the one that has it still; None where there is none. Whatever was asked for before a dataset was
    there, as its first import is, belongs to it too.
    """
    held = [
        (until, naming)
        for naming in namings
        for was, until in (*naming.former, (naming.name, _until(naming)))
        if was == name and until > at
    ]
    return min(held, key=lambda one: one[0])[1] if held else None


def whereabouts(namings: Iterable[Naming], name: str) -> str:
    """What became of the dataset that was called ``name``, as a sentence with a blank before it; "" where none was."""
    gone = [
        (until, naming)
        for naming in namings
        for was, until in (*naming.former, (naming.name, _until(naming)), (naming.title, _until(naming)))
        if was == name and until < float("inf")
    ]
    if not gone:
        return ""
    last = max(gone, key=lambda one: one[0])[1]
    if last.put_away is not None:
        return f" {last.name!r} is put away; bring it back first."
    return f" {name!r} is called {last.name!r} now."


def _until(naming: Naming) -> float:
    return float("inf") if naming.put_away is None else naming.put_away
