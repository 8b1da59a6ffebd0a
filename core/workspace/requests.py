"""What is asked of a workspace, checked before anything is written."""

import getpass
import os
from pathlib import Path
from typing import Any

import pandas as pd
import platformdirs

from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo


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


def check_trainable(info: DatasetInfo, frame: pd.DataFrame) -> None:
    """Whether there is something to learn from.

    Raises:
        BadInput: fewer than two classes have images in train.
    """
    train = frame[frame["split"] == "train"]["label"].dropna()
    found = [name for name in info.classes if (train == name).any()]
    if len(found) < 2:
        has = f"only {found[0]!r} has" if found else "no class has"
        raise BadInput(f"Training needs at least two classes with images in train, and {has}; label or import more.")


def dataset_name(name: str) -> str:
    """A dataset's name without blanks around it.

    Raises:
        BadInput: a name that no dataset can have.
    """
    name = name.strip()
    if not name:
        raise BadInput("The dataset needs a name.")
    if len(name) > 100 or any(not character.isprintable() for character in name):
        raise BadInput("A dataset's name has at most 100 characters, all of them printable.")
    if not any(character.isalnum() for character in name):
        raise BadInput("A dataset's name needs at least one letter or digit.")
    return name


def same_request(spec: Any, other: dict[str, Any]) -> bool:
    """Whether a run of ``spec`` is what ``other`` asks for: a second click."""
    return spec is not None and all(spec.get(key) == other[key] for key in ("dataset", "snapshot", "options"))


def login() -> str:
    """The name of whoever runs this process, as the journal records it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return "someone"
