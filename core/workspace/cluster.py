"""Where networks train: this machine or a Ray cluster. Asked for, kept, looked at."""

from typing import TYPE_CHECKING

from core.cluster import place
from core.cluster.look import Capacity, look
from core.cluster.place import Place
from core.domain.errors import BadInput

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


class Cluster:
    """The workspace's cluster, where it has one."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    @property
    def place(self) -> Place:
        """Where networks train unless something else is said.

        Raises:
            BadInput: the environment holds no address, or no number.
        """
        return place.of_workspace(self._workspace.paths)

    def asked(self, *, ray: str | None = None, workers: int | None = None, here: bool = False) -> Place | None:
        """A place from what was said of it; what was not said is as in the settings. None where nothing was said.

        Raises:
            BadInput: no address, or no number; or both a cluster and this machine.
        """
        if ray and here:
            raise BadInput("Give --ray or --here, not both.")
        if ray is None and workers is None and not here:
            return None
        kept = self.place
        address = "" if here else kept.ray if ray is None else ray
        return Place(address, workers if workers is not None else 1 if here else kept.workers)

    def keep(self, where: Place) -> None:
        """Make it the workspace's setting."""
        place.keep(self._workspace.paths, where)

    def look(self, where: Place) -> Capacity:
        """What the cluster has; takes seconds.

        Raises:
            BadInput: it does not answer, or does not take our token; Ray is not installed.
        """
        return look(where)

    def of(self, run: str) -> Place:
        """Where a run works, or would go on."""
        return place.of_run(self._workspace.run_paths(run))

    def move(self, run: str, where: Place) -> None:
        """Have a run that does not work now go on elsewhere once it is resumed or retried.

        Raises:
            BadInput: it works, or waits.
        """
        view = self._workspace.run(run)
        if view.active:
            raise BadInput(f"{view.name} is {view.state}; pause it, and resume it elsewhere.")
        place.move(self._workspace.run_paths(run), where)
