"""What the single view shows of one sample beside its picture: its file, its neighbours, what runs say, its history."""

import os
from typing import Any

from core.domain.errors import LabelloopError
from core.review.spec import FINDING_TITLES
from core.workspace import Workspace

NEIGHBOURS = 5
CLASSES = 5  # of the newest run, the most probable
HISTORY = 12


def of(workspace: Workspace, dataset_id: str, sample_id: str) -> dict[str, Any]:
    """One JSON object. What cannot be had (no embedding yet, no run) is empty.

    Raises:
        NotFound: no such dataset or sample.
    """
    name = workspace.name_of(dataset_id)
    sample = workspace.sample(dataset_id, sample_id)
    frame = workspace.samples(name)
    place = int(frame["sample_id"].to_numpy().searchsorted(sample_id))
    row = frame.iloc[place]
    return {
        "sample": sample_id,
        "file": os.path.basename(sample.filepath).encode("utf-8", "replace").decode(),
        "folder": os.path.dirname(sample.filepath).encode("utf-8", "replace").decode(),
        "width": sample.width,
        "height": sample.height,
        "bytes": int(row["size_bytes"]),
        "split": sample.split,
        "label": sample.label,
        "neighbours": _neighbours(workspace, name, sample_id),
        "run": (run := workspace.newest_with_predictions(name, prefer="instant")),
        "probabilities": _probabilities(workspace, run, sample_id),
        "findings": _findings(workspace, name, sample_id),
        "generation": _generation(workspace, dataset_id, sample_id),
        "history": [
            {
                "kind": entry.kind,
                "old": entry.old,
                "new": entry.new,
                "who": entry.who,
                "at": entry.at.timestamp(),
                "source": entry.source,
                "undo": entry.undoes is not None,
                "undone": entry.undone,
            }
            for entry in workspace.review.history(name, sample_id)[:HISTORY]
        ],
    }


def _generation(workspace: Workspace, dataset_id: str, sample_id: str) -> dict[str, str]:
    made = workspace.store.generation(dataset_id, sample_id)
    if made is None:
        return {}
    settings = [f"{name} {value}" for name in ("steps", "cfg", "seed") if (value := getattr(made, name)) is not None]
    parts = {
        "Prompt": made.prompt,
        "Negative prompt": made.negative_prompt,
        f"Made with {made.tool}": ", ".join(filter(None, [made.model, made.sampler, *settings])),
    }
    return {name: text for name, text in parts.items() if text}


def _neighbours(workspace: Workspace, dataset: str, sample_id: str) -> list[dict[str, Any]]:
    try:
        found = workspace.neighbours.of(dataset, sample_id, k=NEIGHBOURS)
    except LabelloopError:
        return []
    return [
        {
            "sample": one.sample_id,
            "label": one.label,
            "split": one.split,
            "similar": round(100 * max(0.0, 1.0 - one.distance)),
            "hash": one.content_hash[:8],
        }
        for one in found
    ]


def _probabilities(workspace: Workspace, run: str | None, sample_id: str) -> list[tuple[str, float]]:
    if run is None:
        return []
    rows = workspace.predictions(run)
    found = (rows.sample_id == sample_id).nonzero()[0]
    if not len(found):
        return []
    chances = rows.probabilities[int(found[0])]
    best = chances.argsort()[::-1][:CLASSES]
    return [(rows.classes[at], round(float(chances[at]), 4)) for at in best]


def _findings(workspace: Workspace, dataset: str, sample_id: str) -> list[dict[str, str]]:
    found = []
    for kind in workspace.review.finding_kinds(dataset):
        table = workspace.review.findings(dataset, kind)
        mine = table[(table["sample_id"] == sample_id).to_numpy()]
        found += [{"kind": FINDING_TITLES.get(kind, kind), "detail": str(detail)} for detail in mine["detail"][:1]]
    return found
