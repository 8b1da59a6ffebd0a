"""Gathering what a report holds, and writing it."""

import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadInput, NotFound
from core.domain.samples import Labels, Split
from core.evaluation.cautions import cautions
from core.evaluation.judged import Judged
from core.evaluation.scores import Scores
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
_Files = Mapping[str, tuple[str, str]]  # path and content hash by sample id


class Reporting:
    """Reports on the runs of a workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def write(self, runs: Sequence[str], out: Path, *, split: Split | None = None, labels: Labels = "now") -> Path:
        """Write a report on one run, or on two compared (the older first); .md makes Markdown, all else HTML.

        Raises:
            BadInput: no or too many runs, runs of different datasets, or a file that cannot be written.
            NotFound: a run without labelled predictions.
        """
        content = self.content(runs, split=split, labels=labels)
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

    def content(self, runs: Sequence[str], *, split: Split | None = None, labels: Labels = "now") -> Content:
        """What the report holds, judged under the labels of now, or each run under its own and the comparison under
        those of the newer; errors as in :meth:`write`.
        """
        if not 1 <= len(runs) <= 2:
            raise BadInput("A report is on one run, or on two to compare.")
        views = [self._workspace.run(name) for name in runs]
        where = split or self._split(views[-1])
        files = self._files(views[-1].dataset)
        parts = tuple(self._part(view, where, labels, files) for view in views)
        names = " and ".join(view.name for view in views)
        title = f"{names} on {views[-1].dataset}"
        made_at = time.strftime("%d %B %Y, %H:%M")
        if len(views) == 1:
            return Content(title, made_at, parts)
        found = self._workspace.compare(views[0].name, views[1].name, split=where, labels=labels)
        judged = self._workspace.understanding.judged(views[1].name, where, labels=labels)
        fixed, broken = (self._pictures(ids, judged, files) for ids in (found.fixed, found.broken))
        return Content(title, made_at, parts, found, fixed, broken)

    def _split(self, view: RunView) -> Split:
        rows = self._workspace.predictions(view.name)
        for split in _BEST_FIRST:
            part = rows.where(split)
            if any(label is not None for label in part.label):
                return split
        raise NotFound(f"{view.name} has no predictions for labelled images.")

    def _part(self, view: RunView, split: Split, labels: Labels, files: _Files) -> RunPart:
        understanding = self._workspace.understanding
        judged = understanding.judged(view.name, split, labels=labels)
        rows, evaluation, scores = judged.rows, judged.evaluation, judged.scores
        if not evaluation.samples:
            raise NotFound(f"{view.name} has no labelled {split} images.")
        sure = understanding.sureness(view.name, split, labels=labels)
        sliced = understanding.slices(view.name, split, labels=labels)
        areas = understanding.areas(view.name, split, labels=labels)
        ranked = {"roc_auc": areas.macro_roc_auc, "average_precision": areas.macro_average_precision}
        missed = judged.known[rows.chosen[judged.known] != judged.true[judged.known]]
        wrong = sorted(
            zip(rows.confidence[missed].tolist(), rows.sample_id[missed].tolist(), strict=True), reverse=True
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
            scores=Scores({**scores.overall, **ranked}, scores.per_class),
            labels=labels,
            reliability=sure.after if sure else None,
            facts=tuple((name, value[:300]) for name, value in facts),
            cautions=tuple(cautions(evaluation, split=split, model=str(view.options.get("model", "")))),
            slices=tuple(one for one in sliced.worst if one.worse)[:8] if sliced else (),
            shortcuts=tuple(one for one in sliced.shortcuts if one.warns) if sliced else (),
            domains=tuple(sliced.domains) if sliced and len(sliced.domains) > 1 else (),
            errors=self._pictures([sample_id for _, sample_id in wrong], judged, files),
        )

    def _files(self, dataset: str) -> _Files:
        frame = self._workspace.samples(dataset)
        files = zip(frame["filepath"], frame["content_hash"], strict=True)
        return dict(zip(frame["sample_id"], files, strict=True))

    def _pictures(self, ids: Sequence[str], judged: Judged, files: _Files) -> tuple[Picture, ...]:
        rows = judged.rows
        place = {sample_id: at for at, sample_id in enumerate(rows.sample_id.tolist())}
        found: list[Picture] = []
        for sample_id in ids:
            if len(found) == _PICTURES:
                break
            if sample_id not in files or sample_id not in place:
                continue
            path, content = files[sample_id]
            try:
                jpeg = thumbnails.fetch(self._workspace.paths.thumbnails, content, path)
            except UnreadableImage:
                continue
            at = place[sample_id]
            predicted = rows.classes[rows.chosen[at]]
            found.append(Picture(jpeg, str(judged.given[at]), predicted, float(rows.confidence[at])))
        return tuple(found)
