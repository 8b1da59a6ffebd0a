"""The keyboard grid: thumbnails, keys, decisions over our own route. JavaScript and CSS lie beside this file."""

import json
import os
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.domain.samples import DatasetInfo
from core.review.queues import Queue, QueueItem
from core.workspace import Workspace
from core.workspace.remembered import Remembered
from dashboard import palette, state

_SCRIPTS = (
    "sender.js",
    "model.js",
    "view.js",
    "heat.js",
    "zoom.js",
    "select.js",
    "people.js",
    "grid.js",
)  # one module, in this order
_RECENT = 30
_SQUARE = 0.12  # closer to a square than this is a square
_SPLITS = {"train": "t", "val": "v", "test": "e"}
_HERE = Path(__file__).parent
FIRST = 1000  # images that come with the page; the rest follows by /api/queue
PART = 20_000  # images in one answer there
NEAR = 20_000  # images of a dataset, up to which the nearest of one are found too quickly to be in a key press's way
_kept: deque["_Kept"] = deque(maxlen=8)
_shapes: Remembered[float] = Remembered(4)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A queue as a page drew it: what is asked for later is the same list."""

    items: Sequence[QueueItem]
    dataset: DatasetInfo
    first: str
    token: str


def draw(
    workspace: Workspace,
    dataset: DatasetInfo,
    items: Sequence[QueueItem],
    *,
    queue_title: str,
    key: str,
    height: int | None = None,
    rail: bool = True,
    heading: bool = True,
    read_at: float | None = None,
    rerun: bool = False,
    shared: bool = False,
    run: str | None = None,
) -> None:
    """Draw ``items`` as a keyboard grid.

    ``height`` is in pixels (``None``: as tall as the window allows). Without ``rail`` the classes are a strip under
    the tiles, for narrow panels; without ``heading`` the title is left to the page. ``key`` names the place on the
    page: one that shows the same ``queue_title`` again keeps its tiles, focus, selection and saved marks. ``read_at``
    is the time (unix) just before ``items`` were read, so that a decision made meanwhile is not painted over.
    ``rerun`` draws the page again after decisions. ``shared``: several people work on this queue; each is handed what
    nobody else has before them. ``run`` is the run that the queue goes by; the single view shows what it says.
    """
    kept = _keep(items, dataset)
    payload = _joined(
        kept.first,
        {
            "total": len(items),
            "rest": kept.token if len(items) > FIRST else None,
            "identity": f"{dataset.id} {key} {queue_title}",
            "at": time.time() - 1 if read_at is None else read_at,
            "dataset": dataset.id,
            "title": queue_title if heading else "",
            "queue": queue_title,
            "height": height,
            "rail": rail,
            "near": rail and dataset.samples <= NEAR,
            "nudge": rerun,
            "shape": _shape(workspace, dataset),
            "me": (me := state.person()),
            "recent": _recent(workspace, dataset, me),
            "held": workspace.review.leased(dataset.name, but=me) if shared else {},
            "shared": shared,
            "run": run,
        },
    )
    _component()(key=key, data=payload, on_decided_change=_nothing)


def part(token: str, start: int) -> str | None:
    """The images of a drawn queue from ``start`` on, as :func:`columns` in JSON. None if it is no longer kept."""
    kept = next((one for one in list(_kept) if one.token == token), None)
    return None if kept is None else json.dumps(columns(_cut(kept.items, start, start + PART), kept.dataset))


def columns(items: Sequence[QueueItem], dataset: DatasetInfo) -> dict[str, Any]:
    """The queue as columns: a tenth of the size of a list of objects, and one string for all ids."""
    labels, suggestions, reasons, evidence, confidences, hashes, splits, reviewed, files, excluded = _lists(items)
    others = {name for name in {*labels, *suggestions} if name is not None}
    names = [*dataset.classes, *sorted(others.difference(dataset.classes))]
    place: dict[str | None, int] = {None: -1, **{name: at for at, name in enumerate(names)}}
    texts: dict[str, int] = {}
    asked: dict[str, int] = {}
    return {
        "names": names,
        "colours": [palette.colour_of(name, dataset.classes) for name in names],
        "assignable": len(dataset.classes),
        "counts": [dataset.labels.get(name, 0) for name in names],
        "ids": "".join(items.ids if isinstance(items, Queue) else [item.sample_id for item in items]),
        "hashes": "".join(hashes),
        "labels": [place[name] for name in labels],
        "suggestions": [place[name] for name in suggestions],
        "confidences": list(confidences),
        "reasons": [texts.setdefault(reason, len(texts)) for reason in reasons],
        "texts": list(texts),
        "splits": "".join([_SPLITS.get(split, " ") for split in splits]),
        "reviewed": "".join(["1" if one else "0" for one in reviewed]),
        "excluded": "".join(["1" if one else "0" for one in excluded]),
        "evidence": [asked.setdefault(why, len(asked)) for why in evidence],
        "questions": list(asked),
        "files": "/".join(files),  # what no file's name has in it
    }


def _lists(items: Sequence[QueueItem]) -> tuple[Sequence[Any], ...]:
    """What the columns are made of, from a queue's own columns where it has them."""
    if isinstance(items, Queue):
        hashes = [_short(one) for one in items.column("content_hash")]
        files = [os.path.basename(one) for one in items.column("filepath")]
        said = (items.labels, items.suggestions, items.reasons, items.evidence, items.confidences)
        return (*said, hashes, items.column("split"), items.column("reviewed"), files, [items.excluded] * len(items))
    rows = [
        (
            item.label, item.suggestion, item.reason, item.evidence, round((item.confidence or 0) * 100),
            _short(item.content_hash), item.split, item.reviewed, os.path.basename(item.filepath), item.excluded,
        )
        for item in items
    ]  # fmt: skip
    return tuple(zip(*rows, strict=True)) if rows else ((),) * 10


def _short(content_hash: str) -> str:
    return content_hash[:8].ljust(8, "0")


def _keep(items: Sequence[QueueItem], dataset: DatasetInfo) -> _Kept:
    """The queue with the JSON of its first images. The last few are kept as long as they are the same."""
    for known in list(_kept):
        if known.items is items and known.dataset is dataset:
            return known
    kept = _Kept(items, dataset, json.dumps(columns(_cut(items, 0, FIRST), dataset)), secrets.token_hex(16))
    _kept.append(kept)
    return kept


def _cut(items: Sequence[QueueItem], start: int, stop: int) -> Sequence[QueueItem]:
    return items.part(start, stop) if isinstance(items, Queue) else items[start:stop]


def _joined(text: str, more: dict[str, Any]) -> bytes:
    return f"{text[:-1]}, {json.dumps(more)[1:]}".encode()


def script() -> str:
    """The component's JavaScript: one module."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)


def _recent(workspace: Workspace, dataset: DatasetInfo, me: str) -> list[dict[str, Any]]:
    """The last decisions that were not taken back, a batch a line, newest first: everybody's, and ``me``'s own however
    much others decided since.
    """
    found = {entry.id: entry for who in (None, me) for entry in workspace.journal(dataset.name, limit=300, who=who)}
    batches: dict[str, dict[str, Any]] = {}
    for _, entry in sorted(found.items(), reverse=True):
        if entry.undone or entry.undoes or not entry.sample_id:
            continue
        line = batches.setdefault(entry.batch, {"batch": entry.batch, "undone": False, "who": entry.who, "entries": []})
        line["entries"].append([entry.sample_id, entry.old, entry.new, entry.kind])
    lines = list(batches.values())
    mine = [line["batch"] for line in lines if line["who"] == me][:_RECENT]
    kept = {line["batch"] for line in lines[:_RECENT]}.union(mine)
    return [line for line in lines if line["batch"] in kept]


def _shape(workspace: Workspace, dataset: DatasetInfo) -> float:
    """Width by height of a tile: that of the middle image, so that most fill their tile."""
    frame = workspace.samples(dataset.name)

    def made() -> float:
        ratio = float((frame["width"] / frame["height"].clip(lower=1)).median()) if len(frame) else 1.0
        return 1.0 if not abs(ratio - 1) > _SQUARE else round(min(max(ratio, 0.7), 1.6), 2)

    return _shapes.of(dataset.id, (frame,), made)


def _nothing() -> None:
    """The component asks for a rerun by changing a value; the rerun is all there is to do."""


@cache
def _component() -> Any:
    return st.components.v2.component(
        "labelloop-grid", js=script(), css=(_HERE / "grid.css").read_text(encoding="utf-8"), html="<div></div>"
    )
