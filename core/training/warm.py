"""What a spare process imports ahead of a run, so that the run itself starts at once."""

import tempfile
from pathlib import Path


def preload(kind: str) -> None:
    """Import all that a run of this kind needs: "light" (without torch), or "network"."""
    if kind == "light":
        _light()
    else:
        _network()


def _network() -> None:
    """Import, and what is imported on first use too; on one thread, since others do not survive a fork."""
    import torch

    torch.set_num_threads(1)

    import core.training.__main__
    import core.training.network  # noqa: F401
    from core.domain.runs import TrainOptions
    from core.training.models import build
    from core.training.optimisers import make_optimizer

    options = TrainOptions(model="cnn", image_size=16)
    network = build(options, 2, cache=Path())
    make_optimizer(network, options)  # a backward pass here would forbid every other after the fork
    with torch.inference_mode():
        network.module.eval()(torch.zeros(2, 3, 16, 16))


def _light() -> None:
    """Import what others import on first use too, and wake the algebra's threads."""
    import numpy as np
    import pandas as pd

    import core.training.__main__
    import core.training.instant  # noqa: F401
    from core.runs import predictions
    from core.snapshots import manifest
    from core.training.head import fit

    noise = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    names = [str(number) for number in range(64)]
    fitted = fit(noise, np.arange(64) % 2, 2, groups=names)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.parquet"
        table = predictions.make(
            classes=("a", "b"), sample_id=names, split=names, label=names, probabilities=fitted.out_of_fold
        )
        predictions.write(path, table)
        samples = pd.DataFrame(dict.fromkeys(manifest.COLUMNS, names), dtype=object)
        manifest.write(Path(folder), manifest.Snapshot("warm", "warm", ("a", "b"), samples))
        manifest.read(Path(folder))
