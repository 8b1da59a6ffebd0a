"""What is known of each sample beside its picture: the fields that slices are cut along."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.domain.generation import Generation
from core.domain.samples import SPLITS
from core.evaluation.slices import binned
from core.runs import measurements
from core.runs.layout import WorkspacePaths
from core.workspace.overview import model_name

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

NO_GENERATION = "no generator's traces"
MADE_BY = "made by"
_WORD = re.compile(r"[^\W\d_]{3,}")
PROMPT = "prompt says"
_WORDS = 40
_NAMES = 40  # tags, and LoRAs, that are looked at, the most frequent
_DAY = 86_400e9  # in nanoseconds, as files are stamped


def fields(workspace: "Workspace", dataset: str) -> pd.DataFrame:
    """A column a field, indexed by sample id; values are words, as categories, and missing where nothing is known.

    Folders that are named after a class or a split say nothing new and are left out of "folder".
    """
    frame = workspace.samples(dataset)
    info = workspace.dataset(dataset)
    columns: dict[str, list[str | None]] = {
        "folder": _folders(frame["filepath"].tolist(), {*info.classes, *SPLITS}),
        "file type": [os.path.splitext(path)[1].lower().lstrip(".") or None for path in frame["filepath"]],
        "imported from": [str(source) or None for source in frame["source"]],
        "image size": binned(np.sqrt(frame["width"].to_numpy(float) * frame["height"].to_numpy(float)), unit=" px"),
        "shape": _shapes(frame),
        "file size": binned(frame["size_bytes"].to_numpy(float) / 1024, unit=" kB"),
        "file time": _times(frame["mtime_ns"].to_numpy(np.float64)),
        "reviewed": ["yes" if seen else "no" for seen in frame["reviewed"]],
    }
    ids = frame["sample_id"].tolist()
    columns |= _tagged(workspace.store.tags(info.id), ids)
    columns |= _measured(workspace.paths, frame)
    columns |= _generated(dict(workspace.store.generations(info.id)), ids)
    kept = {name: pd.Categorical(values) for name, values in columns.items()}
    kept = {name: values for name, values in kept.items() if len(values.categories) > 1}
    return pd.DataFrame(kept, index=frame["sample_id"].to_numpy())


def words(column: "pd.Series[Any]") -> list[str | None]:
    """A column of :func:`fields` as a list, ``None`` where nothing is known."""
    return [value if isinstance(value, str) else None for value in column.tolist()]


def _folders(paths: list[str], empty_words: set[str]) -> list[str | None]:
    folders = [os.path.dirname(path) for path in paths]
    parts = {folder: PurePath(folder).parts for folder in set(folders)}  # far fewer than files
    each, shared = list(parts.values()), 0
    while each and all(len(own) > shared and own[shared] == each[0][shared] for own in each):
        shared += 1
    named = {
        folder: "/".join(part for part in own[shared:] if part not in empty_words) for folder, own in parts.items()
    }
    return [named[folder] or None for folder in folders]


def _shapes(frame: pd.DataFrame) -> list[str | None]:
    ratio = frame["width"].to_numpy(float) / np.maximum(frame["height"].to_numpy(float), 1)
    return ["square" if abs(r - 1) < 0.05 else "landscape" if r > 1 else "portrait" for r in ratio]


def _times(stamps: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[str | None]:
    if not len(stamps):
        return []
    span = float(stamps.max() - stamps.min()) / _DAY
    if span < 1:
        return [None] * len(stamps)
    form = "%Y-%m-%d" if span < 60 else "%Y-%m" if span < 1500 else "%Y"
    return [pd.Timestamp(int(stamp)).strftime(form) for stamp in stamps]


def _measured(paths: WorkspacePaths, frame: pd.DataFrame) -> dict[str, list[str | None]]:
    """What the health check measured in the pixels, of the samples that it has seen."""
    records, seen = measurements.read(paths, frame["content_hash"].tolist())
    return {
        name: binned(np.where(seen, records[name].astype(np.float64), np.nan), digits=2)
        for name in ("brightness", "contrast", "sharpness")
    }


def _generated(made: dict[str, Generation], ids: list[str]) -> dict[str, list[str | None]]:
    if not made:
        return {}
    each = [made.get(sample_id) for sample_id in ids]
    columns: dict[str, list[str | None]] = {
        MADE_BY: [_maker(one) for one in each],
        "tool": [one.tool or None if one else None for one in each],
        "model": [model_name(one.model) if one and one.model else None for one in each],
        "sampler": [one.sampler or None if one else None for one in each],
        "steps": binned([np.nan if one is None or one.steps is None else one.steps for one in each]),
        "guidance": binned([np.nan if one is None or one.cfg is None else one.cfg for one in each]),
    }
    loras = [{model_name(lora.name) for lora in one.loras} if one else None for one in each]
    columns |= {f"with LoRA {name}": _has(loras, name) for name in _frequent(loras)}
    words = [set(map(str.lower, _WORD.findall(one.prompt))) if one and one.prompt else None for one in each]
    prompted = [one for one in words if one is not None]
    counts = Counter(word for one in prompted for word in one)
    telling = [word for word, count in counts.most_common(400) if 0.03 < count / len(prompted) < 0.97]
    columns |= {f"{PROMPT} “{word}”": _has(words, word) for word in telling[:_WORDS]}
    return columns


def _tagged(tags: Mapping[str, tuple[str, ...]], ids: list[str]) -> dict[str, list[str | None]]:
    """A field a tag, so that each is a slice of its own, whatever other tags its samples have."""
    each: list[set[str] | None] = [set(tags.get(sample_id, ())) for sample_id in ids]
    return {f"with tag {name}": _has(each, name) for name in _frequent(each)}


def _frequent(each: Sequence[set[str] | None]) -> list[str]:
    counts = Counter(name for one in each if one is not None for name in one)
    return [name for name, _ in counts.most_common(_NAMES)]


def _has(each: Sequence[set[str] | None], name: str) -> list[str | None]:
    return [None if one is None else "yes" if name in one else "no" for one in each]


def _maker(one: Generation | None) -> str:
    if one is None:
        return NO_GENERATION
    return f"{model_name(one.model)} ({one.tool})" if one.model else one.tool
