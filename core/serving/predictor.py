"""A finished run's model on new images, by ONNX Runtime. No torch."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadInput, NotFound
from core.embedding.backbone import BACKBONE_ID, BATCH, Backbone, ensure_backbone, open_session, picture, usable_cores
from core.embedding.pictures import Pixels, UnreadableImage, squeezed
from core.runs import calibration
from core.runs.atomic import read_json
from core.runs.layout import RunPaths


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a run says of one image. With an ``error`` there is no class, and probabilities and confidence are 0.

    Probabilities are at the run's fitted temperature; ``confidence`` is that of ``predicted``. ``unsure``: even the
    largest lies under the run's threshold, so ``predicted`` is its best guess and not its answer.
    """

    name: str
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    predicted: str
    confidence: float
    error: str = ""
    unsure: bool = False


class Predictor:
    """Loads a run's model once and predicts many times.

    Raises:
        NotFound: the run has no model (it has not finished, or failed).
        BadInput: its model was made for another backbone, or is damaged.
    """

    def __init__(self, run: RunPaths) -> None:
        card = read_json(run.model_card)
        if not isinstance(card, dict) or not run.model.exists():
            raise NotFound(f"{run.name} has no trained model to predict with.")
        self.classes: tuple[str, ...] = tuple(card["classes"])
        self._run = run
        self._card: dict[str, Any] = card
        self._backbone: Backbone | None = None
        if card["input"] == "embedding":
            if card["backbone"] != BACKBONE_ID:
                raise BadInput(f"{run.name} was trained on another backbone ({card['backbone']}); retrain it.")
            self._backbone = Backbone(ensure_backbone(run.workspace.cache))
        try:
            self._model = open_session(run.model)
        except Exception as error:  # ONNX Runtime's own exceptions have no base of their own
            raise BadInput(f"The model of {run.name} is damaged; retrain it.") from error
        self._input = self._model.get_inputs()[0].name

    def predict(
        self, images: Sequence[Path | bytes], *, costs: npt.NDArray[np.float64] | None = None
    ) -> list[Prediction]:
        """One prediction an image, in order. What cannot be read comes back with a sentence in ``error``.

        With ``costs`` (rows are labels, columns what they are taken for) the answer is the class whose expected cost is
        least, else the most probable.
        """
        results: list[Prediction] = []
        fitted = calibration.read(self._run)
        with ThreadPoolExecutor(max_workers=usable_cores()) as pool:
            for start in range(0, len(images), BATCH):
                batch = images[start : start + BATCH]
                results.extend(self._batch(batch, list(pool.map(self._prepared, batch)), start, fitted, costs))
        return results

    def _batch(
        self,
        images: Sequence[Path | bytes],
        prepared: Sequence[Pixels | str],
        start: int,
        fitted: calibration.Calibration,
        costs: npt.NDArray[np.float64] | None,
    ) -> Iterator[Prediction]:
        pictures = [one for one in prepared if not isinstance(one, str)]
        probabilities: Iterator[npt.NDArray[np.float32]] = iter(
            fitted.softened(self._probabilities(np.stack(pictures))) if pictures else []
        )
        for place, (image, one) in enumerate(zip(images, prepared, strict=True)):
            name = image.name if isinstance(image, Path) else f"image {start + place + 1}"
            if isinstance(one, str):
                nothing = np.zeros(len(self.classes), dtype=np.float32)
                yield Prediction(name, self.classes, nothing, "", 0.0, one)
            else:
                row = next(probabilities)
                best = int(row.argmax()) if costs is None else int((row.astype(np.float64) @ costs).argmin())
                unsure = float(row.max()) < fitted.abstain_below
                yield Prediction(name, self.classes, row, self.classes[best], float(row[best]), unsure=unsure)

    def _prepared(self, image: Path | bytes) -> Pixels | str:
        try:
            if self._backbone is not None:
                return picture(image)
            return squeezed(image, int(self._card["size"]))
        except UnreadableImage as error:
            return f"This image cannot be used: {error}."

    def _probabilities(self, pictures: Pixels) -> npt.NDArray[np.float32]:
        if self._backbone is not None:
            logits = self._model.run(None, {self._input: self._backbone.embed(pictures)})[0]
        else:
            mean = np.array(self._card["mean"], dtype=np.float32)
            std = np.array(self._card["std"], dtype=np.float32)
            batch = (pictures.astype(np.float32) / 255 - mean) / std
            logits = self._model.run(None, {self._input: np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})[0]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
