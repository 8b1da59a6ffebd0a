"""Where the workspace lies."""

import os
from pathlib import Path

import platformdirs

from core.domain.errors import BadInput


def locate(root: Path | None) -> Path:
    """The workspace's folder: the one given, else ``LABELLOOP_WORKSPACE``, else the user's data folder; made if absent.

    Raises:
        BadInput: it is a file, or it cannot be made.
    """
    named = root or os.environ.get("LABELLOOP_WORKSPACE") or platformdirs.user_data_path("labelloop")
    folder = Path(named).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInput(f"{str(folder)!r} is a file; a workspace is a folder.") from None
    except OSError as error:
        raise BadInput(f"The workspace {str(folder)!r} cannot be made ({error.strerror or error}).") from None
    if not os.access(folder, os.W_OK):
        raise BadInput(f"labelloop may not write into the workspace {str(folder)!r}; choose another with --workspace.")
    return folder.resolve()
