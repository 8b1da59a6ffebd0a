"""The merged queue: the best of all sources in one order, with every reason why an image is there.

Its sources are those that say that something is wrong: every kind of finding, the labels that may be wrong, and what
two runs see differently. A run's errors are among these already, weighed by how likely the label is wrong; once more as
"misclassified" they would be one witness heard twice. Low confidence and a missing label say nothing of errors.
"""

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
    size = len(table.ids)
    missed, times = np.ones(size), np.zeros(size, dtype=np.intp)
    evidence, reason, suggestion = (np.empty(size, dtype=object) for _ in range(3))
    chances = []
    for ranked in sources:
        rows, chance = ranked.rows, trust(ranked.source, rates.get(ranked.source)) * np.asarray(ranked.score, float)
        missed[rows] *= 1.0 - np.minimum(chance, 0.999)
        times[rows] += 1
        chances.append(chance)
        asked = {says: question(ranked.source, says) for says in set(ranked.says)}
        evidence[rows] = [asked[says] for says in ranked.says]
        reason[rows] = [why or ranked.source for why in ranked.reason]
        suggestion[rows] = ranked.suggestion
        suggestion[rows[ranked.suggestion == table.label[rows]]] = None
    for row, found in _by_several(sources, chances, times).items():  # few: the others are as their one source says
        strongest = sorted(found, key=lambda one: -one[0])
        evidence[row] = "\n".join(question(ranked.source, ranked.says[at]) for _, ranked, at in strongest)
        reason[row] = " · ".join(dict.fromkeys(ranked.reason[at] or ranked.source for _, ranked, at in strongest))
        wanted = (ranked.suggestion[at] for _, ranked, at in strongest)
        suggestion[row] = next((one for one in wanted if one is not None and one != table.label[row]), None)
    rows = np.flatnonzero(times)
    rows = rows[np.argsort(missed[rows], kind="stable")].astype(np.intp)
    merged = Ranked(
        source="merged",
        rows=rows,
        suggestion=suggestion[rows],
        reason=reason[rows].tolist(),
        says=[""] * len(rows),
        score=(1.0 - missed[rows]).tolist(),
    )
    return merged, evidence[rows].tolist()


def trust(source: str, rate: HitRate | None) -> float:
    """The chance that an image of a source is wrong: its prior, moved by what people decided on its images."""
    prior = PRIORS.get(source, _OTHER)
    if rate is None:
        return prior
    return (prior * _STRENGTH + rate.wrong) / (_STRENGTH + rate.decided)


def _by_several(
    sources: Sequence[Ranked], chances: Sequence[np.ndarray], times: np.ndarray
) -> Mapping[int, list[tuple[float, Ranked, int]]]:
    """By row that several sources name: how sure each is, and where the row stands in it."""
    found: defaultdict[int, list[tuple[float, Ranked, int]]] = defaultdict(list)
    for ranked, chance in zip(sources, chances, strict=True):
        for at in np.flatnonzero(times[ranked.rows] > 1).tolist():
            found[int(ranked.rows[at])].append((float(chance[at]), ranked, at))
    return found
