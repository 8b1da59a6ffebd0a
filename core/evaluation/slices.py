"""Where is a run weak? Accuracy by any field, the worst slices found, each with how sure that is after many looks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evaluation.intervals import Estimate, share, wilson_many

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Values: TypeAlias = "Sequence[str | None] | pd.Series[Any]"  # a word a sample, or none; cheapest as categories
Codes = npt.NDArray[np.int64]

LEAST = 8  # samples under which a slice says nothing
_VALUES = 60  # values of a field that are looked at, the most frequent
_TOLD = 3  # classes given away that a sentence names
_PAIRED = 40  # single slices, worst first, that are combined with one another
SURE = 0.05
_NO_ROWS: Places = np.zeros(0, dtype=np.intp)
_MOSTLY = 0.6  # of the way from the class's share of all images to certainty: a value that hardly others have
_MUCH = 0.5  # of a class that has the value


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Samples that share a value of one field, or of two: ``terms`` are (field, value).

    ``accuracy`` is theirs, ``rest`` that of all others; ``p_value`` is Fisher's exact two-sided test between the two,
    ``adjusted`` the same after Benjamini and Hochberg's correction (1995) over all slices looked at with this one.
    ``rows`` are positions of its samples, the wrong ones first.
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
class Giveaway:
    """A value that hardly any but the images of one class have, and that much of the class has: ``precision`` is the
    share of the ``samples`` with it that are of the class, ``recall`` the share of the class that has it. The intervals
    are corrected (Bonferroni) for all values of all fields that were looked at.
    """

    value: str
    label: str
    samples: int
    precision: Estimate
    recall: Estimate

    def sentence(self, field: str) -> str:
        """In words."""
        return (
            f"{field} {self.value} gives {self.label} away: {self.precision.value:.0%} of the {self.samples:,} images "
            f"with it are {self.label} (likely {self.precision.low:.0%} or more), and {self.recall.value:.0%} of "
            f"{self.label} have it (likely {self.recall.low:.0%} or more)."
        )


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well the class could be guessed from one field alone, never looking at the picture: ``guessed`` is the share
    got right by always taking the field value's most frequent class (each sample judged by the others), ``base`` that
    of always taking the most frequent class of all; its interval is corrected for all fields that were looked at.
    ``example`` is a telling (value, class, share, samples); ``classes`` are those that it gives away one by one, even
    where it says little of the others.
    """

    field: str
    guessed: Estimate
    base: float
    example: tuple[str, str, float, int]
    classes: tuple[Giveaway, ...] = ()

    @property
    def warns(self) -> bool:
        """Whether a network could do well by looking at traces of this field instead of the subject."""
        return self._on_the_whole or bool(self.classes)

    @property
    def _on_the_whole(self) -> bool:
        return self.guessed.low > self.base + 0.1 and self.guessed.value > 0.7

    def sentence(self) -> str:
        """In words."""
        if self.classes and not self._on_the_whole:
            told = [one.sentence(self.field) for one in self.classes[:_TOLD]]
            more = len(self.classes) - len(told)
            told += [f"So it does with {more:,} more."] if more else []
            return " ".join([*told, "The network may have learned that instead of the subject."])
        value, name, part, count = self.example
        return (
            f"{self.field} gives the class away: it alone would be right in {self.guessed.value:.0%} of cases "
            f"(always guessing the largest class: {self.base:.0%}). For instance, {part:.0%} of the {count:,} images "
            f"with {value} are {name}. The network may have learned that instead of the subject."
        )


def by_field(right: Mask, values: Values, field: str) -> list[Slice]:
    """The slices of one field, largest first, without a correction; samples without a value are left out."""
    found = [
        _slice(right, ((field, value),), int(mask.sum()), int(right[mask].sum()), _rows(right, mask))
        for value, mask in _masks(values, least=1)
    ]
    return sorted(found, key=lambda one: -one.samples)


def worst(right: Mask, fields: Mapping[str, Values], *, pairs: bool = True) -> tuple[list[Slice], int]:
    """All slices of all fields, and pairs of weak ones that are weaker together, weakest evidence last; and how many
    were looked at.

    All these count in the correction, also those not returned: the stronger slices.
    """
    masks: dict[tuple[str, str], Mask] = {}
    for field, values in fields.items():
        for value, mask in _masks(values, least=LEAST):
            masks[field, value] = mask
    found: list[tuple[tuple[str, str], ...]] = [(term,) for term in masks]
    counts = [(int(mask.sum()), int(right[mask].sum())) for mask in masks.values()]
    if pairs:
        ratio = {term: hits / samples for term, (samples, hits) in zip(masks, counts, strict=True)}
        size = {term: samples for term, (samples, _) in zip(masks, counts, strict=True)}
        weak = sorted(masks, key=lambda term: ratio[term])[:_PAIRED]
        # how many samples every two have in common, and how many of these are right: exact in float32 up to 16 million
        inside = np.array([masks[term] for term in weak], dtype=np.float32).reshape(len(weak), len(right))
        shared, hit = inside @ inside.T, (inside * right) @ inside.T
        for i, j in combinations(range(len(weak)), 2):
            one, other, samples = weak[i], weak[j], int(shared[i, j])
            if one[0] == other[0] or samples < LEAST or samples == min(size[one], size[other]):
                continue
            found.append((one, other))
            counts.append((samples, int(hit[i, j])))
    everything = _adjusted([_slice(right, terms, *count) for terms, count in zip(found, counts, strict=True)])
    alone = {one.terms[0]: one.accuracy.value for one in everything if len(one.terms) == 1}
    weaker = [
        replace(one, rows=_rows(right, np.logical_and.reduce([masks[term] for term in one.terms])))
        for one in everything
        if one.accuracy.value < one.rest.value
        and (len(one.terms) == 1 or one.accuracy.value < min(alone[term] for term in one.terms) - 0.02)
    ]
    return sorted(weaker, key=lambda one: (one.adjusted, one.accuracy.value - one.rest.value)), len(everything)


def shortcuts(
    labels: Sequence[str | None], fields: Mapping[str, Values], *, of_subject: Collection[str] = ()
) -> list[Shortcut]:
    """How well each field gives the class away, the most telling first. That the fields ``of_subject`` (what a prompt
    asked for) have values of one class alone is no shortcut.
    """
    own, classes = _coded(labels)
    sizes = np.bincount(own[own >= 0], minlength=len(classes))
    counted = {}
    for field, values in fields.items():
        codes, names = _coded(values)
        both = (codes >= 0) & (own >= 0)
        rows, of = codes[both], own[both]
        if len(rows) < LEAST or rows.min() == rows.max() or of.min() == of.max():
            continue
        counted[field] = _Counted.of(rows, of, names, classes)
    away = _given_away({name: one for name, one in counted.items() if name not in of_subject}, classes, sizes)
    found = [
        replace(_shortcut(field, one, looks=len(fields)), classes=away.get(field, ())) for field, one in counted.items()
    ]
    return sorted(found, key=lambda one: -(one.guessed.value - one.base))


def binned(values: npt.ArrayLike, *, unit: str = "", digits: int = 3, parts: int = 4) -> "pd.Categorical[str]":
    """Numbers as ranges that hold about as many samples each, in words: "under 0.31"; NaN is missing, and all are where
    there is too little to tell apart.
    """
    numbers = np.asarray(values, dtype=np.float64)
    missing = np.isnan(numbers)
    known = numbers[~missing]
    if len(known) < parts * LEAST or len(np.unique(known)) < 3:
        return pd.Categorical.from_codes(np.full(len(numbers), -1), pd.Index([], dtype=str))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, parts + 1)[1:-1]))
    names = [f"{edge:.{digits}g}{unit}" for edge in edges]
    words = [f"under {names[0]}", *(f"{low} to {high}" for low, high in pairwise(names)), f"{names[-1]} or more"]
    places = np.where(missing, len(words), np.searchsorted(edges, numbers, side="right"))
    categories = list(dict.fromkeys(words))  # neighbouring edges may read alike
    codes = np.array([*map(categories.index, words), -1])
    return pd.Categorical.from_codes(codes[places], pd.Index(categories)).remove_unused_categories()


def fisher(right: int, samples: int, all_right: int, total: int) -> float:
    """Fisher's exact two-sided p of ``right`` among ``samples``, where ``all_right`` of ``total`` are: the sum over all
    tables that are no likelier than this one.
    """
    low, high = max(0, samples - (total - all_right)), min(samples, all_right)
    # only tables about as far from the likeliest as this one, on either side (skewed tails reach at most 1.72 times as
    # far), and some spreads more: what lies beyond adds nothing that a float would hold
    likeliest = (samples + 1) * (all_right + 1) // (total + 2)
    spread = (samples * all_right * (total - all_right) * (total - samples)) ** 0.5 / total**1.5
    reach = 2 * abs(right - likeliest) + int(12 * spread) + 40
    low, high = max(low, likeliest - reach), min(high, likeliest + reach)
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


def _coded(values: Values) -> tuple[Codes, list[str]]:
    """Each value as its place among the distinct ones in order, -1 for ``None``."""
    found = pd.Categorical(pd.Series(values)).remove_unused_categories()
    return found.codes.astype(np.int64), [str(name) for name in found.categories]


def _masks(values: Values, *, least: int) -> Iterator[tuple[str, Mask]]:
    codes, names = _coded(values)
    if len(names) < 2:
        return
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    for place in np.argsort(-counts, kind="stable")[:_VALUES]:
        if counts[place] >= least:
            yield names[place], np.asarray(codes == place, dtype=bool)


def _slice(right: Mask, terms: tuple[tuple[str, str], ...], samples: int, hits: int, rows: Places = _NO_ROWS) -> Slice:
    total, all_hits = len(right), int(right.sum())
    p = fisher(hits, samples, all_hits, total) if samples < total else 1.0
    rest = share(all_hits - hits, total - samples)
    return Slice(terms, samples, hits, share(hits, samples), rest, p, p, rows)


def _rows(right: Mask, mask: Mask) -> Places:
    """The samples of a slice, the wrong ones first."""
    return np.concatenate([np.flatnonzero(mask & ~right), np.flatnonzero(mask & right)])


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


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """How often each value of a field stands with each class. Only what occurs together is counted: a table of all
    values by all classes would not fit into memory where both are many.

    ``value``, ``name`` and ``count`` are the pairs, by value and, within one, the most frequent class ``first``;
    ``total`` is each value's number of samples, ``overall`` each class's.
    """

    values: Sequence[str]
    classes: Sequence[str]
    value: Codes
    name: Codes
    count: Codes
    first: Places
    total: Codes
    overall: Codes

    @classmethod
    def of(cls, rows: Codes, own: Codes, values: Sequence[str], classes: Sequence[str]) -> "_Counted":
        """``rows`` are places in ``values``, ``own`` in ``classes``, of each sample."""
        both, count = np.unique(rows * len(classes) + own, return_counts=True)
        value, name = both // len(classes), both % len(classes)
        order = np.lexsort((name, -count, value))
        value, name, count = value[order], name[order], count[order]
        first = np.flatnonzero(np.r_[True, np.diff(value) != 0])
        overall = np.bincount(own, minlength=len(classes))
        return cls(values, classes, value, name, count, first, np.add.reduceat(count, first), overall)


def _shortcut(field: str, found: _Counted, *, looks: int) -> Shortcut:
    value, name, count, first, total = found.value, found.name, found.count, found.first, found.total
    second = np.minimum(first + 1, len(value) - 1)
    alone = value[second] != value[first]
    alone[-1] |= second[-1] == first[-1]
    most, next_most = count[first], np.where(alone, 0, count[second])
    # each sample is judged by the others: without its own label the class that leads may fall behind the next one
    leads = (most - 1 > next_most) | ((most - 1 == next_most) & ~alone & (name[first] < name[second]))
    hits = int(most[np.where(total > 1, leads, name[first] == found.overall.argmax())].sum())
    samples = int(found.overall.sum())
    base = float(found.overall.max() / samples)
    at = int((most - total * base).argmax())
    row = first[at]
    example = (found.values[value[row]], found.classes[name[row]], float(most[at] / total[at]), int(total[at]))
    low, high = wilson_many([hits], [samples], _z(looks))
    return Shortcut(field, Estimate(hits / samples, float(low[0]), float(high[0])), base, example)


def _given_away(
    counted: Mapping[str, _Counted], classes: Sequence[str], sizes: Codes
) -> dict[str, tuple[Giveaway, ...]]:
    """By field the classes that a value gives away: both shares are likely above :data:`_MOSTLY` and :data:`_MUCH`."""
    looked: list[tuple[str, str, int, int, int]] = []  # field, value, place of its first class, how many, of how many
    for field, one in counted.items():
        for place in np.flatnonzero(one.total >= LEAST).tolist():
            row = int(one.first[place])
            value, name = one.values[one.value[row]], int(one.name[row])
            looked.append((field, value, name, int(one.count[row]), int(one.total[place])))
    if not looked:
        return {}
    z = _z(2 * len(looked))  # two shares each
    hits = np.array([count for *_, count, _ in looked])
    among = np.array([[of, sizes[name]] for _, _, name, _, of in looked])
    low, high = wilson_many(np.stack([hits, hits], axis=1), among, z)
    found: dict[str, list[Giveaway]] = {}
    for at, (field, value, name, count, of_value) in enumerate(looked):
        base = float(sizes[name] / sizes.sum())
        if low[at, 0] > base + _MOSTLY * (1 - base) and low[at, 1] > _MUCH:
            precision, recall = (
                Estimate(count / int(n), float(low[at, i]), float(high[at, i])) for i, n in enumerate(among[at])
            )
            found.setdefault(field, []).append(Giveaway(value, classes[name], of_value, precision, recall))
    return {
        field: tuple(sorted(each, key=lambda one: -(one.precision.low + one.recall.low)))
        for field, each in found.items()
    }


def _z(looks: int) -> float:
    """How many standard errors a 95 % interval has that is corrected (Bonferroni) for so many looks."""
    return NormalDist().inv_cdf(1 - SURE / 2 / max(looks, 1))
