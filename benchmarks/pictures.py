"""The pictures that benchmarks of training learn from: the person's, or drawn ones. No torch."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from core.snapshots import manifest


def samples_of(folder: Path, count: int) -> pd.DataFrame:
    """Files of class folders, a quarter of them held out, in a snapshot's columns."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    chosen = [files[i] for i in np.random.default_rng(0).permutation(len(files))[:count]]
    rows = [
        (
            f"{n:024x}",
            str(path),
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.parent.name,
            "test" if n % 4 == 3 else "train",
        )
        for n, path in enumerate(chosen)
    ]
    return pd.DataFrame(rows, columns=list(manifest.COLUMNS)).astype(object)


def drawn(folder: Path, count: int) -> Path:
    """Discs, squares and stripes of any colour and place on noise, as JPEGs of 500 x 375 pixels."""
    random = np.random.default_rng(1)
    for number in range(count):
        kind = ("disc", "square", "stripes")[number % 3]
        coarse = Image.fromarray(random.integers(0, 140, (24, 32, 3), dtype=np.uint8))
        image = coarse.resize((500, 375), Image.Resampling.BICUBIC)
        pen, ink = ImageDraw.Draw(image), tuple(random.integers(120, 255, 3).tolist())
        side = int(random.integers(120, 240))
        x, y = int(random.integers(0, 500 - side)), int(random.integers(0, 375 - side))
        if kind == "disc":
            pen.ellipse((x, y, x + side, y + side), fill=ink)
        elif kind == "square":
            pen.rectangle((x, y, x + side, y + side), fill=ink)
        else:
            for across in range(x, x + side, 40):
                pen.rectangle((across, y, across + 16, y + side), fill=ink)
        (folder / kind).mkdir(parents=True, exist_ok=True)
        image.save(folder / kind / f"{number:05d}.jpg", quality=90)
    return folder
