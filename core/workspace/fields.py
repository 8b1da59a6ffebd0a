"""What is known of each sample beside its picture: the fields that slices are cut along."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

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
# Where there are many samples, words one by one are slow: codes and categories are not.
Columns: TypeAlias = dict[str, "list[str | None] | pd.Categorical[str]"]
_WORD = re.compile(r"[^\W\d_]{3,}")
PROMPT = "prompt says"
_WORDS = 40
_NAMES = 40  # tags, and LoRAs, that are looked at, the most frequent
_NO_YES = pd.Index(["no", "yes"])
_DAY = 86_400e9  # in nanoseconds, as files are stamped


def fields(workspace: "Workspace", dataset: str) -> pd.DataFrame:
    """A column a field, indexed by sample id; values are words, as categories, and missing where nothing is known.

    Folders that are named after a class or a split say nothing new and are left out of "folder".
    """
    frame = workspace.samples(dataset)
    info = workspace.dataset(dataset)
    columns: Columns = {
        "folder": _folders(frame["filepath"].tolist(), {*info.classes, *SPLITS}),
        "file type": [os.path.splitext(path)[1].lower().lstrip(".") or None for path in frame["filepath"]],
        "imported from": [str(source) or None for source in frame["source"]],
        "image size": binned(np.sqrt(frame["width"].to_numpy(float) * frame["height"].to_numpy(float)), unit=" px"),
        "shape": _shapes(frame),
        "file size": binned(frame["size_bytes"].to_numpy(float) / 1024, unit=" kB"),
        "file time": _times(frame["mtime_ns"].to_numpy(np.int64)),
        "reviewed": ["yes" if seen else "no" for seen in frame["reviewed"]],
    }
    ids = frame["sample_id"].tolist()
    columns |= _tagged(workspace.store.tags(info.id), ids)
    columns |= _measured(workspace.paths, frame)
    columns |= _generated(dict(workspace.store.generations(info.id)), ids)
    made = {name: v if isinstance(v, pd.Categorical) else pd.Categorical(v) for name, v in columns.items()}
    kept = {name: values for name, values in made.items() if len(values.categories) > 1}
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


def _times(stamps: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "pd.Categorical[str] | list[str | None]":
    """The day, the month or the year (UTC) of each, by how far they lie apart."""
    span = float(np.ptp(stamps)) / _DAY if len(stamps) else 0.0
    if span < 1:
        return [None] * len(stamps)
    unit = "D" if span < 60 else "M" if span < 1500 else "Y"
    known, of = np.unique(stamps.astype("datetime64[ns]").astype(f"datetime64[{unit}]"), return_inverse=True)
    return pd.Categorical.from_codes(of, pd.Index(np.datetime_as_string(known).tolist()))


def _measured(paths: WorkspacePaths, frame: pd.DataFrame) -> Columns:
    """What the health check measured in the pixels, of the samples that it has seen."""
    records, seen = measurements.read(paths, frame["content_hash"].tolist())
    return {
        name: binned(np.where(seen, records[name].astype(np.float64), np.nan), digits=2)
        for name in ("brightness", "contrast", "sharpness")
    }


def _generated(made: dict[str, Generation], ids: list[str]) -> Columns:
    if not made:
        return {}
    each = [made.get(sample_id) for sample_id in ids]
    columns: Columns = {
        MADE_BY: [_maker(one) for one in each],
        "tool": [one.tool or None if one else None for one in each],
        "model": [model_name(one.model) if one and one.model else None for one in each],
        "sampler": [one.sampler or None if one else None for one in each],
        "steps": binned([np.nan if one is None or one.steps is None else one.steps for one in each]),
        "guidance": binned([np.nan if one is None or one.cfg is None else one.cfg for one in each]),
    }
    loras = [{model_name(lora.name) for lora in one.loras} if one else None for one in each]
    columns |= _has(loras, _frequent(loras), "with LoRA {}")
    words = [set(map(str.lower, _WORD.findall(one.prompt))) if one and one.prompt else None for one in each]
    prompted = [one for one in words if one is not None]
    counts = Counter(word for one in prompted for word in one)
    telling = [word for word, count in counts.most_common(400) if 0.03 < count / len(prompted) < 0.97]
    return columns | _has(words, telling[:_WORDS], PROMPT + " “{}”")


def _tagged(tags: Mapping[str, tuple[str, ...]], ids: list[str]) -> Columns:
    """A field a tag, so that each is a slice of its own, whatever other tags its samples have."""
    each: list[set[str] | None] = [set(tags.get(sample_id, ())) for sample_id in ids]
    return _has(each, _frequent(each), "with tag {}")


def _frequent(each: Sequence[set[str] | None]) -> list[str]:
    counts = Counter(name for one in each if one is not None for name in one)
    return [name for name, _ in counts.most_common(_NAMES)]


def _has(each: Sequence[set[str] | None], names: Sequence[str], field: str) -> Columns:
    """A field a name, called as ``field`` says: whether each set holds it, missing where there is no set."""
    place = {name: at for at, name in enumerate(names)}
    codes = np.zeros((len(names), len(each)), dtype=np.int8)
    for row, one in enumerate(each):
        if one is None:
            codes[:, row] = -1
            continue
        for name in one & place.keys():
            codes[place[name], row] = 1
    return {
        field.format(name): pd.Categorical.from_codes(codes[at], _NO_YES).remove_unused_categories()
        for name, at in place.items()
    }


def _maker(one: Generation | None) -> str:
    if one is None:
        return NO_GENERATION
    return f"{model_name(one.model)} ({one.tool})" if one.model else one.tool
