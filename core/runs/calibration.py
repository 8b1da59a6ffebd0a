"""A run's calibration, kept with it: how its probabilities are softened, and below which it says "not sure"."""

from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Calibration:
    """``temperature`` divides the logits (1: as trained). ``abstain_below`` is the confidence, after that, under which
    the run does not answer (0: it always does). ``samples`` of ``split`` fitted the temperature.
    """

    temperature: float = 1.0
    abstain_below: float = 0.0
    split: str = ""
    samples: int = 0
    loss_before: float | None = None
    loss_after: float | None = None

    def softened(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities (n, classes) at this temperature."""
        return softened(probabilities, self.temperature)

    def softened_class(self, probabilities: npt.NDArray[np.float32], place: int) -> npt.NDArray[np.float32]:
        """One class's column of :meth:`softened`, a few rows at a time: 1,000 classes take hundreds of megabytes."""
        if self.temperature == 1.0:
            return probabilities[:, place]
        found = np.empty(len(probabilities), dtype=np.float32)
        for start in range(0, len(found), _ROWS):
            found[start : start + _ROWS] = self.softened(probabilities[start : start + _ROWS])[:, place]
        return found


def softened(probabilities: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    """Probabilities whose logits are divided by ``temperature``; the order of the classes stays."""
    if temperature == 1.0 or not len(probabilities):
        return probabilities
    powers: npt.NDArray[np.float32] = np.maximum(probabilities, np.finfo(np.float32).tiny, dtype=np.float32)
    np.log(powers, out=powers)  # in place: over 1,000 classes each copy counts
    powers /= np.float32(temperature)
    powers -= powers.max(axis=1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def read(run: RunPaths) -> Calibration:
    """What is kept with the run; the neutral calibration where nothing is, or nothing sound."""
    kept = read_json(run.calibration)
    if not isinstance(kept, dict):
        return Calibration()
    names = {field.name for field in fields(Calibration)}
    try:
        found = Calibration(**{name: value for name, value in kept.items() if name in names})
        sound = 0 < float(found.temperature) < 1e6 and 0 <= float(found.abstain_below) <= 1
    except (TypeError, ValueError):
        return Calibration()
    return found if sound else Calibration()


def write(run: RunPaths, calibration: Calibration) -> None:
    """Keep it with the run."""
    write_json(run.calibration, asdict(calibration))
