"""Prompts of a dataset: labels by rules, the share that the rules reach, and where prompt and picture disagree."""

import random
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.domain.decisions import Decision, Outcome, Source
from core.domain.errors import BadInput
from core.domain.findings import Finding
from core.domain.generation import Generation
from core.generators import prompt_rules, read_image
from core.generators.prompt_rules import Matched
from core.images.reading import UnreadableImage, read_bytes
from core.ingest.layouts import ImageFile, Preview
from core.runs import findings
from core.runs.atomic import read_json, write_json

if TYPE_CHECKING:
    from core.runs.predictions import Predictions
    from core.workspace.facade import Workspace

MISMATCH = "prompt-mismatch"
COLUMNS = ("sample_id", "tool", "prompt", "model", "seed", "sampler", "source")
PEEKED = 120  # files looked into before an import; enough for a share within a few per cent
_DECIDED_AT_ONCE = 1_000
_WRITTEN_AT_ONCE = 500


class Prompts:
    """What image generators wrote into a dataset's files. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._frames: dict[str, tuple[object, pd.DataFrame]] = {}

    def generation(self, dataset: str, sample_id: str) -> Generation | None:
        """What is known of one image's making, with the raw texts; ``None`` where nothing is."""
        return self._workspace.store.generation(self._workspace.dataset(dataset).id, sample_id)

    def frame(self, dataset: str) -> pd.DataFrame:
        """``COLUMNS`` of the samples that a generator made, by sample id. Kept until samples change; do not write."""
        store, dataset_id = self._workspace.store, self._workspace.dataset(dataset).id
        version = store.version(dataset_id)
        known = self._frames.get(dataset_id)
        if known is not None and known[0] == version:
            return known[1]
        rows = [
            (sample_id, found.tool, found.prompt, found.model, found.seed, found.sampler, found.source)
            for sample_id, found in store.generations(dataset_id)
        ]
        frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
        self._frames[dataset_id] = (version, frame)
        return frame

    def rules(self, dataset: str) -> list[str]:
        """The rules that were last used on a dataset, as written; empty before."""
        found = read_json(self._file(dataset)) or {}
        return [str(line) for line in found.get("rules", ())]

    def keep_rules(self, dataset: str, lines: Sequence[str]) -> None:
        """Remember rules for a dataset.

        Raises:
            BadInput: a line is no rule.
        """
        rules = prompt_rules.parse(lines)
        write_json(self._file(dataset), {"rules": [str(rule) for rule in rules.rules]})

    def match(self, dataset: str, lines: Sequence[str]) -> Matched:
        """How far rules reach in a dataset. Nothing is written.

        Raises:
            BadInput: a line is no rule.
        """
        found = prompt_rules.parse(lines).match(self.frame(dataset)["prompt"])
        found.total = len(self._workspace.samples(dataset))
        return found

    def label(self, dataset: str, lines: Sequence[str], *, everything: bool = False, source: Source) -> list[Outcome]:
        """Label the unlabelled samples (``everything``: all) by the rules, through the journal, as one batch to undo.

        Raises:
            BadInput: a line is no rule, or no prompt of the dataset is matched.
        """
        workspace, rules = self._workspace, prompt_rules.parse(lines)
        frame = workspace.samples(dataset)
        states = zip(frame["label"], frame["reviewed"], frame["excluded"], strict=True)
        now = dict(zip(frame["sample_id"], states, strict=True))
        decisions = []
        for sample_id, prompt in self._prompts(dataset):
            label = rules.label_of(prompt)
            old, reviewed, excluded = now.get(sample_id, (None, False, True))
            if label is None or label == old or excluded or ((old is not None or reviewed) and not everything):
                continue
            decisions.append(Decision(sample_id, "relabel", label, old, uuid.uuid4().hex))
        if not decisions:
            raise BadInput("No unlabelled image has a prompt for which a rule holds; nothing was changed.")
        classes = workspace.dataset(dataset).classes
        batch = uuid.uuid4().hex
        for name in dict.fromkeys(str(decision.label) for decision in decisions):
            if name not in classes:
                workspace.add_class(dataset, name, source=source, batch=batch)
        self.keep_rules(dataset, lines)
        outcomes = []
        for start in range(0, len(decisions), _DECIDED_AT_ONCE):
            part = decisions[start : start + _DECIDED_AT_ONCE]
            outcomes += workspace.decide(dataset, part, source=source, queue="Prompts", batch=batch)
        return outcomes

    def read_again(self, dataset: str, *, hidden: bool = False) -> int:
        """Read the metadata of all files anew, as after an update or (``hidden``) to look into the pixels as well.

        Returns how many say something of their making. A file that is gone, or says nothing now, keeps what is known
        of it. Stopped half-way, the files read so far are written.
        """
        workspace, said = self._workspace, 0
        dataset_id = workspace.dataset(dataset).id
        frame = workspace.samples(dataset)
        rows = list(zip(frame["sample_id"], map(Path, frame["filepath"]), strict=True))
        for start in range(0, len(rows), _WRITTEN_AT_ONCE):
            part: dict[str, Generation | None] = {}
            for sample_id, path in rows[start : start + _WRITTEN_AT_ONCE]:
                try:
                    found = read_image(read_bytes(path), path, hidden=hidden)
                except UnreadableImage:
                    continue
                if found is not None:
                    part[sample_id] = found
            workspace.store.set_generations(dataset_id, part)
            said += len(part)
        return said

    def find_mismatches(self, dataset: str, run: str | None = None, lines: Sequence[str] | None = None) -> int:
        """Look where a run sees another class than the prompt names, and keep that as findings; returns how many.

        Raises:
            BadInput: there are no rules, or no finished run.
        """
        workspace = self._workspace
        wanted = list(lines) if lines is not None else self.rules(dataset)
        if not wanted:
            raise BadInput("There are no rules for this dataset yet; write some, such as: dog, puppy -> dog")
        rules = prompt_rules.parse(wanted)
        name = run or self._run_of(dataset)
        predictions = workspace.predictions(name)
        found = mismatches(dict(self._prompts(dataset)), rules, predictions, workspace.run(name).name)
        findings.write(workspace.paths, workspace.dataset(dataset).id, MISMATCH, found)
        return len(found)

    def _prompts(self, dataset: str) -> "zip[tuple[str, str]]":
        frame = self.frame(dataset)
        return zip(frame["sample_id"], frame["prompt"], strict=True)

    def _run_of(self, dataset: str) -> str:
        finished = [view for view in self._workspace.runs(dataset) if view.state == "succeeded"]
        instant = [view for view in finished if view.options.get("model") == "instant"]
        if not finished:
            raise BadInput("Prompt and picture are compared by a finished run; click Retrain first.")
        return (instant or finished)[0].name  # an instant run judges train images by folds that had not seen them

    def _file(self, dataset: str) -> Path:
        return self._workspace.paths.prompt_rules / f"{self._workspace.dataset(dataset).id}.json"


class PromptLabels:
    """The label of each new file of an import by rules, with the share that they matched."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._rules = prompt_rules.parse(lines)
        self.found = Matched()

    def label(self, _file: ImageFile, generation: Generation | None) -> str | None:
        """What the rules say of a file's prompt; ``None`` where they say nothing."""
        return self._rules.count("" if generation is None else generation.prompt, self.found)

    def sentence(self) -> str:
        """How far the rules reached, for the report."""
        found = self.found
        share = found.matched / max(1, found.with_prompt)
        return f"{found.matched:,} of {found.with_prompt:,} prompts are matched by the rules ({share:.0%})."

    def as_json(self) -> dict[str, Any]:
        """The same for the report's file."""
        return {**matched_document(self.found), "rules": [str(rule) for rule in self._rules.rules]}


def matched_document(found: Matched) -> dict[str, Any]:
    """How far rules reach, as JSON."""
    return {
        "images": found.total,
        "with_prompt": found.with_prompt,
        "matched": found.matched,
        "share_matched": found.matched / max(1, found.with_prompt),
        "several_classes": found.both,
        "labels": dict(found.labels),
        "unmatched": list(found.unmatched),
    }


def peek(workspace: "Workspace", preview: Preview, *, most: int = PEEKED) -> list[Generation | None]:
    """What some of the files of an import say of their making, drawn by lot; those that cannot be read say nothing."""
    files = preview.files
    drawn = files if len(files) <= most else random.Random(0).sample(files, most)
    looked = workspace.imports.examples(str(preview.folder), [file.filepath for file in drawn], pixels=False)
    return [one.generation for one in looked]


def mismatches(
    prompts: dict[str, str], rules: prompt_rules.Rules, predictions: "Predictions", run: str
) -> list[Finding]:
    """The samples that ``run`` takes for another class than their prompt names.

    The score is how much more the run believes in its class than in the prompt's, which is in [0, 1]; ``value`` is
    what it gives the prompt's. A prompt that names classes of several rules speaks for none, nor does one whose class
    the run does not know.
    """
    column = {name: place for place, name in enumerate(predictions.classes)}
    predicted, confidence = predictions.predicted, predictions.confidence
    found = []
    for place, sample_id in enumerate(predictions.sample_id):
        named = rules.all_labels_of(prompts.get(sample_id, ""))
        if len(named) != 1 or named[0] not in column:
            continue
        seen = str(predicted[place])
        if seen == named[0]:
            continue
        top = float(confidence[place])
        chance = float(predictions.probabilities[place, column[named[0]]])
        detail = f"the prompt says {named[0]}, {run} sees {seen} ({top:.0%})"
        score = min(1.0, max(0.0, top - chance))
        found.append(Finding(sample_id, MISMATCH, score, detail, suggestion=seen, value=chance))
    return found
