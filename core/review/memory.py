"""What queues remember: questions that were answered never come back, and how often each source was right.

A question is a source ("suspicious", "blurred", ...) with what it says (the class it suggests, the cluster it names).
It is settled for as long as the sample keeps the content and the label that it had after the answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.decisions import JournalEntry

LABEL_SOURCES = frozenset(
    {"suspicious", "misclassified", "disagreement", "low-confidence", "prompt-mismatch", "label-conflict", "cell"}
)
"""Sources that ask whether the label is right: "it is, and not a cat" answers all that suggest a cat."""
_ANSWERS = ("relabel", "confirm", "exclude")
_ANY = "*"


def question(source: str, says: str | None) -> str:
    """One item of a decision's ``evidence``; items are joined by line feeds."""
    return f"{source}={says or ''}".replace("\n", " ")


def questions(evidence: str) -> list[tuple[str, str]]:
    """The (source, what it says) pairs of an ``evidence``."""
    pairs = (item.partition("=") for item in evidence.split("\n") if item)
    return [(source, says) for source, _, says in pairs]


@dataclass(frozen=True, slots=True)
class HitRate:
    """Of ``decided`` images that a source brought, ``wrong`` were relabelled or excluded; first labels do not count."""

    wrong: int
    decided: int


@dataclass(slots=True)
class _Known:
    """What one sample's standing decisions say."""

    settled: dict[tuple[str, str], tuple[str | None, str]] = field(default_factory=dict)
    hits: dict[str, bool] = field(default_factory=dict)
    unsure: bool = False
    skipped: frozenset[str] = frozenset()

    def rename(self, old: str | None, new: str | None) -> None:
        """A class has another name by now: the answers stay."""
        self.settled = {
            asked: (new if label == old else label, content) for asked, (label, content) in self.settled.items()
        }


class Memory:
    """The standing decisions of one dataset, kept up to date by the entries that came since.

    ``version`` changes when anything was learned.
    """

    def __init__(self) -> None:
        self.version = 0
        self.newest: datetime | None = None
        self._entries: dict[str, JournalEntry] = {}
        self._of_sample: defaultdict[str, set[str]] = defaultdict(set)
        self._known: dict[str, _Known] = {}
        self._wrong: Counter[str] = Counter()
        self._decided: Counter[str] = Counter()

    def learn(self, entries: Iterable[JournalEntry]) -> None:
        """Take in applied entries; those known already are passed over."""
        touched: set[str] = set()
        for entry in entries:
            known = self._entries.get(entry.id)
            if not entry.sample_id or (known is not None and known.undone == entry.undone):
                continue
            self._entries[entry.id] = entry
            self._of_sample[entry.sample_id].add(entry.id)
            touched.add(entry.sample_id)
            self.newest = entry.at if self.newest is None else max(self.newest, entry.at)
            taken = entry.undoes or entry.redoes  # its line was read before it was taken back
            if taken in self._entries and not self._entries[taken].undone:
                self._entries[taken] = replace(self._entries[taken], undone=True)
        for sample_id in touched:
            self._count(self._known.get(sample_id), -1)
            known_now = self._read(sample_id)
            self._known[sample_id] = known_now
            self._count(known_now, 1)
        self.version += bool(touched)

    def samples(self) -> Set[str]:
        """The samples on which anything was ever decided."""
        return self._known.keys()

    def settled(self, sample_id: str, asked: tuple[str, str], *, label: str | None, content_hash: str) -> bool:
        """Whether a question about a sample was answered, and the sample is still what it was then."""
        known = self._known.get(sample_id)
        if known is None:
            return False
        if known.unsure:
            return True
        now = (label, content_hash)
        source, says = asked
        if known.settled.get(asked) == now:
            return True
        return bool(says) and source in LABEL_SOURCES and known.settled.get((_ANY, says)) == now

    def unsure(self) -> list[str]:
        """The samples that somebody was not sure about, and nobody decided since."""
        return sorted(sample_id for sample_id, known in self._known.items() if known.unsure)

    def skipped(self, sample_id: str, source: str) -> bool:
        """Whether the newest decision on a sample was to skip it in a queue of this source."""
        known = self._known.get(sample_id)
        return known is not None and source in known.skipped

    def hit_rates(self) -> Mapping[str, HitRate]:
        """By source, how many of its images that were decided on were wrong."""
        return {source: HitRate(self._wrong[source], count) for source, count in self._decided.items() if count}

    def _read(self, sample_id: str) -> _Known:
        known = _Known()
        for entry_id in sorted(self._of_sample[sample_id]):
            entry = self._entries[entry_id]
            if entry.undone or entry.undoes is not None:
                continue
            if entry.kind == "rename":
                known.rename(entry.old, entry.new)
                continue
            asked = questions(entry.evidence)
            known.unsure = entry.kind == "unsure"
            known.skipped = frozenset(source for source, _ in asked) if entry.kind == "skip" else frozenset()
            if entry.kind not in _ANSWERS:
                continue
            wrong = entry.kind != "confirm"
            first = entry.kind == "relabel" and entry.old is None  # a first label corrects nothing
            known.hits.update({source: wrong for source, _ in asked if not first and source != "unlabelled"})
            then = (entry.new, entry.content_hash)
            known.settled.update(dict.fromkeys(asked, then))
            if entry.suggestion:
                known.settled[_ANY, entry.suggestion] = then
        return known

    def _count(self, known: _Known | None, sign: int) -> None:
        for source, wrong in (known.hits if known else {}).items():
            self._decided[source] += sign
            self._wrong[source] += sign * wrong
