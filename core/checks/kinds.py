"""The kinds of findings that checks make: what is measured for each, from where it counts as a fault, and why."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Worse = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``threshold`` is where a person starts; None where there is nothing to set.

    ``scale`` holds the raw values of score 0 and score 1; a score does not depend on the threshold.
    """

    key: str
    title: str
    meaning: str
    value: str = ""  # what the raw value is, for the slider
    unit: str = ""
    worse: Worse = "high"
    threshold: float | None = None
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    scale: tuple[float, float] = (0.0, 1.0)
    grouped: bool = False

    def score(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Raw values as scores in [0, 1], 1 the worst."""
        good, bad = self.scale
        return np.clip((np.asarray(values, dtype=np.float64) - good) / (bad - good), 0.0, 1.0)

    def beyond(self, values: npt.NDArray[np.floating], threshold: float) -> npt.NDArray[np.bool_]:
        """Which raw values count as findings."""
        return values <= threshold if self.worse == "low" else values >= threshold


KINDS = (
    Kind(
        "leak",
        "Leaks between splits",
        "The same picture, or one of the same seed and prompt, lies in train and in val or test: figures flatter.",
        grouped=True,
    ),
    Kind(
        "label-conflict",
        "Same picture, two labels",
        "Copies of one picture carry different labels; at least one of them is wrong.",
        grouped=True,
    ),
    Kind("exact-duplicate", "Exact duplicates", "Files with the very same contents.", grouped=True),
    Kind(
        "near-duplicate",
        "Near duplicates",
        "Resized, saved again, cropped or mirrored copies of one picture.",
        value="Likeness",
        threshold=0.78,
        low=0.60,
        scale=(0.5, 1.0),
        grouped=True,
    ),
    Kind("missing-file", "Missing files", "The file is gone, or cannot be read."),
    Kind(
        "blurred",
        "Blurred",
        "Nothing in the picture is sharp at the size that a network sees.",
        value="Sharpness",
        worse="low",
        threshold=0.20,
        scale=(0.60, 0.0),
    ),
    Kind(
        "dark",
        "Dark",
        "Even the lightest parts are dark.",
        value="Light of the brightest parts",
        worse="low",
        threshold=0.35,
        scale=(0.70, 0.0),
    ),
    Kind(
        "bright",
        "Bright",
        "Even the darkest parts are bright.",
        value="Light of the darkest parts",
        threshold=0.85,
        scale=(0.50, 1.0),
    ),
    Kind(
        "flat",
        "Flat",
        "Hardly any difference in the whole picture: empty, or failed to render.",
        value="Contrast",
        worse="low",
        threshold=0.03,
        high=0.30,
        step=0.005,
        scale=(0.15, 0.0),
    ),
    Kind(
        "tiny",
        "Tiny",
        "Too few pixels to see what is there.",
        value="Shorter side",
        unit="pixels",
        worse="low",
        threshold=64.0,
        low=8.0,
        high=512.0,
        step=8.0,
        scale=(256.0, 0.0),
    ),
    Kind(
        "odd-shape",
        "Odd in shape",
        "Much longer than wide: a network sees it squeezed, or only a part.",
        value="Longer by shorter side",
        threshold=3.0,
        low=1.2,
        high=8.0,
        step=0.1,
        scale=(1.5, 6.0),
    ),
    Kind(
        "outlier",
        "Outliers",
        "Unlike all others: perhaps not of this dataset.",
        value="Distance from its nearest, in usual spreads",
        threshold=4.0,
        low=1.0,
        high=12.0,
        step=0.25,
        scale=(1.0, 8.0),
    ),
    Kind(
        "class-imbalance",
        "Rare classes",
        "Classes with few images beside the largest: a network neglects them.",
        value="Images against the largest class",
        worse="low",
        threshold=0.10,
        scale=(1.0, 0.0),
        grouped=True,
    ),
)
BY_KEY = {kind.key: kind for kind in KINDS}


def starting_threshold(kind: Kind, values: npt.NDArray[np.floating]) -> float | None:
    """Where a kind's slider starts on a dataset: in one of small pictures, small is not a fault."""
    if kind.key == "tiny" and kind.threshold is not None and len(values):
        usual = float(np.median(values))
        return max(kind.low, min(kind.threshold, kind.step * (usual // (2 * kind.step))))
    return kind.threshold
