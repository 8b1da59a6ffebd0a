"""What is asked of a workspace, checked before anything is written."""

import getpass
import os
import platform
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import pandas as pd

from core.domain.decisions import USER
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo

VERSIONED = ("labelloop", "torch", "torchvision", "onnxruntime", "scikit-learn", "numpy", "pillow")


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
    """The name of whoever runs this process, as the journal records it: ``LABELLOOP_USER``, or that of the login."""
    named = os.environ.get(USER, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return "someone"


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """The versions that a run's numbers depend on."""
    return {**{name: version(name) for name in VERSIONED}, "python": platform.python_version()}
