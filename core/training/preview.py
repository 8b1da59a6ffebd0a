"""``python -m core.training.preview``: what a recipe's augmentation makes of images, a question and an answer a line.

A question is ``{"options": {...}, "files": [path, ...], "versions": 4}``; the answer ``{"images": [[jpeg, ...], ...]}``
in base64, each list with the image as it is first, or ``{"error": sentence}``. The process ends when its standard
input closes, or by itself when nothing was asked for a while.
"""

import base64
import io
import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from core.domain.errors import LabelloopError
from core.domain.runs import TrainOptions
from core.embedding.pictures import UnreadableImage, squeezed
from core.training.augment import Augmentation
from core.training.batches import as_images

IDLE_SECONDS = 300.0
_LARGEST = 192  # pixels: what is seen on a page


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Versions of each file that can be read."""
    options = TrainOptions.read(question["options"])
    seed = int(question.get("seed", options.seed))
    torch.manual_seed(seed)  # "trivial" draws from torch's own numbers
    generator = torch.Generator().manual_seed(seed)
    augmentation = Augmentation(options)
    rows: list[list[str]] = []
    for file in question["files"]:
        try:
            pixels = torch.from_numpy(squeezed(Path(file), min(options.image_size, _LARGEST)).copy())
        except UnreadableImage:
            continue
        plain = as_images(pixels.unsqueeze(0), torch.device("cpu"))
        varied = augmentation.vary(plain.repeat(int(question["versions"]), 1, 1, 1), generator)
        rows.append([_jpeg(image) for image in (*plain, *varied)])
    return {"images": rows}


def serve() -> None:
    """Answer until nobody asks any more."""
    torch.set_num_threads(1)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        try:
            reply = answer(json.loads(line))
        except LabelloopError as error:
            reply = {"error": str(error)}
        except Exception as error:  # the outermost layer: the page says that it has no preview
            reply = {"error": f"The preview failed ({type(error).__name__}: {error})."}
        out.write(json.dumps(reply) + "\n")
        out.flush()


def _jpeg(image: Tensor) -> str:
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


if __name__ == "__main__":
    serve()
