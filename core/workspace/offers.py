"""The queues on offer for a dataset, each with its count and how often it was right so far."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.review.memory import HitRate
from core.review.queues import FINDING_TITLES, QueueSpec

if TYPE_CHECKING:
    from core.workspace.facade import Workspace


@dataclass(frozen=True, slots=True)
class Offer:
    """A queue, how many images it holds, and of those decided on so far how many were wrong (None: none yet)."""

    spec: QueueSpec
    count: int
    rate: HitRate | None


def offers(workspace: "Workspace", dataset: str, *, split: str | None = None) -> list[Offer]:
    """Every queue that makes sense now, the one that mixes the best of all first; empty ones are left out."""
    info = workspace.dataset(dataset)
    rates = workspace.review.hit_rates(dataset)
    finished = [view.name for view in workspace.runs(dataset) if view.state == "succeeded"]
    kinds = workspace.review.finding_kinds(dataset)
    specs = [QueueSpec(kind="merged", split=split)]
    if "suspicious" in kinds:
        specs.append(QueueSpec(kind="finding", finding="suspicious", split=split))
    elif finished:
        specs.append(QueueSpec(kind="suspicious", split=split))
    if finished:
        specs.append(QueueSpec(kind="misclassified", run=finished[0], split=split))
    if len(finished) > 1:
        specs.append(QueueSpec(kind="disagreement", split=split))
    order = [*FINDING_TITLES, *sorted(set(kinds) - set(FINDING_TITLES))]
    found = [kind for kind in order if kind in kinds and kind != "suspicious"]
    specs += [QueueSpec(kind="finding", finding=kind, split=split) for kind in found]
    if finished:
        specs.append(QueueSpec(kind="low-confidence", split=split))
    specs.append(QueueSpec(kind="unlabelled", split=split))
    if "exact-duplicate" not in kinds:
        specs.append(QueueSpec(kind="duplicates", split=split))
    specs += [QueueSpec(kind="audit", split=split), QueueSpec(kind="unsure", split=split)]
    of_classes = [QueueSpec(kind="class", label=name, split=split) for name in info.classes]
    asked = specs if split is None else [*specs, *of_classes]
    sizes = dict(zip(asked, workspace.review.sizes(dataset, asked), strict=True))
    listed = [Offer(spec, sizes[spec], rates.get(spec.source)) for spec in specs]
    everything = info.samples if split is None else info.splits.get(split, 0)
    listed = [offer for offer in listed if offer.count]
    listed.append(Offer(QueueSpec(kind="all", split=split), everything, None))
    if info.excluded:
        listed.append(Offer(QueueSpec(kind="excluded", split=split), info.excluded, None))
    counts = [info.labels.get(name, 0) for name in info.classes] if split is None else map(sizes.get, of_classes)
    return [*listed, *(Offer(spec, count or 0, None) for spec, count in zip(of_classes, counts, strict=True))]
