"""The merged queue: the best of all sources in one order, with every reason why an image is there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from core.review.memory import HitRate, question
from core.review.ranking import Ranked
from core.review.table import Table

PRIORS = {
    "suspicious": 0.6,
    "label-conflict": 0.6,
    "prompt-mismatch": 0.4,
    "disagreement": 0.3,
    "misclassified": 0.3,
    "leak": 0.5,
    "exact-duplicate": 0.3,
    "near-duplicate": 0.2,
    "missing-file": 0.9,
    "blurred": 0.2,
    "dark": 0.2,
    "bright": 0.2,
    "flat": 0.4,
    "tiny": 0.2,
    "odd-shape": 0.1,
    "outlier": 0.3,
}
"""How often a source is right before anybody decided on its images; what people decide soon outweighs it."""
_STRENGTH = 10  # a prior counts as much as this many decisions
_OTHER = 0.2


def merge(sources: Sequence[Ranked], rates: Mapping[str, HitRate], table: Table) -> tuple[Ranked, list[str]]:
    """All sources in one: an image's score is the chance that at least one of its sources is right.

    Returns the ranking and, for each of its rows, the questions of all its sources (one ``evidence``).
    """
    missed: defaultdict[int, float] = defaultdict(lambda: 1.0)
    asked: defaultdict[int, list[tuple[float, str, str, str | None]]] = defaultdict(list)
    for ranked in sources:
        weight = trust(ranked.source, rates.get(ranked.source))
        for at, row in enumerate(ranked.rows.tolist()):
            chance = weight * ranked.score[at]
            missed[row] *= 1.0 - min(chance, 0.999)
            suggestion = ranked.suggestion[at]
            why = ranked.reason[at] or ranked.source
            asked[row].append((chance, question(ranked.source, ranked.says[at]), why, suggestion))
    rows = sorted(missed, key=lambda row: (missed[row], row))
    evidence, reasons, suggestions = [], [], []
    for row in rows:
        strongest = sorted(asked[row], key=lambda one: -one[0])
        evidence.append("\n".join(one[1] for one in strongest))
        reasons.append(" · ".join(dict.fromkeys(one[2] for one in strongest)))
        wanted = [one[3] for one in strongest if one[3] is not None and one[3] != table.label[row]]
        suggestions.append(wanted[0] if wanted else None)
    suggestion = np.empty(len(rows), dtype=object)
    suggestion[:] = suggestions
    merged = Ranked(
        source="merged",
        rows=np.array(rows, dtype=np.intp),
        suggestion=suggestion,
        reason=reasons,
        says=[""] * len(rows),
        score=[1.0 - missed[row] for row in rows],
    )
    return merged, evidence


def trust(source: str, rate: HitRate | None) -> float:
    """The chance that an image of a source is wrong: its prior, moved by what people decided on its images."""
    prior = PRIORS.get(source, _OTHER)
    if rate is None:
        return prior
    return (prior * _STRENGTH + rate.wrong) / (_STRENGTH + rate.decided)
