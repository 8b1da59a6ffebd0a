"""The JSON documents of the command line: plain dicts out of core's records."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.domain.decisions import Outcome
from core.domain.errors import NotFound
from core.domain.samples import SPLITS, DatasetInfo

if TYPE_CHECKING:
    from core.domain.samples import Labels
    from core.evaluation.areas import Areas
    from core.evaluation.comparison import Comparison
    from core.evaluation.intervals import Estimate
    from core.evaluation.metrics import Evaluation
    from core.evaluation.scores import Scores
    from core.runs.notes import Notes
    from core.snapshots.export import Exported
    from core.workspace import RunView, Workspace
    from core.workspace.history import Restored, RunDifference
    from core.workspace.searches import SearchView
    from core.workspace.understanding import Sliced


MOST = 200  # slices that are written out


def dataset(info: DatasetInfo) -> dict[str, Any]:
    """A dataset. Unlabelled samples are counted apart, since JSON has no null keys."""
    return {
        "id": info.id,
        "name": info.name,
        "samples": info.samples,
        "classes": list(info.classes),
        "labels": {name: info.labels.get(name, 0) for name in info.classes},
        "unlabelled": info.labels.get(None, 0),
        "splits": {split: info.splits.get(split, 0) for split in SPLITS},
        "roots": list(info.roots),
    }


def run(view: "RunView") -> dict[str, Any]:
    """A run or job, without its figures."""
    return {
        "run": view.name,
        "kind": view.kind,
        "dataset": view.dataset,
        "state": view.state,
        "model": view.options.get("model"),
        "options": view.options,
        "snapshot": view.spec.get("snapshot"),
        "classes": view.spec.get("classes"),
        "created_at": view.created_at,
        "seconds": view.seconds,
        "status": view.status,
        "error": view.error,
    }


def show(workspace: "Workspace", view: "RunView", *, labels: "Labels" = "now") -> dict[str, Any]:
    """A run with its figures per split, as soon as it has predictions; splits without samples are left out."""
    document = {**run(view), "metrics": view.metrics, "labels": labels, "splits": {}}
    try:
        present = set(workspace.predictions(view.name).split) if view.kind == "train" else set()
    except NotFound:
        return document
    for split in SPLITS:
        if split in present:
            figures, scores = workspace.understanding.scores(view.name, split, labels=labels)
            areas = workspace.understanding.areas(view.name, split, labels=labels)
            sure = workspace.understanding.sureness(view.name, split, labels=labels)
            ece = sure.before.ece if sure else None
            document["splits"][split] = {**evaluation(figures), **with_intervals(scores, areas, ece)}
    return document


def with_intervals(scores: "Scores", areas: "Areas", ece: "Estimate | None") -> dict[str, Any]:
    """Every figure with its 95 % interval, overall and a class; ``null`` where a figure is not defined. ``roc_auc`` and
    ``average_precision`` are each class against the rest, overall their means (``null`` too where they would take
    minutes: core.evaluation.areas); ``ece`` is that of the run as trained.
    """
    overall = {
        **scores.overall,
        "roc_auc": areas.macro_roc_auc,
        "average_precision": areas.macro_average_precision,
        "ece": ece,
    }
    return {
        "scores": {name: one and estimate(one) for name, one in overall.items()},
        "per_class": [
            {
                "class": row.name,
                **{
                    key: part
                    for name in ("precision", "recall", "f1")
                    for key, part in (
                        (name, getattr(row, name).value),
                        (f"{name}_interval", [getattr(row, name).low, getattr(row, name).high]),
                    )
                },
                "support": row.support,
                "predicted": row.predicted,
                "roc_auc": auc and auc.value,
                "roc_auc_interval": auc and [auc.low, auc.high],
                "average_precision": average and average.value,
                "average_precision_interval": average and [average.low, average.high],
            }
            for row, auc, average in zip(scores.per_class, areas.roc_auc, areas.average_precision, strict=True)
        ],
    }


def estimate(one: "Estimate") -> dict[str, Any]:
    """A figure and its interval."""
    return {"value": one.value, "interval": [one.low, one.high]}


def evaluation(figures: "Evaluation") -> dict[str, Any]:
    """Figures of one split. ``confusion.matrix`` has a row for each label, a column for each prediction."""
    return {
        "samples": figures.samples,
        "correct": figures.correct,
        "unlabelled": figures.unlabelled,
        "accuracy": figures.accuracy,
        "accuracy_interval": list(figures.interval),
        "macro_f1": figures.macro_f1,
        "out_of_fold": figures.out_of_fold,
        "per_class": [
            {
                "class": row.name,
                "precision": row.precision,
                "recall": row.recall,
                "f1": row.f1,
                "support": row.support,
                "predicted": row.predicted,
            }
            for row in figures.per_class
        ],
        "confusion": {"classes": list(figures.classes), "matrix": figures.matrix.tolist()},
    }


def comparison(result: "Comparison") -> dict[str, Any]:
    """Before and after."""
    return {
        "old": result.old,
        "new": result.new,
        "split": result.split,
        "labels": result.labels,
        "samples": result.samples,
        "old_accuracy": result.old_accuracy,
        "new_accuracy": result.new_accuracy,
        "fixed": list(result.fixed),
        "broken": list(result.broken),
        "still_wrong": list(result.still_wrong),
        "mcnemar_p": result.p_value,
        "difference": {
            "value": result.new_accuracy - result.old_accuracy,
            "interval": list(result.interval),
            "smallest_detectable": result.smallest,
        },
        "credit": {
            "samples": result.credit.samples,
            "right": {
                "old_run": {"old_labels": result.credit.old_under_old, "new_labels": result.credit.old_under_new},
                "new_run": {"old_labels": result.credit.new_under_old, "new_labels": result.credit.new_under_new},
            },
            "total": result.credit.total,
            "by_labels": result.credit.by_labels,
            "by_network": result.credit.by_network,
        },
        "labels_changed": result.labels_changed,
        "left_out": result.left_out,
        "replaced": result.replaced,
        "verdict": result.verdict,
        "reason": result.reason,
        "sentence": result.note,
        "old_confusion": evaluation(result.old_evaluation)["confusion"],
        "new_confusion": evaluation(result.new_evaluation)["confusion"],
    }


def sliced(run_name: str, split: str, labels: str, found: "Sliced") -> dict[str, Any]:
    """Accuracy by each field; and the slices weaker than the rest, at most ``MOST`` of the ``weaker``, weakest evidence
    last: ``worse`` says that one is so beyond chance, after the correction for all ``looked_at``.
    """
    from core.evaluation import slices as slicing  # brings NumPy along, which `up` does without

    return {
        "run": run_name,
        "split": split,
        "labels": labels,
        "samples": len(found.ids),
        "fields": list(found.fields),
        "by_field": {
            field: [
                {
                    "value": one.terms[0][1],
                    "samples": one.samples,
                    "right": one.right,
                    "accuracy": estimate(one.accuracy),
                }
                for one in slicing.by_field(found.right, values, field)
            ]
            for field, values in found.fields.items()
        },
        "looked_at": found.looks,
        "weaker": len(found.worst),
        "slices": [
            {
                "terms": dict(one.terms),
                "samples": one.samples,
                "right": one.right,
                "accuracy": estimate(one.accuracy),
                "rest": estimate(one.rest),
                "p": one.p_value,
                "p_adjusted": one.adjusted,
                "worse": one.worse,
                "sentence": one.sentence(),
                "wrong": [found.ids[row] for row in one.rows if not found.right[row]],
            }
            for one in found.worst[:MOST]
        ],
        "shortcuts": [
            {
                "field": one.field,
                "guessed": estimate(one.guessed),
                "base": one.base,
                "warns": one.warns,
                "sentence": one.sentence(),
                "classes": [
                    {
                        "value": each.value,
                        "class": each.label,
                        "samples": each.samples,
                        "precision": estimate(each.precision),
                        "recall": estimate(each.recall),
                    }
                    for each in one.classes
                ],
            }
            for one in found.shortcuts
        ],
        "domains": [
            {
                "name": one.name,
                "samples": one.samples,
                "accuracy": estimate(one.accuracy),
                "by_class": [{"class": name, "right": right, "samples": of} for name, right, of in one.by_class],
                "sentence": one.sentence(),
            }
            for one in found.domains
        ],
    }


def outcomes(results: list[Outcome]) -> dict[str, Any]:
    """What became of decisions."""
    return {
        "saved": sum(result.saved for result in results),
        "refused": sum(not result.saved for result in results),
        "outcomes": [{"sample": r.sample_id, "saved": r.saved, "label": r.label, "reason": r.reason} for r in results],
    }


def notes(found: "Notes") -> dict[str, Any]:
    """What people added to a run."""
    return {"text": found.text, "star": found.star, "tags": list(found.tags), "archived": found.archived}


def difference(found: "RunDifference") -> dict[str, Any]:
    """From one run to another. Under ``recipe`` and ``versions`` each field has its old and new value."""
    data = found.data
    return {
        "old": found.old,
        "new": found.new,
        "recipe": {name: list(values) for name, values in found.recipe.items()},
        "versions": {name: list(values) for name, values in found.versions.items()},
        "relabelled": data.relabelled.to_dict("records"),
        "moved": data.moved.to_dict("records"),
        "added": list(data.added),
        "removed": list(data.removed),
        "changed_files": list(data.changed_files),
        "classes_added": list(data.classes_added),
        "classes_removed": list(data.classes_removed),
    }


def restored(done: "Restored") -> dict[str, Any]:
    """What bringing the labels of a run back did."""
    return {**asdict(done), "classes_added": list(done.classes_added)}


def restored_text(done: "Restored") -> str:
    """The same in a sentence."""
    rest = [
        (done.returned, "had been excluded since and are back"),
        (done.same, "had it already"),
        (done.refused, "were changed by somebody meanwhile and stay"),
        (done.without, "had no label then and keep theirs"),
        (done.gone, "are not in the dataset any more"),
    ]
    parts = [f"{done.restored:,} labels are those of {done.run} again"]
    return "; ".join(parts + [f"{count:,} {words}" for count, words in rest if count]) + "."


def exported(done: "Exported") -> dict[str, Any]:
    """What an export wrote, and what it left out."""
    left = [{"path": path, "reason": reason} for path, reason in done.left_out]
    return {"target": str(done.target), "files": done.files, "left_out": left}


def exported_text(done: "Exported") -> str:
    """The same in lines; of what was left out the first 20."""
    lines = [f"{done.files:,} samples written to {done.target}."]
    return "\n".join(lines + [f"  left out: {path!r}: {reason}" for path, reason in done.left_out[:20]])


def search(found: "SearchView") -> dict[str, Any]:
    """A search with its trials, and what its best recipe gave on all splits."""
    spec = {key: found.view.spec.get(key) for key in ("space", "method", "objective", "prune", "seed")}
    return {
        "search": found.view.name,
        "dataset": found.view.dataset,
        "state": found.view.state,
        "error": found.view.error,
        **spec,
        "trials": found.trials,
        "best": found.best,
        "importance": found.importance,
        "result": found.result,
    }
