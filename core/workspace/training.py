"""Before a run: what it will take, and what its augmentation makes of the dataset's own images."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.domain.errors import LabelloopError
from core.domain.models import INSTANT
from core.domain.runs import TrainOptions
from core.embedding.blocks import EmbeddingStore
from core.training.estimate import Estimate, embedding_seconds, estimate, past_run

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

_PREVIEW = "core.training.preview"
_RUNS = 40  # that are looked at for an estimate


class Training:
    """Questions about runs that are not started yet. Safe to share between threads."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._preview: subprocess.Popen[str] | None = None
        self._asking = threading.Lock()

    def estimate(self, dataset: str, options: TrainOptions) -> Estimate:
        """What training on ``dataset`` will take here.

        Raises:
            NotFound: no such dataset.
        """
        info = self._workspace.dataset(dataset)
        train = info.splits.get("train", 0)
        if options.model == INSTANT:
            return self._instant(dataset, options, train=train, samples=info.samples)
        views = [view for view in self._workspace.runs()[:_RUNS] if view.metrics]
        past = [one for view in views if (one := past_run(view.options, view.metrics, view.status))]
        device = "cuda" if has_gpu() else "cpu"
        return estimate(options, train=train, samples=info.samples, past=past, device=device)

    def _instant(self, dataset: str, options: TrainOptions, *, train: int, samples: int) -> Estimate:
        whole = estimate(options, train=train, samples=samples, past=(), device="cpu")
        hashes = self._workspace.samples(dataset)["content_hash"].tolist()
        missing = len(EmbeddingStore(self._workspace.paths.embeddings).missing(hashes))
        seconds = 1.5 + train / 10_000 + embedding_seconds(missing)
        return Estimate(seconds, whole.memory, "cpu", "reckoned")

    def warm_up(self) -> None:
        """Somebody looks at the recipes: have a process import what a network needs, so that one starts at once."""
        self._workspace._launcher.warm_up()

    def augmented(
        self, dataset: str, options: TrainOptions, *, images: int = 3, versions: int = 4, seed: int = 0
    ) -> list[list[bytes]]:
        """Train images of the dataset as JPEGs: each as it is, then ``versions`` times as training would see it.

        The first call starts a process that imports torch; it ends by itself when it is not asked any more.

        Raises:
            NotFound: no such dataset.
            LabelloopError: the process gives no answer.
        """
        question = {"options": asdict(options), "versions": versions, "seed": seed}
        answer = self._asked({**question, "files": self._examples(dataset, images)})
        if "error" in answer:
            raise LabelloopError(str(answer["error"]))
        return [[base64.b64decode(text) for text in row] for row in answer["images"]]

    def close(self) -> None:
        """End the process of the preview."""
        with self._asking:
            self._end()

    def _examples(self, dataset: str, count: int) -> list[str]:
        """Files to show: the classes in turn, the same ones each time."""
        frame = self._workspace.samples(dataset)
        train = frame[(frame["split"] == "train") & frame["label"].notna() & ~frame["excluded"].astype(bool)]
        place = train.groupby("label", observed=True).cumcount()
        chosen = train.assign(place=place).sort_values(["place", "label"], kind="stable")["filepath"].tolist()
        return [path for path in chosen[: 4 * count] if os.path.exists(path)][:count]

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            for attempt in (1, 2):
                pipe_in, pipe_out = self._process()
                try:
                    pipe_in.write(json.dumps(question) + "\n")
                    pipe_in.flush()
                    line = pipe_out.readline()
                except OSError:  # it had ended by itself
                    line = ""
                if line:
                    reply: dict[str, Any] = json.loads(line)
                    return reply
                self._end()
                if attempt == 2:
                    break
        raise LabelloopError("The preview of the augmentation cannot be drawn here; training is not affected.")

    def _process(self) -> tuple[IO[str], IO[str]]:
        if self._preview is None or self._preview.poll() is not None:
            self._preview = subprocess.Popen(
                [sys.executable, "-m", _PREVIEW],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                cwd=Path.home(),
                start_new_session=True,
            )
        process = self._preview
        if process.stdin is None or process.stdout is None:  # never: both are pipes
            raise LabelloopError("The preview of the augmentation cannot be drawn here.")
        return process.stdin, process.stdout

    def _end(self) -> None:
        if self._preview is None:
            return
        for pipe in (self._preview.stdin, self._preview.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._preview.wait(timeout=5)
        self._preview = None


def has_gpu() -> bool:
    """Whether an NVIDIA driver has a GPU here, without asking torch."""
    folder = Path("/proc/driver/nvidia/gpus")
    return folder.is_dir() and any(folder.iterdir())
