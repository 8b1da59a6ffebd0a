"""What datasets are called and were: a run or job names its dataset by what it was called on that day."""

from collections.abc import Iterable
from dataclasses import dataclass

_AWAY = " (put away)"


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
        return self.name if self.put_away is None else f"{self.name}{_AWAY}"

    @property
    def plain(self) -> bool:
        """Whether it has always had its name."""
        return self.put_away is None and not self.former

    @property
    def held(self) -> tuple[tuple[str, float], ...]:
        """Every name that it ever had, each with the moment until which it had it; infinity for the one that it has."""
        return (*self.former, (self.name, float("inf") if self.put_away is None else self.put_away))


def owner(namings: Iterable[Naming], name: str, at: float) -> Naming | None:
    """The dataset that had ``name`` at the moment ``at``: of those that ever had it, the one that gave it up first
    thereafter, else the one that has it still; None where there is none. Whatever was asked for before a dataset was
    there, as its first import is, belongs to it too.
    """
    held = [(until, one) for one in namings for was, until in one.held if was == name and until > at]
    return min(held, key=lambda found: found[0])[1] if held else None


def last_owner(namings: Iterable[Naming], name: str) -> Naming | None:
    """The dataset that gave up ``name`` last; None where none did."""
    gone = [(until, one) for one in namings for was, until in one.held if was == name and until < float("inf")]
    return max(gone, key=lambda found: found[0])[1] if gone else None


def whereabouts(namings: Iterable[Naming], name: str) -> str:
    """What became of the dataset that was called ``name``, as a sentence with a blank before it; "" where none was."""
    last = last_owner(namings, name.removesuffix(_AWAY))
    if last is None:
        return ""
    if last.put_away is not None:
        return f" {last.name!r} is put away; bring it back first."
    return f" {name!r} is called {last.name!r} now."
