"""Having a run or job go on that ended, paused or was lost."""

import time
from collections.abc import Callable

from core.jobs import attempts, folders
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths
from core.runs.states import is_held, state


def restart(paths: RunPaths, launch: Callable[[RunPaths], None], *, by: str) -> bool:
    """Start a supervisor on a folder; ``by`` as in :func:`attempts.asked`. False where it goes: a second click.

    What it was asked for before is forgotten, but for ``stop``: a paused run may be asked to end with its best epoch.
    """
    with folders.lock_of(paths.folder.parent):
        if is_held(paths.lock) or state(paths) in ("queued", "running"):
            return False
        attempts.asked(paths, by)
        for file in (paths.cancel, paths.pause, paths.error):
            file.unlink(missing_ok=True)
        status = {**(read_json(paths.status) or {}), "phase": "queued", "message": "", "queued_at": time.time()}
        write_json(paths.status, status)
        paths.exit.unlink(missing_ok=True)
    launch(paths)
    return True
