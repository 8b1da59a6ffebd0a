"""The bundled backbone on ONNX Runtime: pictures in, embeddings out. No torch in this process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from filelock import FileLock

from core.domain.errors import LabelloopError
from core.embedding.pictures import Pixels, cropped

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, STD, SIZE, CROP, WIDTH, OPSET = 0.498, 0.502, 224, 0.875, 1280, 17
BACKBONE_ID = f"efficientnet-lite0-{WEIGHTS_SHA256[:12]}-v1"  # v1: how pictures are prepared; raise it with any change
BATCH = 16
CORES = "LABELLOOP_CORES"

Embeddings = npt.NDArray[np.float32]


def ensure_backbone(cache: Path) -> Path:
    """The backbone's ONNX file in ``cache``, made first if it is not there (a few seconds, once a workspace).

    Raises:
        LabelloopError: it could not be made.
    """
    model = cache / f"{BACKBONE_ID}.onnx"
    if model.exists():
        return model
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{BACKBONE_ID}.lock"):
        if not model.exists():
            command = [sys.executable, "-m", "core.embedding.export", str(model)]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
                raise LabelloopError(f"The bundled backbone could not be prepared: {lines[-1]}")
    return model


def picture(source: Path | bytes) -> Pixels:
    """An image as the backbone wants it: uint8 (224, 224, 3).

    Raises:
        UnreadableImage: it is gone, or no image that can be read whole.
    """
    return cropped(source, SIZE, share=CROP)


class Backbone:
    """An ONNX Runtime session. Safe to call from several threads."""

    def __init__(self, model: Path, *, threads: int | None = None) -> None:
        self._session = open_session(model, threads=threads)

    def embed(self, pictures: Pixels) -> Embeddings:
        """Embeddings of uint8 pictures (n, 224, 224, 3), as float32 (n, 1280) of float16 values.

        They are rounded as the store keeps them, so a fresh embedding equals a stored one.
        """
        (embeddings,) = self._session.run(None, {"pictures": pictures})
        return np.asarray(embeddings).astype(np.float16).astype(np.float32)


def open_session(model: Path, *, threads: int | None = None) -> ort.InferenceSession:
    """An ONNX file on the CPU. Its threads sleep while they wait: spinning, they take the cores from the decoders."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def usable_cores() -> int:
    """Cores that this process may use; at most ``LABELLOOP_CORES``, where a machine is shared with others."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = os.environ.get(CORES, "")
    return max(1, min(here, int(most)) if most.isdecimal() else here)
