"""The instant gear: a linear head on cached embeddings, with honest (out-of-fold) probabilities for train. No torch."""

import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.domain.errors import BadInput
from core.embedding.backbone import BACKBONE_ID, OPSET, WIDTH, Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
from core.runs import predictions
from core.runs.atomic import append_json_line, write_json, written_aside
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training.head import Fit, Floats, Head, Ints, fit, log_loss
from core.training.task import Mask, Task, left_out, require_two_classes


def train(paths: RunPaths, task: Task, progress: Progress) -> None:
    """Embed what is missing, fit, and write predictions, metrics and model into the run folder.

    Samples whose file is gone, cannot be read or was changed, and whose embedding is not stored, have no row in the
    predictions.

    Raises:
        BadInput: too few readable samples are left.
        Cancelled: somebody asked for a stop.
    """
    began = time.monotonic()
    embeddings, found, changed = _embeddings(paths, task, progress)
    progress.check()
    hashes = np.array(task.hashes, dtype=object)
    message = left_out(hashes[~found], changed)
    progress.phase("training", total=int(found.sum()), epochs=1, message=message)
    train_rows = task.labelled("train")
    train_rows = train_rows[found[train_rows]]
    require_two_classes(task, train_rows)

    fitted = fit(
        embeddings[train_rows],
        task.target[train_rows],
        len(task.classes),
        groups=hashes[train_rows].tolist(),
        seed=task.options.seed,
    )
    probabilities = fitted.head.probabilities(embeddings)
    probabilities[train_rows] = fitted.out_of_fold
    out_of_fold = np.zeros(len(found), dtype=bool)
    out_of_fold[train_rows] = True
    write_head(paths, fitted.head, task.classes)
    samples = task.snapshot.samples
    table = predictions.make(
        classes=task.classes,
        sample_id=samples["sample_id"].tolist(),
        split=samples["split"].tolist(),
        label=samples["label"].tolist(),
        probabilities=probabilities,
        out_of_fold=out_of_fold,
    )
    _write_metrics(paths, task, probabilities, found, fitted, seconds=time.monotonic() - began)
    predictions.write(paths.predictions, table if found.all() else table.rows(found))
    progress.advance(int(found.sum()))
    progress.update(epoch=1)


def write_head(paths: RunPaths, head: Head, classes: tuple[str, ...]) -> None:
    """Write the head as ONNX (embedding in, logits out) and its card."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["embedding", "weight"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["logits"]),
        ],
        "instant",
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(classes)])],
        [
            numpy_helper.from_array(np.ascontiguousarray(head.weight, np.float32), "weight"),
            numpy_helper.from_array(np.ascontiguousarray(head.bias, np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    with written_aside(paths.model) as aside:
        onnx.save(model, str(aside))
    write_json(paths.model_card, {"input": "embedding", "backbone": BACKBONE_ID, "classes": list(classes)})


def _embeddings(paths: RunPaths, task: Task, progress: Progress) -> tuple[Floats, Mask, set[str]]:
    store = EmbeddingStore(paths.workspace.embeddings)
    embeddings, found = store.load(task.hashes)
    if found.all():
        return embeddings, found, set()

    def advanced(images: int) -> None:
        progress.advance(images)
        progress.check()

    report = embed_missing(
        [(path, content) for path, content, there in zip(task.paths, task.hashes, found, strict=True) if not there],
        store,
        lambda: Backbone(ensure_backbone(paths.workspace.cache)),
        started=lambda total: progress.phase("embedding", total=total),
        advanced=advanced,
    )
    embeddings, found = store.load(task.hashes)
    if not found.any():
        raise BadInput("None of the dataset's image files can be read any more.")
    return embeddings, found, report.changed


def _write_metrics(
    paths: RunPaths,
    task: Task,
    probabilities: Floats,
    found: Mask,
    fitted: Fit,
    *,
    seconds: float,
) -> None:
    def figures(split: str) -> tuple[float | None, float | None]:
        rows: Ints = task.labelled(split)
        rows = rows[found[rows]]
        if not len(rows):
            return None, None
        right = float((probabilities[rows].argmax(axis=1) == task.target[rows]).mean())
        return log_loss(probabilities[rows], task.target[rows]), right

    train_loss, train_accuracy = figures("train")
    val_loss, val_accuracy = figures("val")
    append_json_line(
        paths.metrics,
        {
            "epoch": 1,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "seconds": seconds,
            "images_per_second": len(found) / max(seconds, 1e-6),
            "learning_rate": 0.0,
            "folds": fitted.folds,
            "penalty": fitted.penalty,
        },
    )
