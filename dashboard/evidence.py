"""What the single view shows of one sample beside its picture: its file, its neighbours, what runs say, its history."""

import os
from typing import Any

from core.domain.errors import LabelloopError, NotFound
from core.domain.generation import CLAIM, Generation
from core.review.spec import FINDING_TITLES
from core.workspace import Workspace

NEIGHBOURS = 5
TOGETHER = 6
CLASSES = 5  # of the run, the most probable
HISTORY = 12
RAW = 20_000  # characters of each raw text; a drawn graph of ComfyUI may be megabytes


def of(workspace: Workspace, dataset_id: str, sample_id: str, run: str | None = None) -> dict[str, Any]:
    """One JSON object. What cannot be had (no embedding yet, no run) is empty. Without ``run`` the newest instant run
    is heard.

    Raises:
        NotFound: no such dataset or sample, or the run is not of this dataset.
    """
    name = workspace.name_of(dataset_id)
    sample = workspace.sample(dataset_id, sample_id)
    if run is not None and workspace.run(run).dataset != name:
        raise NotFound(f"{run} is no run of this dataset.")
    run = run or workspace.newest_with_predictions(name, prefer="instant")
    frame = workspace.samples(name)
    place = int(frame["sample_id"].to_numpy().searchsorted(sample_id))
    row = frame.iloc[place]
    made = workspace.store.generation(dataset_id, sample_id)
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
        "run": run,
        "probabilities": _probabilities(workspace, name, run, sample_id),
        "findings": _findings(workspace, name, sample_id),
        "together": _together(workspace, name, sample_id),
        "generation": {} if made is None else _generation(made),
        "raw": [] if made is None else [(key, _cut(text)) for key, text in made.raw.items()],
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


def _generation(made: Generation) -> dict[str, str]:
    settings = [f"{name} {value}" for name in ("steps", "cfg", "seed") if (value := getattr(made, name)) is not None]
    if made.scheduler and made.scheduler != made.sampler:
        settings.insert(0, f"scheduler {made.scheduler}")
    if made.width and made.height:
        settings.append(f"{made.width} × {made.height} asked for")
    model = f"{made.model or 'a model'} ({made.model_hash})" if made.model_hash else made.model
    loras = (lora.name if lora.weight is None else f"{lora.name} at {lora.weight:g}" for lora in made.loras)
    parts = {
        "Prompt": made.prompt,
        "Negative prompt": made.negative_prompt,
        f"Made with {made.tool}": ", ".join(filter(None, [model, made.sampler, *settings])),
        "LoRAs": ", ".join(loras),
        "C2PA claims, not proof": "; ".join(made.claims),
        "Read from": made.source,
    }
    if made.tool == CLAIM:  # the claims say it all, and no tool is known
        del parts[f"Made with {made.tool}"]
    return {name: text for name, text in parts.items() if text}


def _cut(text: str) -> str:
    return text if len(text) <= RAW else f"{text[:RAW]} … ({len(text) - RAW:,} more characters)"


def _together(workspace: Workspace, dataset: str, sample_id: str) -> dict[str, Any]:
    """The images that splits keep with this one, and why; empty where there are none."""
    found = workspace.splits.together(dataset, sample_id)
    if found is None:
        return {}
    shown = [
        {"sample": one["sample_id"], "label": one["label"], "split": one["split"], "hash": one["content_hash"][:8]}
        for one in found.others[:TOGETHER].to_dict("records")
    ]
    return {"count": len(found.others), "why": found.why, "samples": shown}


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


def _probabilities(workspace: Workspace, dataset: str, run: str | None, sample_id: str) -> list[tuple[str, float]]:
    if run is None:
        return []
    chances = workspace.review.chances(dataset, run, sample_id)
    best = sorted(chances, key=lambda name: chances[name], reverse=True)[:CLASSES]
    return [(name, round(chances[name], 4)) for name in best]


def _findings(workspace: Workspace, dataset: str, sample_id: str) -> list[dict[str, str]]:
    found = []
    for kind, table in workspace.review.findings_by_kind(dataset).items():
        mine = table[(table["sample_id"] == sample_id).to_numpy()]
        found += [{"kind": FINDING_TITLES.get(kind, kind), "detail": str(detail)} for detail in mine["detail"][:1]]
    return found
