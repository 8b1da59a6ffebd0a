"""What is known of each sample beside its picture: the fields that slices are cut along."""

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.domain.generation import Generation
from core.domain.samples import SPLITS
from core.evaluation.slices import binned
from core.runs import measurements
from core.runs.layout import WorkspacePaths

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

NO_GENERATION = "no generator's traces"
MADE_BY = "made by"
_WORD = re.compile(r"[^\W\d_]{3,}")
_WORDS = 40
_DAY = 86_400e9  # in nanoseconds, as files are stamped


def fields(workspace: "Workspace", dataset: str) -> pd.DataFrame:
    """A column a field, indexed by sample id; values are words, ``None`` where nothing is known.

    Folders that are named after a class or a split say nothing new and are left out of "folder".
    """
    frame = workspace.samples(dataset)
    info = workspace.dataset(dataset)
    columns: dict[str, list[str | None]] = {
        "folder": _folders(frame["filepath"].tolist(), {*info.classes, *SPLITS}),
        "file type": [PurePath(path).suffix.lower().lstrip(".") or None for path in frame["filepath"]],
        "imported from": [str(source) or None for source in frame["source"]],
        "image size": binned(np.sqrt(frame["width"].to_numpy(float) * frame["height"].to_numpy(float)), unit=" px"),
        "shape": _shapes(frame),
        "file size": binned(frame["size_bytes"].to_numpy(float) / 1024, unit=" kB"),
        "file time": _times(frame["mtime_ns"].to_numpy(np.float64)),
        "reviewed": ["yes" if seen else "no" for seen in frame["reviewed"]],
    }
    if "tags" in frame.columns:
        columns["tag"] = [", ".join(sorted(tags)) if tags is not None and len(tags) else None for tags in frame["tags"]]
    columns |= _measured(workspace.paths, frame)
    columns |= _generated(dict(workspace.store.generations(info.id)), frame["sample_id"].tolist())
    kept = {name: values for name, values in columns.items() if len({v for v in values if v is not None}) > 1}
    return pd.DataFrame(kept, index=frame["sample_id"].to_numpy(), dtype=object)


def _folders(paths: list[str], empty_words: set[str]) -> list[str | None]:
    parents = [PurePath(path).parent.parts for path in paths]
    if not parents:
        return []
    shared = 0
    while all(len(p) > shared and p[shared] == parents[0][shared] for p in parents):
        shared += 1
    return ["/".join(part for part in p[shared:] if part not in empty_words) or None for p in parents]


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
        "model": [one.model or None if one else None for one in each],
        "sampler": [one.sampler or None if one else None for one in each],
        "LoRA": [", ".join(sorted(lora.name for lora in one.loras)) or "none" if one else None for one in each],
        "steps": binned([np.nan if one is None or one.steps is None else one.steps for one in each]),
        "guidance": binned([np.nan if one is None or one.cfg is None else one.cfg for one in each]),
    }
    words = [set(map(str.lower, _WORD.findall(one.prompt))) if one and one.prompt else None for one in each]
    prompted = [one for one in words if one is not None]
    counts = Counter(word for one in prompted for word in one)
    telling = [word for word, count in counts.most_common(400) if 0.03 < count / len(prompted) < 0.97]
    for word in telling[:_WORDS]:
        columns[f"prompt says “{word}”"] = [None if one is None else "yes" if word in one else "no" for one in words]
    return columns


def _maker(one: Generation | None) -> str:
    if one is None:
        return NO_GENERATION
    return f"{one.model} ({one.tool})" if one.model else one.tool
