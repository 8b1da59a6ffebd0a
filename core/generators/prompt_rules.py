"""Labels out of prompts, by rules that a person reads and edits: ``dog, puppy -> dog``, a rule a line.

A rule holds where one of its words stands in the prompt: whole words, upper or lower case, with or without a plural's
s, phrases too; ``pupp*`` is any word that begins so, and ``!hot dog`` keeps the rule off prompts that hold it. The
first rule that holds gives the label.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from core.domain.errors import BadInput

MOST_RULES = 500
ARROWS = ("->", "→", "=>")
_TAG = re.compile(r"<[a-z]{2,12}:[^<>]{0,300}>", re.IGNORECASE)  # <lora:dog_style:1> is no dog
_WORD = re.compile(r"[^\W\d_]{3,}")
# Words that every other prompt holds and that say nothing of what is on the picture.
_SAYING_NOTHING = (
    "a an the and or of in on at with for from by to is are as its his her their very photo photograph picture image "
    "portrait masterpiece best quality high highly detailed resolution ultra realistic hyperrealistic photorealistic "
    "sharp focus background cinematic lighting light studio professional render artstation trending style art digital "
    "painting illustration shot close up lens intricate detail details beautiful raw film score"
)
_EMPTY = frozenset(_SAYING_NOTHING.split())


@dataclass(frozen=True, slots=True)
class Rule:
    """``words`` speak for ``label``, ``without`` against; all as written."""

    words: tuple[str, ...]
    label: str
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        left = ", ".join([*self.words, *(f"!{word}" for word in self.without)])
        return f"{left} -> {self.label}"


@dataclass(slots=True)
class Matched:
    """What rules make of a list of prompts. ``both`` counts prompts for which rules of several labels hold."""

    total: int = 0
    with_prompt: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    both: int = 0
    unmatched: list[str] = field(default_factory=list)  # a few, to write the next rule by

    @property
    def matched(self) -> int:
        """How many get a label."""
        return self.labels.total()


class Rules:
    """Rules in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._patterns = [(_pattern(rule.words), _pattern(rule.without), rule.label) for rule in self.rules]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the rules can give, each once."""
        return tuple(dict.fromkeys(rule.label for rule in self.rules))

    def label_of(self, prompt: str) -> str | None:
        """The label of the first rule that holds, ``None`` where none does."""
        return next(iter(self.all_labels_of(prompt)), None)

    def all_labels_of(self, prompt: str) -> list[str]:
        """The labels of all rules that hold, in order."""
        if not prompt:
            return []
        text = _plain(prompt)
        found = [
            label
            for wanted, unwanted, label in self._patterns
            if wanted is not None and wanted.search(text) and not (unwanted is not None and unwanted.search(text))
        ]
        return list(dict.fromkeys(found))

    def match(self, prompts: Iterable[str], *, shown: int = 5) -> Matched:
        """How far the rules reach."""
        result = Matched()
        for prompt in prompts:
            self.count(prompt, result, shown=shown)
        return result

    def count(self, prompt: str, result: Matched, *, shown: int = 5) -> str | None:
        """The label of a prompt, counted into ``result``."""
        result.total += 1
        if not prompt:
            return None
        result.with_prompt += 1
        labels = self.all_labels_of(prompt)
        if labels:
            result.labels[labels[0]] += 1
            result.both += len(labels) > 1
            return labels[0]
        if len(result.unmatched) < shown:
            result.unmatched.append(prompt)
        return None


def parse(lines: Iterable[str]) -> Rules:
    """Rules as a person writes them; empty lines and lines that begin with # are left out.

    Raises:
        BadInput: a line is no rule, or there is none.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        plain = line.strip()
        if plain and not plain.startswith("#"):
            found.append(_rule(plain, number))
    if not found:
        raise BadInput("There is no rule yet; write one a line, such as: dog, puppy -> dog")
    if len(found) > MOST_RULES:
        raise BadInput(f"There are {len(found):,} rules; {MOST_RULES} are the most.")
    return Rules(found)


def frequent_words(prompts: Iterable[str], most: int = 40) -> list[tuple[str, int]]:
    """The words that most prompts hold, each counted once a prompt, without those that say nothing."""
    counts: Counter[str] = Counter()
    for prompt in prompts:
        counts.update(words_of(prompt))
    return counts.most_common(most)


def words_of(prompt: str) -> set[str]:
    """The words of a prompt, without those that say nothing."""
    return {word for word in _WORD.findall(_plain(prompt)) if word not in _EMPTY} if prompt else set()


def _rule(line: str, number: int) -> Rule:
    arrow = next((mark for mark in ARROWS if mark in line), None)
    left, _, label = line.partition(arrow or "->")
    label = label.strip()
    parts = [part.strip() for part in left.split(",")]
    words = tuple(part for part in parts if part and not part.startswith("!"))
    without = tuple(part[1:].strip() for part in parts if part.startswith("!") and part[1:].strip())
    if arrow is None or not label or not words:
        raise BadInput(f"Rule {number} ({line[:80]!r}) needs words, an arrow and a class, such as: dog, puppy -> dog")
    if any(mark in label for mark in ARROWS) or len(label) > 200 or not label.isprintable():
        raise BadInput(f"Rule {number} ({line[:80]!r}) has no class that can be used after its arrow.")
    return Rule(words, label, without)


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    spelled = []
    for word in words:
        plain = _plain(word.rstrip("*"))
        if plain:
            spelled.append(r"\s+".join(map(re.escape, plain.split())) + (r"\w*" if word.endswith("*") else "s?"))
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})(?!\w)") if spelled else None


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Lower case, without LoRA tags, underscores as blanks: tags are written golden_retriever too."""
    return _TAG.sub(" ", text).replace("_", " ").casefold().strip()
