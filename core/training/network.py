"""The full gear: a network trained on pixels, then its predictions for every sample and its ONNX file."""

import copy
import warnings

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from core.domain.errors import BadInput
from core.embedding.backbone import OPSET, open_session
from core.embedding.blocks import Located
from core.runs import predictions
from core.runs.atomic import write_json, written_aside
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training.batches import Examples, batches
from core.training.devices import make_fabric
from core.training.loop import fit
from core.training.models import Network, build, parameters_of
from core.training.pixels import decoded
from core.training.task import Rows, Task, require_two_classes
from core.training.team import Team, form, part, wait_for

TOLERANCE = 1e-3  # between torch's logits and ONNX Runtime's
_PREDICTION_BATCH = 64


def train(paths: RunPaths, task: Task, progress: Progress) -> None:
    """Decode, train, predict, export. Samples whose file cannot be read have no row in the predictions.

    Raises:
        BadInput: too few readable samples, or weights that do not fit.
        Offline: weights had to be downloaded and could not be.
        Cancelled: somebody asked for a stop.
        WorkerLost, StartAgain, Superseded: of a team; it is to start again at its last checkpoint.
    """
    options = task.options
    torch.manual_seed(options.seed)
    fabric = make_fabric(options)
    team = form(fabric.device)
    try:
        _train(paths, task, progress, fabric, team)
    finally:
        part()


def _train(paths: RunPaths, task: Task, progress: Progress, fabric: Fabric, team: Team) -> None:
    options = task.options
    # Before the slow part: weights that cannot be had are told at once.
    network = build(options, len(task.classes), cache=paths.workspace.cache)
    progress.update(device=fabric.device.type, parameters=parameters_of(network.module))
    if not team.first:
        wait_for(team)  # the first one decodes for all
    pixels = _pixels(paths, task, progress)
    if team.first:
        wait_for(team)
    examples = _examples(task, pixels, network)
    fit(network, examples, options, fabric=fabric, team=team, paths=paths, progress=progress)
    if not team.first:
        return
    _predict(paths, task, network.module, examples, np.flatnonzero(pixels.found), progress)
    progress.phase("exporting")
    export(paths, network, task, examples, np.flatnonzero(pixels.found)[:4])


def export(paths: RunPaths, network: Network, task: Task, examples: Examples, some: Rows) -> None:
    """Write the network as ONNX (normalised image batch in, logits out) and its card, checked against torch.

    Raises:
        RuntimeError: ONNX Runtime computes something else than torch.
    """
    module = copy.deepcopy(network.module).to("cpu").to(memory_format=torch.contiguous_format).eval()
    images = examples.images(some, torch.device("cpu")).contiguous()
    with torch.inference_mode():
        expected = module(images).numpy()
    with written_aside(paths.model) as aside:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracing exporter warns of its age; the newer needs one package more
            torch.onnx.export(
                module,
                (images,),
                str(aside),
                dynamo=False,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["logits"],
                dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}},
            )
        off = float(np.abs(np.asarray(open_session(aside).run(None, {"images": images.numpy()})[0]) - expected).max())
        if not off <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise RuntimeError(f"the exported model differs from the trained one by {off:.2g}")
    write_json(
        paths.model_card,
        {
            "input": "image",
            "size": task.options.image_size,
            "mean": network.mean,
            "std": network.std,
            "resize": "squeeze",
            "classes": list(task.classes),
        },
    )


def _pixels(paths: RunPaths, task: Task, progress: Progress) -> Located:
    def advanced(images: int) -> None:
        progress.advance(images)
        progress.check()

    pixels = decoded(
        list(zip(task.paths, task.hashes, strict=True)),
        paths.workspace.cache,
        task.options.image_size,
        started=lambda total: progress.phase("preparing", total=total),
        advanced=advanced,
    )
    gone = int((~pixels.found).sum())
    if gone == len(pixels.found):
        raise BadInput("None of the dataset's image files can be read any more.")
    if gone:
        progress.update(message=f"{gone} images could not be read and were left out.")
    return pixels


def _examples(task: Task, pixels: Located, network: Network) -> Examples:
    def batch(rows: Rows) -> Tensor:
        return torch.from_numpy(pixels.read(rows, np.uint8))

    train, val = (rows[pixels.found[rows]] for rows in (task.labelled("train"), task.labelled("val")))
    require_two_classes(task, train)
    return Examples(
        batch=batch,
        side=task.options.image_size,
        target=task.target,
        train=train,
        val=val,
        classes=len(task.classes),
        mean=network.mean,
        std=network.std,
    )


def _predict(
    paths: RunPaths, task: Task, network: nn.Module, examples: Examples, rows: Rows, progress: Progress
) -> None:
    """Write the probabilities of the samples at ``rows``, computed in full precision, as ONNX Runtime will."""
    progress.phase("evaluating", total=len(rows))
    network.eval()
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for part in batches(rows, _PREDICTION_BATCH):
            progress.check()
            logits = network(examples.images(part, device))
            parts.append(logits.float().softmax(dim=1).cpu().numpy())
            progress.advance(len(part))
    samples = task.snapshot.samples.iloc[rows]
    table = predictions.make(
        classes=task.classes,
        sample_id=samples["sample_id"].tolist(),
        split=samples["split"].tolist(),
        label=samples["label"].tolist(),
        probabilities=np.concatenate(parts),
    )
    predictions.write(paths.predictions, table)
