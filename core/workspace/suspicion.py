"""How likely labels are wrong, how many wrong ones are left, and how far the work on a dataset is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.domain.decisions import JournalEntry
from core.review.classes import in_words_of_now
from core.review.pace import Pace, pace
from core.runs import findings, judgements
from core.runs.atomic import read_json
from core.runs.judgements import Known
from core.runs.layout import RunPaths
from core.suspicion.estimates import Count, errors_left, hits, learned_shift, shifted
from core.suspicion.learning import Gain

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

LEARNED_FROM = 5  # runs whose judgements are held against what people decided since
WORTH = 0.005  # half a point of accuracy: what more work has to promise to be worth it


@dataclass(frozen=True, slots=True)
class ClassOutlook:
    """One class: its images in train, the wrong labels estimated among all of its images that nobody looked at, and
    what ``more`` images of it, and the next corrections (of all classes), are likely to bring to its recall (None where
    that could not be estimated).
    """

    name: str
    images: int
    errors: Count
    more: Gain | None
    corrected: Gain | None = None

    @property
    def wants_images(self) -> bool:
        """Whether more images are likely to be worth it."""
        return self.more is not None and self.more.expected >= WORTH


@dataclass(frozen=True, slots=True)
class Outlook:
    """How far the work on a dataset is. What needs a judged run is None before there is one.

    ``decided`` of ``total`` samples were looked at by a person; ``next_hits`` are the wrong labels expected among the
    ``next`` most suspicious ones, ``corrections`` what correcting these is likely to bring to the accuracy.
    """

    run: str | None
    total: int
    labelled: int
    decided: int
    pace: Pace
    errors: Count | None
    next: int
    next_hits: Count | None
    corrections: Gain | None
    more: int
    classes: tuple[ClassOutlook, ...]
    curve: tuple[tuple[float, float], ...]

    @property
    def done(self) -> bool | None:
        """Whether neither more images nor corrections are likely to be worth it; None where that is not known."""
        if self.corrections is None or self.next_hits is None:
            return None
        return not (self.corrections.expected >= WORTH or self.next_hits.expected >= self.next / 4) and not any(
            one.wants_images for one in self.classes
        )


class Suspicion:
    """Judgements of runs, and what follows from them. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def describe(self, run: RunPaths, dataset: str) -> None:
        """Write what a run's judge should know: who was reviewed, what belongs together, how often it was right."""
        frame = self._workspace.samples(dataset)
        info = self._workspace.uncounted(dataset)
        near = findings.read(self._workspace.paths, info.id, "near-duplicate")
        grouped = near[near["group"].notna()]
        Known(
            dataset_id=info.id,
            reviewed=tuple(frame["sample_id"][frame["reviewed"].to_numpy(dtype=bool)].tolist()),
            groups=dict(zip(grouped["sample_id"].tolist(), grouped["group"].tolist(), strict=True)),
            shift=self.shift(dataset),
        ).write(run)

    def shift(self, dataset: str) -> float:
        """What people's decisions say of the chances of earlier runs (core.suspicion.estimates.learned_shift)."""
        frame = self._workspace.samples(dataset)
        decided = frame["reviewed"].to_numpy(dtype=bool) & ~frame["excluded"].to_numpy(dtype=bool)
        now = frame.loc[decided, ["sample_id", "label"]]
        chances: list[float] = []
        wrong: list[bool] = []
        seen: set[str] = set()
        words = self._workspace.review.words(dataset)
        for run in self._judged(dataset)[:LEARNED_FROM]:
            table = self._read(run, words)
            if table is None:
                continue
            # chances as they were before earlier decisions moved them, or the shift would count twice
            raw = shifted(table["chance"].to_numpy(dtype=float), -Known.read(run).shift)
            both = table.assign(chance=raw).merge(now, on="sample_id", suffixes=("", "_now"))
            told = both[~both["trusted"].astype(bool) & ~both["sample_id"].isin(seen)]
            seen.update(told["sample_id"])
            chances += told["chance"].tolist()
            wrong += (told["label"] != told["label_now"]).tolist()
        return learned_shift(np.array(chances), np.array(wrong, dtype=bool))

    def judged(self, dataset: str, run: str | None = None) -> pd.DataFrame | None:
        """The newest judgements (core.runs.judgements.COLUMNS), or a run's; None where there are none (yet)."""
        for paths in self._judged(dataset):
            if run is None or paths.name == run:
                return self._read(paths, self._workspace.review.words(dataset))
        return None

    def outlook(self, dataset: str) -> Outlook:
        """How far the work is.

        Raises:
            NotFound: no such dataset.
        """
        workspace = self._workspace
        frame = workspace.samples(dataset)
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
        reviewed = frame["reviewed"].to_numpy(dtype=bool)
        entries: list[JournalEntry] = workspace.review.entries(dataset)
        run = next(iter(self._judged(dataset)), None)
        said: dict[str, Any] = (read_json(run.outlook) if run else None) or {}
        words = workspace.review.words(dataset)
        table = self._read(run, words) if run else None
        errors = next_hits = None
        classes: tuple[ClassOutlook, ...] = ()
        if table is not None:
            open_ = self._open(table, frame)
            errors = errors_left(open_["chance"].to_numpy())
            next_hits = hits(open_["chance"].to_numpy()[: int(said.get("next", 20))])
            classes = _classes(open_, {**said, "classes": in_words_of_now(said.get("classes", ()), *words).tolist()})
        return Outlook(
            run=run.name if run else None,
            total=len(frame),
            labelled=int(frame["label"].notna().sum()),
            decided=int(reviewed.sum()),
            pace=pace(entries),
            errors=errors,
            next=int(said.get("next", 20)),
            next_hits=next_hits,
            corrections=_gain(said.get("corrections")),
            more=int(said.get("more", 30)),
            classes=classes,
            curve=tuple(zip(said.get("shares", ()), said.get("accuracy", ()), strict=True)),
        )

    def _judged(self, dataset: str) -> list[RunPaths]:
        """The runs that were judged, newest first."""
        views = [view for view in self._workspace.runs(dataset) if view.state == "succeeded"]
        return [paths for view in views if (paths := self._workspace.run_paths(view.name)).judgements.exists()]

    @staticmethod
    def _read(run: RunPaths, words: tuple[Sequence[str], Mapping[str, str]]) -> pd.DataFrame | None:
        """A run's judgements in the names that the classes have now; two classes that are one by now are no error."""
        table = judgements.read(run)
        if table is None:
            return None
        label, suggestion = (
            pd.Series(in_words_of_now(table[name], *words), table.index, dtype=object)
            for name in ("label", "suggestion")
        )
        chance = table["chance"].where(label != suggestion, (table["chance"] - table["share"]).clip(lower=0.0))
        return table.assign(label=label, suggestion=suggestion, chance=chance)

    @staticmethod
    def _open(table: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        """The judgements of labels that are still what they were, and that nobody has looked at since."""
        now = frame.loc[:, ["sample_id", "label", "reviewed"]]
        both = table.merge(now, on="sample_id", suffixes=("", "_now"))
        stays = (both["label"] == both["label_now"]) & ~both["reviewed"].astype(bool) & ~both["trusted"].astype(bool)
        return both[stays.to_numpy(dtype=bool)].sort_values("chance", ascending=False, kind="stable")


def _classes(open_: pd.DataFrame, said: dict[str, Any]) -> tuple[ClassOutlook, ...]:
    labels, chances = open_["label"].to_numpy(dtype=object), open_["chance"].to_numpy(dtype=float)
    names = said.get("classes", ())
    corrected = said.get("class_corrections") or [None] * len(names)  # older runs have none by class
    found: dict[str, tuple[int, Gain | None, Gain | None]] = {}
    for name, images, more, fixed in zip(
        names, said.get("images", ()), said.get("more_images", ()), corrected, strict=True
    ):
        # what more images or corrections would bring to two classes that were merged since, nobody has estimated
        before = found.get(name)
        gains = (_gain(more), _gain(fixed)) if before is None else (None, None)
        found[name] = ((before[0] if before else 0) + int(images), *gains)
    return tuple(
        ClassOutlook(name, images, errors_left(chances[labels == name]), more, fixed)
        for name, (images, more, fixed) in found.items()
    )


def _gain(said: dict[str, float] | None) -> Gain | None:
    return Gain(**said) if said else None
