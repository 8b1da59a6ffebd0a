"""Mirrors and alerts of a workspace."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.errors import BadInput
from core.tracking import alerts, settings
from core.tracking.alerts import Alert
from core.tracking.settings import Settings

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


class Tracking:
    """Where runs are mirrored, and what was alerted."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def settings(self) -> Settings:
        """The settings; all off where there are none."""
        return settings.read(self._workspace.paths)

    def change(self, **fields: Any) -> Settings:
        """Change some of the settings; files and folders are named from the home folder unless they are named in full.

        Raises:
            BadInput: a value that cannot be.
        """
        changed = settings.rooted(replace(self.settings(), **fields), Path.home())
        settings.write(self._workspace.paths, changed)
        return changed

    def mirror(self, run: str) -> dict[str, str]:
        """Mirror a run that has ended now; where each mirror put it, or why it could not.

        Raises:
            NotFound: no such run.
            BadInput: it has not ended, or no mirror is on.
        """
        from core.workspace import mirroring

        chosen = self.settings()
        if not chosen.mirrors:
            raise BadInput("No mirror is on: labelloop tracking --mlflow URI, --comet FOLDER or --tensorboard FOLDER.")
        return mirroring.mirror(self._workspace.run_paths(run), chosen)

    def alerts(self, dataset: str | None = None) -> list[Alert]:
        """What was alerted, newest first."""
        return [one for one in alerts.told(self._workspace.paths) if dataset is None or one.dataset == dataset]
