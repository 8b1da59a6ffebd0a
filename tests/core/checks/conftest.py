"""Scenes: drawn pictures with something in them at every scale, as photographs have; and facts about no pictures."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from core.checks.findings import Facts
from core.checks.shelf import PAIR_COLUMNS
from core.images.measures import RECORD


@pytest.fixture(scope="session")
def scene():
    """``scene(3)`` is a picture of 320 x 240 that depends on the number alone."""

    def draw(seed: int, size=(320, 240)) -> Image.Image:
        random = np.random.default_rng(seed)
        layers = np.zeros((size[1], size[0], 3))
        for cells, weight in ((3, 90), (8, 45), (24, 25), (80, 12)):
            small = random.normal(0, 1, (cells, cells, 3)).astype(np.float32)
            planes = [Image.fromarray(small[:, :, c]).resize(size, Image.Resampling.BICUBIC) for c in range(3)]
            layers += weight * np.stack([np.asarray(plane) for plane in planes], axis=2)
        image = Image.fromarray(np.clip(layers + 120, 0, 255).astype(np.uint8))
        pen = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = random.integers(0, size[0]), random.integers(0, size[1])
            w, h = random.integers(15, 80, 2)
            ink = tuple(int(v) for v in random.integers(0, 255, 3))
            (pen.ellipse if random.random() < 0.5 else pen.rectangle)((x, y, x + w, y + h), fill=ink)
        return image

    return draw


@pytest.fixture
def facts():
    """``facts(labels="aab", splits="tve", ...)`` of samples s0, s1, ... with distinct contents c0, c1, ..."""

    def make(
        labels="aaaa", *, contents=None, splits=None, pairs=(), origins=None, described=None, distances=None, **values
    ):
        size = len(labels)
        names = {"t": "train", "v": "val", "e": "test"}
        frame = pd.DataFrame(
            {
                "sample_id": [f"s{i}" for i in range(size)],
                "filepath": [f"/x/{i}.png" for i in range(size)],
                "content_hash": list(contents or [f"c{i}" for i in range(size)]),
                "label": pd.Series([None if label == "-" else label for label in labels], dtype=object),
                "split": [names[s] for s in (splits or "t" * size)],
                "width": values.pop("width", [400] * size),
                "height": values.pop("height", [300] * size),
                "size_bytes": [100] * size,
            }
        )
        records = np.zeros(size, dtype=RECORD)
        records["sharpness"], records["highlights"], records["shadows"], records["contrast"] = 0.8, 0.9, 0.1, 0.2
        for name, column in values.items():
            records[name] = column
        return Facts(
            frame=frame,
            records=records,
            measured=np.ones(size, dtype=bool),
            compared=np.ones(size, dtype=bool),
            embedded=np.ones(size, dtype=bool),
            pairs=pd.DataFrame([(*p, "hash", 0, 1.0) for p in pairs], columns=list(PAIR_COLUMNS)),
            distances=np.full(size, np.nan) if distances is None else np.array(distances),
            missing=[None] * size,
            origins=list(origins or [None] * size),
            described=np.zeros(size, dtype=bool) if described is None else np.array(described),
        )

    return make
