"""Honest splits of a workspace's datasets: what is kept together and why, the gate before training, mending."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import pandas as pd

from core.checks import shelf
from core.checks.findings import Facts
from core.checks.kinds import BY_KEY
from core.domain.decisions import Source
from core.domain.samples import SPLITS, Split
from core.runs.atomic import append_json_line, read_json_lines
from core.snapshots import mending, splits
from core.snapshots.groups import WHY, Groups, Why
from core.snapshots.mending import Move

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

How = Literal["move", "exclude"]
_MOVES = "moves.jsonl"


@dataclass(frozen=True, slots=True)
class Leak:
    """A group of samples in several splits. ``samples`` are (sample id, split); ``why`` says what ties them."""

    group: str
    samples: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands between a dataset and honest figures.

    ``held_out`` counts the images of test and val that have a twin in train, ``unseen`` those images that no check
    has compared with the others yet; ``pending`` says so in words ("" where there are none). ``accepted`` says that a
    person chose to train with just these leaks.
    """

    leaks: tuple[Leak, ...]
    held_out: int
    unseen: int
    pending: str
    accepted: bool
    frozen_test: bool

    @property
    def shut(self) -> bool:
        """Whether training should wait for a person's word."""
        return bool(self.leaks) and not self.accepted

    @property
    def sentence(self) -> str:
        """What is wrong, for a person."""
        if not self.leaks:
            return "No leak is known." if self.pending else "No leak is known: no picture lies in two splits."
        groups = f"{len(self.leaks):,} picture{'' if len(self.leaks) == 1 else 's'}"
        verb = "lies" if len(self.leaks) == 1 else "lie"
        images = f"{self.held_out:,} image{' of val or test has' if self.held_out == 1 else 's of val or test have'}"
        return f"{groups} {verb} in more than one split: {images} a twin that is learnt from, so figures would flatter."


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """What splits keep with one sample: ``others`` are rows of the dataset's frame, ``why`` says what ties them."""

    others: pd.DataFrame
    why: str


class Splits:
    """Groups, leaks and moves between splits. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def groups(self, dataset: str) -> Groups:
        """Which rows of ``health.facts(dataset).frame`` belong together: copies, near duplicates, seed and prompt."""
        limit = self._workspace.health.thresholds(dataset)["near-duplicate"]
        return self._facts(dataset).groups(limit)

    def kept_together(self, dataset: str) -> list[Leak]:
        """Every group of two or more, as :class:`Leak` names it, whether it lies in one split or in several."""
        frame, groups = self._facts(dataset).frame, self.groups(dataset)
        where = list(zip(frame["sample_id"], frame["split"], strict=True))
        return [
            Leak(name, tuple(where[row] for row in rows), " and ".join(WHY[reason] for reason in groups.why[name]))
            for name, rows in sorted(groups.members().items())
        ]

    def together(self, dataset: str, sample_id: str) -> Together | None:
        """What is kept in one split with a sample, and why; None where nothing is, or the sample is excluded.

        The group of :meth:`groups` that it is in, found from the sample alone: the groups of 100,000 images take too
        long for a look at one picture.
        """
        frame, folder = self._workspace.samples(dataset), self._folder(dataset)
        frame = frame[~frame["excluded"].to_numpy(dtype=bool)]
        contents, ids = frame["content_hash"], frame["sample_id"]
        made = self._workspace.health.origins(dataset)
        origins = ids.map(made) if made else pd.Series(None, index=frame.index, dtype=object)
        limit = float(shelf.read_thresholds(folder).get("near-duplicate", BY_KEY["near-duplicate"].threshold or 1))
        pairs = shelf.read_pairs(folder)
        pairs = pairs[(pairs["likeness"] >= limit) & pairs["left"].isin(contents) & pairs["right"].isin(contents)]
        mine, size = (ids == sample_id).to_numpy(), 0
        while (found := int(mine.sum())) > size:
            size = found
            known = set(contents[mine])
            touched = pairs[pairs["left"].isin(known) | pairs["right"].isin(known)]
            seeds = set(origins[mine].dropna())
            mine = (
                contents.isin(known | set(touched["left"]) | set(touched["right"])) | origins.isin(seeds)
            ).to_numpy()
        if size < 2:
            return None
        ties: dict[Why, bool] = {
            "copy": bool(contents[mine].duplicated().any()),
            "likeness": bool(len(touched)),
            "seed": bool(origins[mine].dropna().duplicated().any()),
        }
        why = " and ".join(WHY[reason] for reason, holds in ties.items() if holds)
        return Together(frame[mine & (ids != sample_id).to_numpy()].reset_index(drop=True), why)

    def gate(self, dataset: str) -> Gate:
        """Which leaks are known now."""
        facts, groups = self._facts(dataset), self.groups(dataset)
        where, ids = facts.frame["split"].tolist(), facts.frame["sample_id"].tolist()
        leaks = []
        held_out = 0
        for name, rows in sorted(mending.crossing(groups, where).items()):
            why = " and ".join(WHY[reason] for reason in groups.why[name])
            leaks.append(Leak(name, tuple((ids[row], where[row]) for row in rows), why))
            best = min((where[row] for row in rows), key=SPLITS.index)
            held_out += sum(where[row] != best for row in rows)
        accepted = shelf.read_state(self._folder(dataset)).get("accepted_leaks", [])
        return Gate(
            leaks=tuple(leaks),
            held_out=held_out,
            unseen=int((~facts.compared).sum()),
            pending=self._workspace.health.pending(dataset),
            accepted=bool(leaks) and {leak.group for leak in leaks} <= set(accepted),
            frozen_test=self.frozen_test(dataset),
        )

    def accept(self, dataset: str) -> None:
        """Train with the leaks that are known now: the gate stays open until there is another."""
        shelf.note(self._folder(dataset), accepted_leaks=[leak.group for leak in self.gate(dataset).leaks])

    def frozen_test(self, dataset: str) -> bool:
        """Whether a finished run was read on this dataset's test split."""
        return any(view.state == "succeeded" for view in self._workspace.runs(dataset))

    def plan(self, dataset: str) -> list[Move]:
        """The moves that mending would make; positions are rows of ``facts(dataset).frame``."""
        where = self._facts(dataset).frame["split"].tolist()
        return mending.mend(self.groups(dataset), where, frozen_test=self.frozen_test(dataset))

    def mend(self, dataset: str, *, how: How = "move", source: Source = "grid") -> int:
        """Put each group into one split, or exclude the twins in the lower split; returns the images concerned.

        "exclude" leaves one side alone: where a group has images in test, those of train and val go; else those of
        train. Both can be taken back: moves by :meth:`undo`, excluded images by restoring them.
        """
        facts = self._facts(dataset)
        ids = facts.frame["sample_id"].tolist()
        if how == "exclude":
            where = facts.frame["split"].tolist()
            gone = []
            for rows in mending.crossing(self.groups(dataset), where).values():
                kept = max((where[row] for row in rows), key=SPLITS.index)
                gone += [ids[row] for row in rows if where[row] != kept]
            self._workspace.health.exclude(dataset, gone, source=source, why="leak")
            return len(gone)
        moves = self.plan(dataset)
        self._move(dataset, [(ids[move.position], move.old, move.new) for move in moves], "mended leaks")
        return len(moves)

    def redraw(self, dataset: str, *, seed: int = 0) -> Counter[str]:
        """Draw the splits anew, groups whole, stratified by label; returns how many images moved to each split.

        A test split that a finished run was read on stays as it is, with the twins of its images.
        """
        facts, groups = self._facts(dataset), self.groups(dataset)
        frame = facts.frame
        labels, now = frame["label"].tolist(), frame["split"].tolist()
        frozen = self.frozen_test(dataset)
        kept = [row for row, split in enumerate(now) if frozen and split == "test"]
        free = sorted(set(range(len(now))) - set(kept))
        allowed: list[Split] = ["train", "val"] if frozen else ["train", "val", "test"]
        made = splits.assign(
            [labels[row] for row in free],
            [groups.of[row] for row in free],
            seed=seed,
            existing=[(labels[row], groups.of[row], "test") for row in kept],
            allowed=allowed,
        )
        ids = frame["sample_id"].tolist()
        moves = [(ids[row], cast(Split, now[row]), new) for row, new in zip(free, made, strict=True) if now[row] != new]
        self._move(dataset, moves, f"drawn anew with seed {seed}")
        return Counter(str(new) for _, _, new in moves)

    def moves(self, dataset: str) -> list[dict[str, object]]:
        """What was moved between splits, newest first: when, by whom, why, how many; taken back ones left out."""
        lines = read_json_lines(self._folder(dataset) / _MOVES)
        undone = {line["undoes"] for line in lines if "undoes" in line}
        kept = [(at, line) for at, line in enumerate(lines) if at not in undone and "undoes" not in line]
        return [{**line, "number": at} for at, line in reversed(kept)]

    def undo(self, dataset: str) -> int:
        """Take back the newest moves, where the images still are in the split they were moved to; returns how many."""
        made = self.moves(dataset)
        if not made:
            return 0
        frame = self._workspace.samples(dataset)
        now = dict(zip(frame["sample_id"], frame["split"], strict=True))
        lines = cast(Sequence[tuple[str, Split, Split]], made[0]["moves"])
        back = {sample_id: old for sample_id, old, new in lines if now.get(sample_id) == new}
        info = self._workspace.dataset(dataset)
        append_json_line(self._folder(dataset) / _MOVES, {"undoes": made[0]["number"], "at": time.time()})
        self._workspace.store.set_splits(info.id, back)
        return len(back)

    def _move(self, dataset: str, moves: Sequence[tuple[str, Split, Split]], why: str) -> None:
        if not moves:
            return
        workspace, folder = self._workspace, self._folder(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        line = {"at": time.time(), "who": workspace.user, "why": why, "moves": [list(move) for move in moves]}
        append_json_line(folder / _MOVES, line)
        workspace.store.set_splits(workspace.dataset(dataset).id, {sample_id: new for sample_id, _, new in moves})

    def _facts(self, dataset: str) -> Facts:
        return self._workspace.health.facts(dataset)

    def _folder(self, dataset: str) -> Path:
        return self._workspace.paths.checked(self._workspace.dataset(dataset).id)
