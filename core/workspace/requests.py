"""What is asked of a workspace, checked before anything is written."""

import contextlib
import getpass
import os
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

from core.domain.decisions import USER
from core.domain.errors import BadInput
from core.domain.samples import DatasetInfo

VERSIONED = (
    "labelloop",
    "torch",
    "torchvision",
    "lightning-fabric",
    "timm",
    "onnxruntime",
    "scikit-learn",
    "numpy",
    "pillow",
)


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


def without_class(info: DatasetInfo, frame: pd.DataFrame) -> dict[str, int]:
    """Labels that are no class, each with how many images carry it: a run counts those images as unlabelled."""
    labels = frame.loc[~frame["excluded"].to_numpy(dtype=bool), "label"].dropna()
    counts = labels[~labels.isin(info.classes)].value_counts()
    return {str(label): int(count) for label, count in counts.items()}


def told_without_class(found: Mapping[str, int]) -> list[str]:
    """What :func:`without_class` found, a sentence for each label."""
    said = []
    for label, count in found.items():
        images, them = ("1 image is", "it") if count == 1 else (f"{count:,} images are", "them")
        said.append(f"{images} labelled {label!r}, which is no class: a run counts {them} as unlabelled.")
    return said


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
    """The versions that a run's numbers depend on; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
