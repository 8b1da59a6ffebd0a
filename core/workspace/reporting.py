"""Gathering what a report holds, and writing it."""

import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadInput, NotFound
from core.domain.samples import Split
from core.images import thumbnails
from core.images.reading import UnreadableImage
from core.reports import markdown, page
from core.reports.content import Content, Picture, RunPart
from core.runs.atomic import read_json, written_aside
from core.workspace.views import RunView

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

CARD = "MODEL_CARD.md"
_PICTURES = 24
_BEST_FIRST: tuple[Split, ...] = ("test", "val", "train")


class Reporting:
    """Reports on the runs of a workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def write(self, runs: Sequence[str], out: Path, *, split: Split | None = None) -> Path:
        """Write a report on one run, or on two compared (the older first); .md makes Markdown, all else HTML.

        Raises:
            BadInput: no or too many runs, runs of different datasets, or a file that cannot be written.
            NotFound: a run without labelled predictions.
        """
        content = self.content(runs, split=split)
        if out.is_dir() or not out.absolute().parent.is_dir():
            raise BadInput(f"{str(out)!r} cannot be written; name a file in a folder that exists.")
        text = markdown.render(content) if out.suffix.lower() == ".md" else page.render(content)
        with written_aside(out) as aside:
            aside.write_text(text, encoding="utf-8")
        return out

    def cards(self, run: str) -> dict[str, str]:
        """The run's model card as a file of an export; nothing where the run has no labelled predictions."""
        try:
            return {CARD: markdown.render(self.content([run]))}
        except NotFound:
            return {}

    def export_model(self, run: str, out: Path) -> Path:
        """Write the run's model as a zip: the network and, for a head on embeddings, its backbone as ONNX; what goes in
        and comes out, temperature and threshold as JSON; its model card.

        Raises:
            NotFound: no such run, or it has no model.
            BadInput: a file that cannot be written.
        """
        paths = self._workspace.run_paths(run)
        card = read_json(paths.model_card)
        if not isinstance(card, dict) or not paths.model.exists():
            raise NotFound(f"{paths.name} has no trained model to export.")
        if out.is_dir() or not out.absolute().parent.is_dir():
            raise BadInput(f"{str(out)!r} cannot be written; name a file in a folder that exists.")
        files = [paths.model, paths.model_card, paths.calibration]
        if card.get("input") == "embedding":
            from core.embedding.backbone import ensure_backbone  # ONNX Runtime, for those who export only

            files.append(ensure_backbone(paths.workspace.cache))
        with written_aside(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                if file.exists():
                    archive.write(file, "backbone.onnx" if file.parent == paths.workspace.cache else file.name)
            for name, text in self.cards(run).items():
                archive.writestr(name, text)
        return out

    def content(self, runs: Sequence[str], *, split: Split | None = None) -> Content:
        """What the report holds; errors as in :meth:`write`."""
        if not 1 <= len(runs) <= 2:
            raise BadInput("A report is on one run, or on two to compare.")
        views = [self._workspace.run(name) for name in runs]
        where = split or self._split(views[-1])
        parts = tuple(self._part(view, where) for view in views)
        names = " and ".join(view.name for view in views)
        title = f"{names} on {views[-1].dataset}"
        made_at = time.strftime("%d %B %Y, %H:%M")
        if len(views) == 1:
            return Content(title, made_at, parts)
        found = self._workspace.compare(views[0].name, views[1].name, split=where, labels="now")
        fixed, broken = (self._pictures(views[1], ids) for ids in (found.fixed, found.broken))
        return Content(title, made_at, parts, found, fixed, broken)

    def _split(self, view: RunView) -> Split:
        rows = self._workspace.predictions(view.name)
        for split in _BEST_FIRST:
            part = rows.where(split)
            if any(label is not None for label in part.label):
                return split
        raise NotFound(f"{view.name} has no predictions for labelled images.")

    def _part(self, view: RunView, split: Split) -> RunPart:
        understanding = self._workspace.understanding
        evaluation, scores = understanding.scores(view.name, split, labels="now")
        if not evaluation.samples:
            raise NotFound(f"{view.name} has no labelled {split} images.")
        sure, sliced = understanding.sureness(view.name, split), understanding.slices(view.name, split)
        rows, labels = understanding.judged(view.name, split, labels="now")
        answered = zip(rows.sample_id, rows.predicted, labels, rows.confidence, strict=True)
        wrong = sorted(
            ((float(c), str(i)) for i, p, label, c in answered if label in rows.classes and p != label), reverse=True
        )
        fitted = understanding.calibration(view.name)
        facts = [
            ("dataset", view.dataset),
            ("snapshot", str(view.spec.get("snapshot", ""))),
            ("classes", ", ".join(evaluation.classes[:30])),
            *((name, str(value)) for name, value in view.options.items() if value not in (None, "", [], {})),
        ]
        if fitted.samples:
            facts.append(("temperature", f"{fitted.temperature:.3f}, fitted on {fitted.samples} val images"))
        if fitted.abstain_below:
            facts.append(("says not sure", f"below a confidence of {fitted.abstain_below:.3f}"))
        return RunPart(
            name=view.name,
            model=view.title,
            dataset=view.dataset,
            split=split,
            evaluation=evaluation,
            scores=scores,
            reliability=sure.after if sure else None,
            facts=tuple((name, value[:300]) for name, value in facts),
            cautions=tuple(_cautions(split, evaluation.samples, evaluation.unlabelled, evaluation.out_of_fold)),
            slices=tuple(one for one in sliced.worst if one.worse)[:8] if sliced else (),
            shortcuts=tuple(one for one in sliced.shortcuts if one.warns) if sliced else (),
            errors=self._pictures(view, [sample_id for _, sample_id in wrong]),
        )

    def _pictures(self, view: RunView, ids: Sequence[str]) -> tuple[Picture, ...]:
        rows = self._workspace.predictions(view.name)
        place = {sample_id: at for at, sample_id in enumerate(rows.sample_id.tolist())}
        frame = self._workspace.samples(view.dataset)
        known = {
            sample_id: (label, path, content)
            for sample_id, label, path, content in zip(
                frame["sample_id"], frame["label"], frame["filepath"], frame["content_hash"], strict=True
            )
        }
        found: list[Picture] = []
        for sample_id in ids:
            if len(found) == _PICTURES or sample_id not in known or sample_id not in place:
                continue
            label, path, content = known[sample_id]
            try:
                jpeg = thumbnails.fetch(self._workspace.paths.thumbnails, content, path)
            except UnreadableImage:
                continue
            probabilities = rows.probabilities[place[sample_id]]
            best = int(probabilities.argmax())
            found.append(Picture(jpeg, str(label), rows.classes[best], float(probabilities[best])))
        return tuple(found)


def _cautions(split: str, samples: int, unlabelled: int, out_of_fold: bool) -> list[str]:
    found = []
    if samples < 100:
        found.append(f"Only {samples:,} images: every figure here is uncertain.")
    if split == "train":
        found.append(
            "Train images, each judged by a head that was not fitted on it."
            if out_of_fold
            else "The network was trained on these very images, so these figures flatter."
        )
    if unlabelled:
        found.append(f"{unlabelled:,} images without a label of this run's classes are left out.")
    return found
