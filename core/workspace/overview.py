"""A dataset at a glance: what its images are, as tables whose every row knows its samples; and its map."""

import os
import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.domain.samples import Split
from core.embedding import mapping
from core.generators.prompt_rules import frequent_words, words_of
from core.jobs import folders
from core.runs import findings

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

NO_LABEL = "(no label)"
NOT_GENERATED = "(not said)"
MOST_BARS = 20
MOST_SIZES = 300
COLOURINGS = ("label", "prediction", "correctness", "cluster", "split", "tool", "finding")
OF_RUNS = ("prediction", "correctness", "cluster")  # colourings that need a run
RIGHT, WRONG, NOT_JUDGED = "right", "wrong", "(not judged)"


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """One row a sample that is not excluded: sample_id, content_hash, label, split, width, height, source, format,
    tool, model, prompt. Text columns hold no None.
    """

    table: pd.DataFrame
    classes: tuple[str, ...]
    excluded: int

    def counts(self, column: str, *, most: int = MOST_BARS) -> list[tuple[str, int]]:
        """The most frequent values of a column with their numbers, most frequent first."""
        found = self.table[column].value_counts()
        return [(str(name), int(count)) for name, count in found.items()][:most]

    def cut(self, column: str, *, most: int = MOST_BARS) -> str:
        """What :meth:`counts` leaves out, for a person; empty where it holds all."""
        number = int(self.table[column].nunique())
        return f"The {most} most frequent of {number:,}." if number > most else ""

    def sizes(self) -> pd.DataFrame:
        """width, height, images of the most frequent sizes in pixels."""
        grouped = self.table.groupby(["width", "height"], sort=False).size().reset_index(name="images")
        return grouped.sort_values("images", ascending=False, kind="stable").head(MOST_SIZES)

    def words(self, label: str | None, *, most: int = MOST_BARS) -> list[tuple[str, int]]:
        """The most frequent words in the prompts of a class (None: of all), each counted once a prompt."""
        chosen = self.table if label is None else self.table[self.table["label"] == label]
        return frequent_words(chosen["prompt"], most)

    def ids(self, **wanted: object) -> list[str]:
        """The samples with these values in these columns; ``word`` asks for a word in the prompt."""
        mask = np.ones(len(self.table), dtype=bool)
        for column, value in wanted.items():
            if column == "word":
                mask &= np.array([value in words_of(prompt) for prompt in self.table["prompt"]], dtype=bool)
            elif value is not None:
                mask &= (self.table[column] == value).to_numpy()
        return list(self.table["sample_id"][mask])


class Overview:
    """What a dataset is made of. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._glances: dict[str, tuple[pd.DataFrame, pd.DataFrame, Glance]] = {}

    def glance(self, dataset: str) -> Glance:
        """The dataset as it is now; kept until a sample changes."""
        frame, made = self._workspace.samples(dataset), self._workspace.prompts.frame(dataset)
        known = self._glances.get(dataset)
        if known is not None and known[0] is frame and known[1] is made:
            return known[2]
        glance = _glance(frame, made, self._workspace.dataset(dataset).classes)
        self._glances[dataset] = (frame, made, glance)
        return glance

    def start_map(self, dataset: str) -> str:
        """Lay the embeddings out on a plane in the background; returns the job's name."""
        workspace = self._workspace
        with folders.lock_of(workspace.paths.jobs):
            for view in workspace.jobs(dataset):
                if view.active and view.kind == "map":
                    return view.name
            frame = workspace.samples(dataset)
            listing = workspace.paths.jobs / f".{os.getpid()}-{time.time_ns()}.parquet"
            frame.loc[~frame["excluded"], ["content_hash"]].to_parquet(listing, index=False)
            spec = {
                "kind": "map",
                "dataset": dataset,
                "dataset_id": workspace.dataset(dataset).id,
                "samples": "samples.parquet",
            }
            job = folders.make(workspace.paths.jobs, "job", spec)
            listing.rename(job.folder / "samples.parquet")
        workspace.launch(job)
        return job.name

    def map(self, dataset: str) -> pd.DataFrame | None:
        """sample_id, x, y, label, split, tool of the samples that have a place; ``None`` before a map was made."""
        places = mapping.read(mapping.file_of(self._workspace.paths, self._workspace.dataset(dataset).id))
        if places is None:
            return None
        table = self.glance(dataset).table
        return table[["sample_id", "content_hash", "label", "split", "tool"]].merge(places, on="content_hash")

    def colours_by(
        self, dataset: str, points: pd.DataFrame, how: str, run: str | None, *, split: Split | None = None
    ) -> list[str]:
        """What colours each point of a map: its label, split or tool, the finding it has; what a run predicts, whether
        that is right under the labels of now, the group of similar errors it is in (on ``split``, else on all).
        """
        if how in ("label", "split", "tool"):
            return [str(value) for value in points[how]]
        ids = points["sample_id"]
        if how in OF_RUNS and run is not None:
            seen = self._said(run, how, split)
            return [seen.get(sample_id, "(none)" if how == "prediction" else NOT_JUDGED) for sample_id in ids]
        marks: dict[str, str] = {}
        dataset_id = self._workspace.dataset(dataset).id
        for kind in findings.kinds(self._workspace.paths, dataset_id):
            for sample_id in self._workspace.review.findings(dataset, kind)["sample_id"]:
                marks.setdefault(sample_id, kind.replace("-", " "))
        return [marks.get(sample_id, "(none)") for sample_id in ids]

    def _said(self, run: str, how: str, split: Split | None) -> dict[str, str]:
        """By sample id: a run's prediction, right or wrong, or the group of similar errors."""
        judged = self._workspace.understanding.judged(run, split, labels="now")
        rows = judged.rows
        said = zip(rows.sample_id.tolist(), rows.predicted.tolist(), judged.given, strict=True)
        if how == "prediction":
            return {sample_id: str(predicted) for sample_id, predicted, _ in said}
        marks = {i: RIGHT if p == label else WRONG for i, p, label in said if label in rows.classes}
        if how == "cluster":
            wrong = self._workspace.errors.of(run, split)
            for number, group in enumerate(self._workspace.errors.clusters(run, wrong), start=1):
                marks |= {wrong[at].sample_id: f"{number}. {group.name}" for at in group.rows}
        return marks


def _glance(frame: pd.DataFrame, made: pd.DataFrame, classes: tuple[str, ...]) -> Glance:
    kept = frame[~frame["excluded"].to_numpy(dtype=bool)]
    table = kept[["sample_id", "content_hash", "label", "split", "width", "height", "source"]].copy()
    table["label"] = [NO_LABEL if label is None else label for label in kept["label"]]
    table["format"] = [PurePath(path).suffix.lower().lstrip(".") or "?" for path in kept["filepath"]]
    columns = {name: dict(zip(made["sample_id"], made[name], strict=True)) for name in ("tool", "model", "prompt")}
    ids = list(table["sample_id"])
    table["tool"] = [columns["tool"].get(sample_id) or NOT_GENERATED for sample_id in ids]
    table["model"] = [model_name(columns["model"].get(sample_id)) for sample_id in ids]
    table["prompt"] = [columns["prompt"].get(sample_id) or "" for sample_id in ids]
    return Glance(table.reset_index(drop=True), classes, excluded=len(frame) - len(kept))


def model_name(text: str | None) -> str:
    """A model's name without folder and ending, under which all tools' files of one model fall together."""
    if not text:
        return NOT_GENERATED
    name = text.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in ("safetensors", "ckpt", "pt", "pth", "bin", "gguf", "sft") else name
