"""The full gear: a network trained on pixels, then its predictions for every sample and its ONNX file."""

import copy
import logging
import warnings

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError
from core.embedding.backbone import OPSET, open_session
from core.embedding.blocks import Located
from core.runs import predictions, used
from core.runs.atomic import write_json, written_aside
from core.runs.layout import RunPaths
from core.runs.worker import Progress
from core.training.batches import Examples, in_turn
from core.training.devices import TOO_SMALL, facts_of, make_fabric, out_of_memory
from core.training.loop import fit
from core.training.models import Network, build, parameters_of
from core.training.pixels import decoded
from core.training.task import Rows, Task, left_out, require_two_classes
from core.training.team import Team, form, part, wait_for

log = logging.getLogger(__name__)

TOLERANCE = 1e-3  # between torch's logits and ONNX Runtime's
_PREDICTION_BATCH = 64

Shares = npt.NDArray[np.float32]


def train(paths: RunPaths, task: Task, progress: Progress) -> None:
    """Decode, train, predict, export. Samples whose file cannot be read or was changed have no row in the predictions.

    Raises:
        BadInput: too few readable samples, or weights that do not fit.
        Offline: weights had to be downloaded and could not be.
        Cancelled: somebody asked for a stop.
        LabelloopError: the memory is too small, the disk is full, or the GPU failed.
        WorkerLost, StartAgain, Superseded: of a team; it is to start again at its last checkpoint.
    """
    options = task.options
    torch.manual_seed(options.seed)
    fabric = make_fabric(options)
    team = form(fabric.device)
    try:
        _train(paths, task, progress, fabric, team)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise LabelloopError(TOO_SMALL) from error
    finally:
        part()


def _train(paths: RunPaths, task: Task, progress: Progress, fabric: Fabric, team: Team) -> None:
    options = task.options
    # Before the slow part: weights that cannot be had are told at once.
    network = build(options, len(task.classes), cache=paths.workspace.cache)
    progress.update(device=fabric.device.type, parameters=parameters_of(network.module))
    before = str(used.read(paths).get("device", ""))
    if team.first:
        used.note(paths, **facts_of(fabric, options), workers=team.size)
    if not team.first:
        wait_for(team)  # the first one decodes for all
    pixels, said = _pixels(paths, task, progress)
    if before.startswith("cuda") and fabric.device.type == "cpu":
        said = f"It began on a GPU, which torch does not see any more, and goes on on the CPU. {said}".strip()
    progress.update(message=said)
    log.info("%s", said or "all images are there")
    if team.first:
        wait_for(team)
    examples = _examples(task, pixels, network)
    size = fit(network, examples, options, fabric=fabric, team=team, paths=paths, progress=progress)
    if not team.first:
        return
    _predict(paths, task, network.module, examples, np.flatnonzero(pixels.found), progress, size=size)
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


def _pixels(paths: RunPaths, task: Task, progress: Progress) -> tuple[Located, str]:
    """The pixels, and what is to be said of images that have none."""

    def advanced(images: int) -> None:
        progress.advance(images)
        progress.check()

    hashes = task.hashes
    pixels, changed = decoded(
        task.paths,
        hashes,
        paths.workspace.cache,
        task.options.image_size,
        started=lambda total: progress.phase("preparing", total=total),
        advanced=advanced,
    )
    if not pixels.found.any():
        raise BadInput("None of the dataset's image files can be read any more, or all were changed since the import.")
    return pixels, left_out((hashes[place] for place in np.flatnonzero(~pixels.found)), changed)


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
    paths: RunPaths, task: Task, network: nn.Module, examples: Examples, rows: Rows, progress: Progress, *, size: int
) -> None:
    """Write the probabilities of the samples at ``rows``, computed in full precision, as ONNX Runtime will; in batches
    of ``size`` at most, for which memory was large enough so far.
    """
    progress.phase("evaluating", total=len(rows))
    network.eval()
    device = next(network.parameters()).device
    # Filled in place: small parts that are kept one by one pin the large blocks of memory between them.
    answers: Shares = np.empty((len(rows), len(task.classes)), dtype=np.float32)
    done = 0

    def probabilities(part: Rows) -> Shares:
        progress.check()
        shares: Shares = network(examples.images(part, device)).float().softmax(dim=1).cpu().numpy()
        return shares

    with torch.inference_mode():
        for part, found in in_turn(rows, min(size, _PREDICTION_BATCH), probabilities):
            answers[done : done + len(part)] = found
            done += len(part)
            progress.advance(len(part))
    samples = task.snapshot.samples.iloc[rows]
    table = predictions.make(
        classes=task.classes,
        sample_id=samples["sample_id"].tolist(),
        split=samples["split"].tolist(),
        label=samples["label"].tolist(),
        probabilities=answers,
    )
    predictions.write(paths.predictions, table)
