"""``python -m core.training.judging RUNDIR``: after a run, judge the labels of its snapshot. No torch.

Writes how likely each label is wrong, the findings of kind "suspicious" that queues read, and what more images and
corrections are likely to bring. The run has ended by then: nobody waits for this, and what goes wrong here spoils
nothing. It needs the embeddings; samples without one are left out.
"""

import contextlib
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from core.domain.errors import LabelloopError
from core.domain.findings import Finding
from core.embedding.blocks import EmbeddingStore
from core.neighbours.nearest import among, nearest
from core.neighbours.vectors import Vectors, scaled
from core.runs import findings, judgements
from core.runs.atomic import write_json
from core.runs.judgements import Known
from core.runs.layout import RunPaths
from core.suspicion import learning
from core.suspicion.estimates import shifted
from core.suspicion.labels import Judgement, Mask, Neighbourhood, judge, judge_unseen
from core.suspicion.learning import Curve
from core.training.head import Floats, Ints, assign_folds, fit
from core.training.soft_targets import SoftFolds
from core.training.task import UNLABELLED, Task, read_task

KIND = "suspicious"
NEIGHBOURS = 12
NARROW = 8.0  # how fast a neighbour's weight falls with its distance
MOST_NEIGHBOURS_OF = 20_000  # training samples; beyond, all against all takes too long for what it adds
SHARES = (0.125, 0.25, 0.5)  # of the training set, for the learning curve
NEXT = 20  # corrections
LEAST = 0.01  # chance from which a label is a finding
AT_LEAST = 20  # findings, however small their chance: a queue ranks, it does not filter

log = logging.getLogger(__name__)


def main(folder: Path) -> int:
    """Judge the labels of the run in ``folder``; 0 when done, 1 where there was nothing to judge."""
    paths = RunPaths(folder)
    try:
        judge_run(paths)
    except LabelloopError as error:
        log.info("%s: labels not judged: %s", paths.name, error)
        return 1
    return 0


def judge_run(paths: RunPaths) -> None:
    """Write judgements, findings and outlook of a run.

    Raises:
        BadInput: too little to judge by.
        NotFound: the snapshot is gone.
    """
    task, known = read_task(paths), Known.read(paths)
    x, found = EmbeddingStore(paths.workspace.embeddings).load(task.hashes)
    ids = task.snapshot.samples["sample_id"].to_numpy(dtype=object)
    train = task.labelled("train")
    train = train[found[train]]
    if len(np.unique(task.target[train])) < 2 or len(train) < 4:
        return
    groups = [known.groups.get(one, content) for one, content in zip(ids, task.hashes, strict=True)]
    trusted = np.isin(ids, np.array(known.reviewed, dtype=object))

    target, own_groups = task.target[train], [groups[row] for row in train]
    fitted = fit(x[train], target, len(task.classes), groups=own_groups, seed=task.options.seed)
    fold = assign_folds(target, own_groups, seed=task.options.seed)
    models = SoftFolds(x[train], fold, fitted.penalty)
    near = _neighbours(x[train], np.unique(own_groups, return_inverse=True)[1])
    judged = judge(target, len(task.classes), models.scores, neighbours=near, trusted=trusted[train])
    tables = [_table(task, train, judged, trusted, known.shift)]

    rest = np.flatnonzero(found & (task.target != UNLABELLED) & ~np.isin(np.arange(len(found)), train))
    if len(rest):
        votes = None
        if near is not None and not judged.by_pair:
            usual = np.bincount(target, minlength=len(task.classes)) / len(target)
            votes = _neighbours_of(x[rest], x[train]).votes(judged.belief, usual.astype(np.float32))
        unseen = judge_unseen(judged, task.target[rest], models.unseen(judged.belief, x[rest]), votes)
        tables.append(_table(task, rest, unseen, trusted, known.shift))
    table = pd.concat(tables, ignore_index=True).sort_values("chance", ascending=False, kind="stable")
    judgements.write(paths, table)
    if known.dataset_id:
        findings.write(paths.workspace, known.dataset_id, KIND, _findings(table))
    write_json(
        paths.outlook, _outlook(task.classes, x[train], target, fold, models, judged, trusted[train], fitted.penalty)
    )


def _neighbours(x: Floats, group: Ints) -> Neighbourhood | None:
    """Each training sample's nearest others, but not of its own group: a copy's label is no second opinion."""
    if len(x) > MOST_NEIGHBOURS_OF or len(x) <= NEIGHBOURS:
        return None
    centred = scaled(scaled(x) - scaled(x).mean(axis=0))
    best = among(Vectors.of(centred), NEIGHBOURS)
    weights = _weights(best.similarity)
    weights[group[best.rows] == group[:, None]] = 0
    return Neighbourhood(best.rows, _shares(weights))


def _neighbours_of(queries: Floats, x: Floats) -> Neighbourhood:
    centre = scaled(x).mean(axis=0)
    best = nearest(Vectors.of(scaled(x) - centre), scaled(queries) - centre, min(NEIGHBOURS, len(x)))
    return Neighbourhood(best.rows, _shares(_weights(best.similarity)))


def _weights(similarity: Floats) -> Floats:
    return np.asarray(np.exp(NARROW * (similarity - similarity.max(axis=1, keepdims=True))), dtype=np.float32)


def _shares(weights: Floats) -> Floats:
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _table(task: Task, rows: Ints, judged: Judgement, trusted: Mask, shift: float) -> pd.DataFrame:
    samples = task.snapshot.samples.iloc[rows]
    suggestion = judged.suggestions(task.target[rows])
    chance = np.where(trusted[rows], 0.0, shifted(judged.chance, shift))
    return pd.DataFrame(
        {
            "sample_id": samples["sample_id"].to_numpy(dtype=object),
            "split": samples["split"].to_numpy(dtype=object),
            "label": samples["label"].to_numpy(dtype=object),
            "chance": chance,
            "suggestion": np.array(task.classes, dtype=object)[suggestion],
            "share": judged.belief[np.arange(len(rows)), suggestion].astype(np.float64),
            "trusted": trusted[rows],
        }
    )


def _findings(table: pd.DataFrame) -> list[Finding]:
    """The labels most likely wrong: all from a chance on, and some however unlikely."""
    open_ = table[~table["trusted"].to_numpy(dtype=bool)]
    count = max(AT_LEAST, int((open_["chance"] >= LEAST).sum()))
    chosen = open_.head(count)
    columns = (chosen[name].tolist() for name in ("sample_id", "split", "chance", "suggestion"))
    return [
        Finding(
            sample_id=sample_id,
            kind=KIND,
            score=chance,
            detail=f"{_percent(chance)} likely wrong{', a test label' if split == 'test' else ''}",
            suggestion=suggestion,
            value=chance,
        )
        for sample_id, split, chance, suggestion in zip(*columns, strict=True)
    ]


def _percent(chance: float) -> str:
    return "under 1%" if chance < 0.01 else "over 99%" if chance > 0.99 else f"{chance:.0%}"


def _outlook(
    names: tuple[str, ...],
    x: Floats,
    target: Ints,
    fold: Ints,
    models: SoftFolds,
    judged: Judgement,
    trusted: Mask,
    penalty: float,
) -> dict[str, object]:
    """The learning curve, and what 30 more images of each class and the next corrections are likely to bring."""
    classes = len(names)
    truth = judged.belief.argmax(axis=1)
    believed = np.eye(classes, dtype=np.float32)[truth]
    right = [_smaller(x, fold, believed, share, penalty) == truth for share in SHARES]
    right.append(models.scores(believed).argmax(axis=1) == truth)
    curve = Curve(np.array([*SHARES, 1.0]), np.stack(right), truth)
    labels = np.eye(classes, dtype=np.float32)[target]
    plausible = judged.chance < 0.5
    before = (models.scores(labels).argmax(axis=1) == target)[plausible]
    after = (models.scores(judged.belief).argmax(axis=1) == target)[plausible]
    chances = judged.chance[~trusted]
    hits = np.sort(chances)[::-1][:NEXT]
    gain = learning.corrections(before, after, chances, hits)
    by_class = learning.corrections_by_class(before, after, target[plausible], classes, chances, hits)
    return {
        "classes": list(names),
        "images": np.bincount(truth, minlength=classes).tolist(),
        "shares": curve.shares.tolist(),
        "accuracy": learning.accuracy(curve),
        "more_images": [None if one is None else asdict(one) for one in learning.more_images(curve, classes)],
        "corrections": asdict(gain),
        "class_corrections": [None if one is None else asdict(one) for one in by_class],
        "next": NEXT,
        "more": 30,
        "noise": judged.noise.tolist(),
        "by_pair": judged.by_pair,
    }


def _smaller(x: Floats, fold: Ints, targets: Floats, share: float, penalty: float) -> Ints:
    """What models of a ``share`` of the samples predict for those that they had not seen."""
    random = np.random.default_rng(0)
    rows_of = []
    for held in range(int(fold.max()) + 1):
        rest = np.flatnonzero(fold != held)
        by_class = rest[np.argsort(targets[rest].argmax(axis=1) + random.random(len(rest)), kind="stable")]
        size = max(2, round(share * len(rest)))
        rows_of.append(np.sort(by_class[np.linspace(0, len(rest) - 1, size).round().astype(np.intp)]))
    return np.asarray(SoftFolds(x, fold, penalty, rows_of=rows_of).scores(targets).argmax(axis=1), dtype=np.intp)


if __name__ == "__main__":
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)
    sys.exit(main(Path(sys.argv[1])))
