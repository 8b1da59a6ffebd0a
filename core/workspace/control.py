"""Steering runs and jobs from outside: pause, resume, stop, retry, the order of the queues, and what was lost."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.domain.errors import BadInput, LabelloopError
from core.jobs import devices, folders
from core.jobs.restart import restart
from core.runs import notes
from core.runs.layout import RunPaths
from core.workspace.views import RunView, read_view

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

WATCH_SECONDS = 5.0
RECOVERED_KINDS = ("train", "embed", "search")  # an import is asked for again by whoever wanted it
RECOVER_WITHIN = 14 * 86_400.0  # seconds: what was lost longer ago is not missed any more


class Control:
    """Says what runs and jobs are to do, by the small files in their folders."""

    def __init__(self, workspace: "Workspace", launch: Callable[[RunPaths], None]) -> None:
        self._workspace = workspace
        self._launch = launch
        self._closing = threading.Event()

    def pause(self, run: str) -> None:
        """Ask a run to save where it is and to let its device go; one that waits leaves its queue.

        Raises:
            BadInput: it does not go, or it is no network.
        """
        view = self._workspace.run(run)
        if view.kind not in ("train", "search") or view.options.get("model") == "instant":
            raise BadInput(f"{view.name} cannot pause; only networks and searches can.")
        if not view.active:
            raise BadInput(f"{view.name} is {view.state}; only what waits or runs can pause.")
        self._workspace.run_paths(run).pause.touch()

    def resume(self, run: str) -> None:
        """Have a paused or lost run go on at its last checkpoint. A second call changes nothing.

        Raises:
            BadInput: it has ended.
        """
        view, paths = self._workspace.run(run), self._workspace.run_paths(run)
        if view.active:
            paths.pause.unlink(missing_ok=True)  # it was asked to pause and has not yet
            return
        if view.state not in ("paused", "lost"):
            raise BadInput(f"{view.name} is {view.state}; only a paused run can be resumed.")
        self._refuse_renamed(view)
        self._start(paths, by="person")

    def stop(self, run: str) -> None:
        """Ask a run to end here and keep its best epoch; one that has none yet is cancelled.

        Raises:
            BadInput: it has ended, or it is no training run.
        """
        view, paths = self._workspace.run(run), self._workspace.run_paths(run)
        if view.kind != "train":
            raise BadInput(f"{view.name} is no training run; it can be cancelled.")
        if not view.active and view.state != "paused":
            raise BadInput(f"{view.name} has ended already: {view.state}.")
        if not view.metrics and view.state != "running":
            paths.cancel.touch()
            return
        paths.stop.touch()
        if view.state == "paused":
            self._start(paths, by="person")

    def retry(self, run: str) -> None:
        """Start a run or job that failed, was cancelled or was lost once more, at its last checkpoint if it has one.

        Raises:
            BadInput: it goes, or it succeeded.
        """
        view = self._workspace.run(run)
        if view.active:
            return  # a second click
        if view.state == "succeeded":
            raise BadInput(f"{view.name} succeeded; run it again exactly, or train anew.")
        self._refuse_renamed(view)
        paths = self._workspace.run_paths(run)
        paths.stop.unlink(missing_ok=True)
        self._start(paths, by="person")

    def asked(self, run: str) -> str:
        """What a run was asked for and has not done yet: "cancel", "stop", "pause" or ""."""
        paths = self._workspace.run_paths(run)
        return next((file.name for file in (paths.cancel, paths.stop, paths.pause) if file.exists()), "")

    def queues(self) -> dict[str, list[RunView]]:
        """Who waits for which device, the next one first."""
        found = {}
        for device, names in devices.queues(self._workspace.paths).items():
            views = []
            for name in names:
                with contextlib.suppress(LabelloopError):
                    views.append(self._workspace.run(name))
            found[device] = views
        return found

    def place(self, run: str) -> tuple[str, int] | None:
        """The device that a run waits for and how many are before it; None where it does not wait."""
        for device, names in devices.queues(self._workspace.paths).items():
            if run in names:
                return device, names.index(run)
        return None

    def move(self, run: str, place: int) -> None:
        """Put a waiting run at ``place`` of its queue, 0 being the next.

        Raises:
            BadInput: it does not wait for a device.
        """
        name = self._workspace.run(run).name
        if not devices.move(self._workspace.paths, name, place):
            raise BadInput(f"{name} does not wait for a device.")

    def recover(self) -> list[str]:
        """Start again what was lost when its processes were killed or the computer went down; returns the names."""
        found = []
        for paths in [
            *folders.listed(self._workspace.paths.runs),
            *folders.listed(self._workspace.paths.jobs),
            *folders.listed(self._workspace.paths.searches),
        ]:
            if paths.exit.exists():
                continue
            view = read_view(paths)
            recent = time.time() - float(view.status.get("heartbeat") or view.created_at) < RECOVER_WITHIN
            if view.state != "lost" or view.kind not in RECOVERED_KINDS or not recent or notes.read(paths).archived:
                continue
            with contextlib.suppress(OSError):  # a full disk, a folder that is going away: the next look tries again
                if self._start(paths, by="recovery"):
                    found.append(paths.name)
        return found

    def watch(self) -> None:
        """Recover now and then, as long as this process lives; for the dashboard."""

        def look() -> None:
            while not self._closing.wait(WATCH_SECONDS):
                with contextlib.suppress(OSError, LabelloopError):
                    self.recover()

        threading.Thread(target=look, name="recover lost runs", daemon=True).start()

    def close(self) -> None:
        """End the watch."""
        self._closing.set()

    def _refuse_renamed(self, view: RunView) -> None:
        """What goes on needs its dataset; all but a run, which has its snapshot, ask for it by the name of then."""
        then = str(view.spec.get("dataset"))
        if view.dataset == then:
            return
        if view.dataset not in self._workspace.names():
            raise BadInput(f"{view.name} works on {then!r}, which is put away; bring that back first.")
        if view.kind != "train":
            raise BadInput(f"{view.name} was asked for when {view.dataset!r} was called {then!r}; start it anew.")

    def _start(self, paths: RunPaths, *, by: str) -> bool:
        return restart(paths, self._launch, by=by)
