"""Samples and datasets: what is known of one image, and of a named collection of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.domain.generation import Generation

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
Labels = Literal["now", "run"]
"""Judge a run under the labels of now, or under those that it was trained with."""
LABELS: tuple[Labels, ...] = get_args(Labels)


@dataclass(frozen=True, slots=True)
class NewSample:
    """An image that import has read and found good, not stored yet.

    ``content_hash`` is the SHA-256 of the file's bytes in hex; ``size_bytes`` and ``mtime_ns`` are
    those of the file when it was hashed, so that a later import can tell "unchanged" from a stat. ``generation`` is
    what an image generator wrote into the file, if one made it.
    """

    filepath: str
    label: str | None
    split: Split
    content_hash: str
    size_bytes: int
    mtime_ns: int
    width: int
    height: int
    mime_type: str
    source: str
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a sample's file lies: its path, its time as a stat says it, and the folder that it counts as from."""

    filepath: str
    mtime_ns: int
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored image. ``id`` is FiftyOne's sample id (24 hex digits)."""

    id: str
    filepath: str
    label: str | None
    split: Split
    content_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset at a glance. ``labels`` counts samples by label, unlabelled ones under ``None``.

    All counts are of samples that were not excluded; ``excluded`` counts the others.
    """

    id: str
    name: str
    classes: tuple[str, ...]
    samples: int
    labels: Mapping[str | None, int]
    splits: Mapping[str, int]
    roots: tuple[str, ...]
    excluded: int = 0
