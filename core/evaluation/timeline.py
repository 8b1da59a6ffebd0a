"""All runs over the corrections made: what each said of itself, and what it is worth under the labels of now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.evaluation.intervals import Estimate, share
from core.runs.predictions import Answers


@dataclass(frozen=True, slots=True)
class Moment:
    """A run. ``corrections`` counts the labels that changed since the first run given, in all splits; ``own`` is its
    accuracy under the labels that it was trained with, ``now`` under those of now; ``samples`` is how many the latter
    is of.
    """

    run: str
    created_at: float
    corrections: int
    own: Estimate | None
    now: Estimate | None
    samples: int


def timeline(runs: Iterable[tuple[str, float, Answers]], split: str, labels: Mapping[str, str | None]) -> list[Moment]:
    """``runs`` (name, time of creation in Unix seconds, predictions) oldest first; ``labels`` are those of now."""
    moments: list[Moment] = []
    before: dict[str, str | None] = {}
    corrections = 0
    for name, created_at, predictions in runs:
        then = dict(zip(predictions.sample_id.tolist(), predictions.label.tolist(), strict=True))
        corrections += sum(before[i] != label for i, label in then.items() if i in before and before[i] is not None)
        before |= then
        rows = predictions.where(split)
        chosen = rows.predicted.tolist()
        ids = rows.sample_id.tolist()
        own = [c == label for c, label in zip(chosen, rows.label.tolist(), strict=True) if label is not None]
        now = [c == labels[i] for c, i in zip(chosen, ids, strict=True) if labels.get(i) is not None]
        moments.append(
            Moment(
                run=name,
                created_at=created_at,
                corrections=corrections,
                own=share(sum(own), len(own)) if own else None,
                now=share(sum(now), len(now)) if now else None,
                samples=len(now),
            )
        )
    return moments
