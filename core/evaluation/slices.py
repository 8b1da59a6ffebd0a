"""Where is a run weak? Accuracy by any field, the worst slices found, each with how sure that is after many looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from core.evaluation.intervals import Estimate, share

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

LEAST = 8  # samples under which a slice says nothing
_VALUES = 60  # values of a field that are looked at, the most frequent
_PAIRED = 40  # single slices, worst first, that are combined with one another
SURE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Samples that share a value of one field, or of two: ``terms`` are (field, value).

    ``accuracy`` is theirs, ``rest`` that of all others; ``p_value`` is Fisher's exact two-sided test between the two,
    ``adjusted`` the same after Benjamini and Hochberg's correction (1995) over all slices looked at. ``rows`` are
    positions of its samples, the wrong ones first.
    """

    terms: tuple[tuple[str, str], ...]
    samples: int
    right: int
    accuracy: Estimate
    rest: Estimate
    p_value: float
    adjusted: float
    rows: Places

    @property
    def worse(self) -> bool:
        """Weaker than the rest, beyond chance."""
        return self.adjusted < SURE and self.accuracy.value < self.rest.value

    @property
    def name(self) -> str:
        """Like "model: sd_xl, sampler: Euler a"."""
        return ", ".join(f"{field}: {value}" for field, value in self.terms)

    def sentence(self) -> str:
        """In words."""
        one, rest = self.accuracy, self.rest
        how = "beyond chance" if self.adjusted < SURE else "may be chance"
        return (
            f"{self.name}: {one.value:.0%} right ({self.right:,} of {self.samples:,}, likely {one.low:.0%} to "
            f"{one.high:.0%}), all others {rest.value:.0%}; {how}."
        )


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well the class could be guessed from one field alone, never looking at the picture: ``guessed`` is the share
    got right by always taking the field value's most frequent class (each sample judged by the others), ``base`` that
    of always taking the most frequent class of all. ``example`` is a telling (value, class, share, samples).
    """

    field: str
    guessed: Estimate
    base: float
    example: tuple[str, str, float, int]

    @property
    def warns(self) -> bool:
        """Whether a network could do well by looking at traces of this field instead of the subject."""
        return self.guessed.low > self.base + 0.1 and self.guessed.value > 0.7

    def sentence(self) -> str:
        """In words."""
        value, name, part, count = self.example
        return (
            f"{self.field} gives the class away: it alone would be right in {self.guessed.value:.0%} of cases "
            f"(always guessing the largest class: {self.base:.0%}). For instance, {part:.0%} of the {count:,} images "
            f"with {value} are {name}. The network may have learned that instead of the subject."
        )


def by_field(right: Mask, values: Sequence[str | None], field: str) -> list[Slice]:
    """The slices of one field, largest first, without a correction; samples without a value are left out."""
    found = [_slice(right, ((field, value),), mask) for value, mask in _masks(values, least=1)]
    return sorted(_adjusted(found), key=lambda one: -one.samples)


def worst(right: Mask, fields: Mapping[str, Sequence[str | None]], *, pairs: bool = True) -> list[Slice]:
    """All slices of all fields, and pairs of weak ones that are weaker together, weakest evidence last.

    All that were looked at count in the correction, also those not returned: the stronger slices.
    """
    masks: dict[tuple[str, str], Mask] = {}
    for field, values in fields.items():
        for value, mask in _masks(values, least=LEAST):
            masks[field, value] = mask
    everything = [_slice(right, (term,), mask) for term, mask in masks.items()]
    if pairs:
        single = {one.terms[0]: one for one in everything}
        weak = sorted(single, key=lambda term: single[term].accuracy.value)[:_PAIRED]
        for one, other in combinations(weak, 2):
            if one[0] == other[0]:
                continue
            mask = masks[one] & masks[other]
            count = int(mask.sum())
            if count < LEAST or count == min(single[one].samples, single[other].samples):
                continue
            everything.append(_slice(right, (one, other), mask))
    everything = _adjusted(everything)
    alone = {one.terms[0]: one.accuracy.value for one in everything if len(one.terms) == 1}
    weaker = [
        one
        for one in everything
        if one.accuracy.value < one.rest.value
        and (len(one.terms) == 1 or one.accuracy.value < min(alone[term] for term in one.terms) - 0.02)
    ]
    return sorted(weaker, key=lambda one: (one.adjusted, one.accuracy.value - one.rest.value))


def shortcuts(labels: Sequence[str | None], fields: Mapping[str, Sequence[str | None]]) -> list[Shortcut]:
    """How well each field gives the class away, the most telling first."""
    found = []
    for field, values in fields.items():
        pairs = [(v, name) for v, name in zip(values, labels, strict=True) if v is not None and name is not None]
        if len({v for v, _ in pairs}) < 2 or len({name for _, name in pairs}) < 2 or len(pairs) < LEAST:
            continue
        found.append(_shortcut(field, pairs))
    return sorted(found, key=lambda one: -(one.guessed.value - one.base))


def binned(values: npt.ArrayLike, *, unit: str = "", digits: int = 3, parts: int = 4) -> list[str | None]:
    """Numbers as ranges that hold about as many samples each, in words: "under 0.31"; NaN is ``None``."""
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    if len(known) < parts * LEAST or len(np.unique(known)) < 3:
        return [None] * len(numbers)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, parts + 1)[1:-1]))
    names = [f"{edge:.{digits}g}{unit}" for edge in edges]
    words = [f"under {names[0]}"]
    words += [f"{low} to {high}" for low, high in pairwise(names)]
    words.append(f"{names[-1]} or more")
    places = np.searchsorted(edges, numbers, side="right")
    return [None if np.isnan(number) else words[place] for number, place in zip(numbers, places, strict=True)]


def fisher(right: int, samples: int, all_right: int, total: int) -> float:
    """Fisher's exact two-sided p of ``right`` among ``samples``, where ``all_right`` of ``total`` are: the sum over all
    tables that are no likelier than this one.
    """
    low, high = max(0, samples - (total - all_right)), min(samples, all_right)
    k = np.arange(low, high + 1)
    log = _LogFactorials.upto(total)
    weights = -(log[k] + log[all_right - k] + log[samples - k] + log[total - all_right - samples + k])
    weights -= weights.max()
    chances = np.exp(weights)
    own = chances[right - low]
    return float(min(1.0, chances[chances <= own * (1 + 1e-7)].sum() / chances.sum()))


class _LogFactorials:
    """log n! for n up to the largest asked for."""

    _known: npt.NDArray[np.float64] = np.zeros(1)

    @classmethod
    def upto(cls, n: int) -> npt.NDArray[np.float64]:
        if len(cls._known) <= n:
            cls._known = np.r_[0.0, np.log(np.arange(1, 2 * n + 2)).cumsum()]
        return cls._known


def _masks(values: Sequence[str | None], *, least: int) -> Iterator[tuple[str, Mask]]:
    given = np.array(values, dtype=object)
    known = [value for value in given.tolist() if value is not None]
    names, counts = np.unique(np.array(known, dtype=object).astype(str), return_counts=True)
    if len(names) < 2:
        return
    for place in np.argsort(-counts, kind="stable")[:_VALUES]:
        if counts[place] >= least:
            yield str(names[place]), np.asarray(given == names[place], dtype=bool)


def _slice(right: Mask, terms: tuple[tuple[str, str], ...], mask: Mask) -> Slice:
    samples, hits = int(mask.sum()), int(right[mask].sum())
    total, all_hits = len(right), int(right.sum())
    rows = np.flatnonzero(mask)
    p = fisher(hits, samples, all_hits, total) if samples < total else 1.0
    rest = share(all_hits - hits, total - samples)
    ordered = rows[np.argsort(right[rows], kind="stable")]
    return Slice(terms, samples, hits, share(hits, samples), rest, p, p, ordered)


def _adjusted(found: list[Slice]) -> list[Slice]:
    """Benjamini and Hochberg's step-up correction."""
    if not found:
        return []
    p = np.array([one.p_value for one in found])
    order = np.argsort(p)
    stepped = p[order] * len(p) / np.arange(1, len(p) + 1)
    stepped = np.minimum.accumulate(stepped[::-1])[::-1].clip(max=1)
    adjusted = np.empty(len(p))
    adjusted[order] = stepped
    return [replace(one, adjusted=float(value)) for one, value in zip(found, adjusted, strict=True)]


def _shortcut(field: str, pairs: Sequence[tuple[str, str]]) -> Shortcut:
    classes = sorted({name for _, name in pairs})
    values = sorted({value for value, _ in pairs})
    counts = np.zeros((len(values), len(classes)), dtype=np.int64)
    value_of, class_of = ({name: at for at, name in enumerate(names)} for names in (values, classes))
    rows = np.array([value_of[value] for value, _ in pairs])
    own = np.array([class_of[name] for _, name in pairs])
    np.add.at(counts, (rows, own), 1)
    # each sample is judged by the others: its own label is taken out before the most frequent class is asked for
    left = counts[rows].copy()
    left[np.arange(len(rows)), own] -= 1
    overall = counts.sum(axis=0)
    guess = np.where(left.sum(axis=1) > 0, left.argmax(axis=1), int(overall.argmax()))
    hits = int((guess == own).sum())
    purity = counts.max(axis=1) - counts.sum(axis=1) * overall.max() / overall.sum()
    at = int(purity.argmax())
    best = int(counts[at].argmax())
    size = int(counts[at].sum())
    example = (values[at], classes[best], float(counts[at, best] / size), size)
    return Shortcut(field, share(hits, len(pairs)), float(overall.max() / overall.sum()), example)
