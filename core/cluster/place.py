"""Where a run works: this machine or a Ray cluster, by how many workers; set for the workspace or said for a run."""

import os
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from core.domain.errors import BadInput
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths, WorkspacePaths

ADDRESS, WORKERS = "LABELLOOP_RAY_ADDRESS", "LABELLOOP_WORKERS"
MOST_WORKERS = 1024
HERE = "this machine"
_FORM = re.compile(r"(ray://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Place:
    """``ray`` is the address of a cluster, "HOST:PORT", or "" for this machine.

    Raises:
        BadInput: no address, or no number of workers.
    """

    ray: str = ""
    workers: int = 1

    def __post_init__(self) -> None:
        if self.ray and (not (found := _FORM.fullmatch(self.ray)) or not 0 < int(found.group(3)) < 65_536):
            raise BadInput(f"The address of a Ray cluster is HOST:PORT, such as 10.0.0.1:6379, not {self.ray!r}.")
        if not isinstance(self.workers, int) or not 1 <= self.workers <= MOST_WORKERS:
            raise BadInput(f"The number of workers must lie between 1 and {MOST_WORKERS:,}, not {self.workers}.")

    @property
    def plain(self) -> bool:
        """Whether it is one process on this machine, which needs nothing of this package."""
        return not self.ray and self.workers == 1

    @property
    def words(self) -> str:
        """For a person: "this machine", "2 workers on this machine", "4 workers on Ray at 10.0.0.1:6379"."""
        where = f"Ray at {self.ray}" if self.ray else HERE
        return f"{self.workers} workers on {where}" if self.workers > 1 else where

    @property
    def target(self) -> tuple[str, int]:
        """Host and port of the cluster."""
        host, _, port = self.ray.removeprefix("ray://").rpartition(":")
        return host.strip("[]"), int(port)

    @classmethod
    def read(cls, document: Any) -> Self:
        """From a spec or a settings file; what is spoilt there is this machine."""
        if not isinstance(document, dict):
            return cls()
        try:
            return cls(str(document.get("ray", "")), int(document.get("workers", 1)))
        except (BadInput, TypeError, ValueError):
            return cls()


def of_run(paths: RunPaths) -> Place:
    """Where a run works, or goes on."""
    moved = read_json(paths.place)
    return Place.read(moved if moved is not None else (read_json(paths.spec) or {}).get("place"))


def move(paths: RunPaths, place: Place) -> None:
    """Have a run that does not work now go on elsewhere."""
    write_json(paths.place, asdict(place))


def of_workspace(workspace: WorkspacePaths) -> Place:
    """Where runs work unless something else is said: the environment, else the workspace's settings.

    Raises:
        BadInput: the environment holds no address, or no number.
    """
    kept = Place.read(read_json(workspace.cluster))
    address, workers = os.environ.get(ADDRESS, "").strip(), os.environ.get(WORKERS, "").strip()
    if workers and not workers.isdecimal():
        raise BadInput(f"{WORKERS} must be a whole number, not {workers!r}.")
    return Place(address or kept.ray, int(workers) if workers else kept.workers)


def keep(workspace: WorkspacePaths, place: Place) -> None:
    """Make it the workspace's setting."""
    write_json(workspace.cluster, asdict(place))
